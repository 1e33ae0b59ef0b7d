"""What is asked of a column, as it is written: `is true`, `in the last 30 days`, `{at least: 2}`."""

import re
from collections.abc import Callable, Iterator, Mapping

from braze_assets.segments.moments import Ago, DayFromNow
from braze_assets.segments.rules import Blank, Compared, Contains, OneOf, Operator, Test, Truth, Within
from braze_assets.segments.schemas import near
from braze_assets.segments.wording import Path, Reading, ago, bound, is_number, number, texts

__all__ = ["read_period", "read_test"]

Asked = tuple[bool, Test]
"""Whether the opposite is asked, and the test."""

_SPOKEN: Mapping[str, Asked] = {
    "is blank": (False, Blank()),
    "is not blank": (True, Blank()),
    "is true": (False, Truth(True)),
    "is not true": (True, Truth(True)),
    "is false": (False, Truth(False)),
    "is not false": (True, Truth(False)),
}
_PERIODS = {"today": DayFromNow(0), "yesterday": DayFromNow(-1)}
_LAST = re.compile(r"(not )?in the last (\d+) (hour|day|week|month|year)s?")
_MORE = re.compile(r"(more|less) than (\d+) (hour|day|week|month|year)s? ago")
_TEXTS = (*_SPOKEN, *_PERIODS, "in the last 30 days", "not in the last 30 days", "more than 2 years ago")
_COMPARISONS: Mapping[str, Operator] = {
    "greater than": ">",
    "more than": ">",
    "at least": ">=",
    "less than": "<",
    "at most": "<=",
}


def read_test(value: object, reading: Reading, path: Path) -> list[Asked]:
    """What is asked of a column: all of it has to hold.

    Raises:
        ConfigurationError: It is nothing that can be asked.
    """
    if isinstance(value, str):
        return [_spoken(value, reading, path)]
    if not isinstance(value, Mapping) or not value:
        shown = f"`{{is: {value}}}`" if isinstance(value, (str, int, float)) else "`{is: DE}`"
        raise reading.error(
            "A column is not followed by what is asked of it.", path, f"Write {shown}, or `is blank`."
        )
    return [asked for key, each in value.items() for asked in _asked(str(key), each, reading, (*path, key))]


def read_period(value: object, reading: Reading, path: Path) -> Within:
    """A period: `in the last 30 days`, `{after: 2026-01-01}`.

    Raises:
        ConfigurationError: It is none.
    """
    found = read_test(value, reading, path)
    if len(found) == 1 and not found[0][0] and isinstance(found[0][1], Within):
        return found[0][1]
    raise reading.error(
        "One period is expected.",
        path,
        "Write `in the last 30 days`, or `{between: [2026-01-01, 2026-03-31]}`.",
    )


def _spoken(text: str, reading: Reading, path: Path) -> Asked:
    words = " ".join(text.split())
    if words in _SPOKEN:
        return _SPOKEN[words]
    if words in _PERIODS:
        return False, Within(_PERIODS[words], _PERIODS[words])
    if match := _LAST.fullmatch(words):
        return match[1] is not None, Within(ago(match[2], match[3], reading, path), Ago(0, "day"))
    if match := _MORE.fullmatch(words):
        moment = ago(match[2], match[3], reading, path)
        return False, Within(end=moment) if match[1] == "more" else Within(start=moment)
    raise reading.error(
        f"{text!r} is nothing that can be asked.",
        path,
        near(words, _TEXTS, most=1) + f"To compare with a value, write {{is: {text}}}.",
    )


def _asked(key: str, value: object, reading: Reading, path: Path) -> Iterator[Asked]:
    words = " ".join(key.replace("_", " ").split())
    read = _READERS.get(words)
    if read is None:
        raise reading.error(
            f"{key!r} is nothing that can be asked.",
            path,
            near(words, _READERS, most=1) + f"Known here: {', '.join(_READERS)}.",
        )
    yield from read(value, reading, path)


Read = Callable[[object, Reading, Path], Iterator[Asked]]


def _is(negated: bool) -> Read:
    def read(value: object, reading: Reading, path: Path) -> Iterator[Asked]:
        if isinstance(value, list):
            raise reading.error("`is` is followed by a list.", path, "Write `is in` before a list.")
        yield negated, Truth(value) if isinstance(value, bool) else _one_of([value], reading, path)

    return read


def _is_in(negated: bool) -> Read:
    def read(value: object, reading: Reading, path: Path) -> Iterator[Asked]:
        if not isinstance(value, list):
            raise reading.error("`is in` is not followed by a list.", path, "Write [DE, AT], or `is`.")
        yield negated, _one_of(value, reading, path)

    return read


def _one_of(values: list[object], reading: Reading, path: Path) -> OneOf:
    if values and all(is_number(each) for each in values):
        return OneOf(tuple(number(each, reading, path) for each in values))
    return OneOf(texts(values, reading, path))


def _compared(operator: Operator) -> Read:
    def read(value: object, reading: Reading, path: Path) -> Iterator[Asked]:
        yield False, Compared(operator, number(value, reading, path))

    return read


def _between(value: object, reading: Reading, path: Path) -> Iterator[Asked]:
    if not isinstance(value, list) or len(value) != 2:
        raise reading.error("`between` is not followed by two values.", path, "Write [10, 20]; both count.")
    if is_number(value[0]):
        low, high = number(value[0], reading, path), number(value[1], reading, path)
        if low > high:
            raise reading.error("Nothing is between these two.", path, "Write the smaller one first.")
        yield False, Compared(">=", low)
        yield False, Compared("<=", high)
    else:
        yield False, Within(bound(value[0], reading, path), bound(value[1], reading, path))


def _contains(negated: bool) -> Read:
    def read(value: object, reading: Reading, path: Path) -> Iterator[Asked]:
        yield negated, Contains("anywhere", texts(value, reading, path))

    return read


def _at_start(value: object, reading: Reading, path: Path) -> Iterator[Asked]:
    yield False, Contains("start", texts(value, reading, path))


def _at_end(value: object, reading: Reading, path: Path) -> Iterator[Asked]:
    yield False, Contains("end", texts(value, reading, path))


def _before(value: object, reading: Reading, path: Path) -> Iterator[Asked]:
    yield False, Within(end=bound(value, reading, path), end_before=True)


def _after(value: object, reading: Reading, path: Path) -> Iterator[Asked]:
    yield False, Within(start=bound(value, reading, path), start_after=True)


def _until(value: object, reading: Reading, path: Path) -> Iterator[Asked]:
    yield False, Within(end=bound(value, reading, path))


def _since(value: object, reading: Reading, path: Path) -> Iterator[Asked]:
    yield False, Within(start=bound(value, reading, path))


def _on(value: object, reading: Reading, path: Path) -> Iterator[Asked]:
    day = bound(value, reading, path)
    if isinstance(day, Ago):
        raise reading.error("`on` is not followed by a day.", path, "Write a day, or `after: 30 days ago`.")
    yield False, Within(day, day)


_READERS: Mapping[str, Read] = {
    "is": _is(False),
    "is not": _is(True),
    "is in": _is_in(False),
    "is not in": _is_in(True),
    **{words: _compared(operator) for words, operator in _COMPARISONS.items()},
    "between": _between,
    "contains": _contains(False),
    "does not contain": _contains(True),
    "starts with": _at_start,
    "ends with": _at_end,
    "before": _before,
    "after": _after,
    "on": _on,
    "on or before": _until,
    "on or after": _since,
}

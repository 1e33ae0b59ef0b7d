"""Values as they are written in YAML, and the errors of those that are not what is asked for."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import get_args

from braze_assets.errors import ConfigurationError
from braze_assets.segments.moments import Ago, Bound, Day, DayFromNow, Unit
from braze_assets.segments.rules import Number

__all__ = ["Path", "Reading", "ago", "bound", "is_number", "number", "texts"]

Path = tuple[str | int, ...]
"""The keys and list positions that lead to something in YAML."""

_DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}
_AGO = re.compile(r"(\d+) (hour|day|week|month|year)s? ago")
_MOST = {"hour": 876_000, "day": 36_500, "week": 5_200, "month": 1_200, "year": 100}
_DIGITS = 18


@dataclass(frozen=True)
class Reading:
    """Knows where in a file things are written."""

    place: Callable[[Path], str]

    def error(self, cause: str, path: Path, remedy: str | None = None) -> ConfigurationError:
        """An error at this place."""
        return ConfigurationError(
            cause, place=self.place(path), remedy=remedy or "docs/segments.md has all forms of a rule."
        )


def is_number(value: object) -> bool:
    """Whether it is a number; true and false are none."""
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def number(value: object, reading: Reading, path: Path) -> Number:
    """A number, exactly as it is written."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**_DIGITS:
        return value
    if isinstance(value, float):
        try:
            exact = Decimal(repr(value))
        except InvalidOperation:
            exact = Decimal("NaN")
        if exact.is_finite() and len(format(exact, "f").strip("-0.").replace(".", "")) <= _DIGITS:
            return exact
    raise reading.error(
        f"{_shown(value)} is no number to compare with.",
        path,
        f"Write a number of {_DIGITS} digits at most, without quotes.",
    )


def texts(value: object, reading: Reading, path: Path) -> tuple[str, ...]:
    """One text, or a list of texts."""
    listed = value if isinstance(value, list) else [value]
    for each in listed:
        if not isinstance(each, str):
            raise reading.error(
                f"{_shown(each)} is no text.",
                path,
                "Put it in quotes: without, YAML reads 007 as a number and NO as false.",
            )
        if not each.strip(" "):
            raise reading.error("A text to compare with is empty.", path, "Ask `is blank` instead.")
    return tuple(listed)


def bound(value: object, reading: Reading, path: Path) -> Bound:
    """A point in time: a day, `today`, `yesterday`, `30 days ago`."""
    if isinstance(value, datetime):
        raise reading.error(
            "A time of day cannot be compared with.", path, "Write a day: YYYY-MM-DD; days are those of UTC."
        )
    if isinstance(value, date):
        return Day(value)
    if isinstance(value, str):
        text = value.strip()
        if text in _DAYS:
            return DayFromNow(_DAYS[text])
        if match := _AGO.fullmatch(text):
            return ago(match[1], match[2], reading, path)
        try:
            if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
                return Day(date.fromisoformat(text))
        except ValueError:
            pass
    raise reading.error(
        f"{_shown(value)} is no point in time.",
        path,
        "Write a day as YYYY-MM-DD, or `today`, `yesterday`, `30 days ago`, `2 years ago`.",
    )


def ago(count: str, unit: str, reading: Reading, path: Path) -> Ago:
    """So many units before the end of the partition."""
    if not 1 <= int(count) <= _MOST[unit]:
        raise reading.error(f"{count} {unit}s is no such time.", path, f"Write 1 to {_MOST[unit]:,} {unit}s.")
    found: Unit = next(each for each in get_args(Unit) if each == unit)
    return Ago(int(count), found)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."

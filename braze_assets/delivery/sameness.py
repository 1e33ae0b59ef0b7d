"""Whether an exported value is the value that was sent, however Braze spells it.

Comparing exports as text makes every reformatted date look like a change that never ends. Here both sides are
read as the attribute's type first. Which spellings Braze exports is documented only by examples (Braze
documentation "Export users by identifier", September 2026): whatever can mean the value is taken for it.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

from braze_assets.rows import AttributeType

__all__ = ["exported", "moment", "same"]

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.:](\d{1,9}))?)?)?"
    r"\s*(Z|UTC|[+-]\d\d:?(?:\d\d)?)?"
)
_TRUE, _FALSE = ("true", "t", "1"), ("false", "f", "0")
_CASELESS = frozenset({"email"})
"""Fields that Braze may keep in lower case (assumption)."""


def exported(profile: Mapping[str, Any], name: str, *, custom: bool) -> Any:
    """An attribute's value in an exported profile; None where it is not set.

    Braze strips blanks around the names of custom attributes.
    """
    if not custom:
        return profile.get(name)
    attributes = profile.get("custom_attributes")
    if not isinstance(attributes, Mapping):
        return None
    return attributes[name] if name in attributes else attributes.get(name.strip())


def same(expected: Any, found: Any, type: AttributeType, *, name: str = "") -> bool:
    """Whether `found` means `expected`.

    Args:
        expected: The canonical value; never None. Of an `Object`, its JSON text under `$json`.
        found: What the export holds, as `json` reads it (numbers may be Decimals); None if it is not there.
        type: The attribute's type.
        name: The attribute, for fields with rules of their own.
    """
    if type.array:
        if found is None:
            return not expected
        return (
            isinstance(found, list)
            and len(found) == len(expected)
            and all(
                same(one, other, type.item, name=name) for one, other in zip(expected, found, strict=True)
            )
        )
    if type.name == "Object":
        return _object(json.loads(expected["$json"], parse_float=Decimal), found)
    if found is None:
        return bool(expected == "")  # an export leaves empty fields out
    if isinstance(found, Mapping) and set(found) == {"$time"}:
        found = found["$time"]
    return _COMPARE[type.name](expected, found, name)


def _object(expected: Any, found: Any) -> bool:
    """The same for a nested value, whose parts have no types but those of JSON."""
    if isinstance(expected, dict):
        if set(expected) == {"$time"}:
            marked = isinstance(found, Mapping) and set(found) == {"$time"}
            return moment(expected["$time"]) == moment(found["$time"] if marked else found)
        return (
            isinstance(found, Mapping)
            and set(found) == set(expected)
            and all(_object(item, found[key]) for key, item in expected.items())
        )
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(found) == len(expected)
            and all(_object(one, other) for one, other in zip(expected, found, strict=True))
        )
    if isinstance(expected, bool):
        return found is expected
    # Text inside an object is never taken for a time.
    return bool(found == expected) if isinstance(expected, str) else _number(expected, found, "")


def _boolean(expected: bool, found: Any, _: str) -> bool:
    if isinstance(found, bool):
        return found is expected
    return str(found).strip().lower() in (_TRUE if expected else _FALSE)


def _number(expected: Any, found: Any, _: str) -> bool:
    if isinstance(found, bool) or not isinstance(found, (int, float, str, Decimal)):
        return False
    try:
        wanted, got = Decimal(str(expected)), Decimal(str(found).strip())
    except InvalidOperation:
        return False
    # Braze keeps numbers as JSON numbers: what lies beyond a double's digits may be lost there.
    return wanted == got or (got.is_finite() and float(wanted) == float(got))


def _date(expected: date, found: Any, _: str) -> bool:
    return moment(found) == datetime(expected.year, expected.month, expected.day, tzinfo=timezone.utc)


def _datetime(expected: datetime, found: Any, _: str) -> bool:
    return moment(found) == _millisecond(expected.astimezone(timezone.utc))


def _string(expected: str, found: Any, name: str) -> bool:
    if isinstance(found, str):
        if found == expected or (name in _CASELESS and found.casefold() == expected.casefold()):
            return True
        # A text that looks like a time is one for Braze.
        meant = moment(expected)
        return meant is not None and meant == moment(found)
    if isinstance(found, (list, Mapping)):
        try:
            return bool(json.loads(expected, parse_float=Decimal) == found)
        except ValueError:
            return False
    # A type forced in Braze turns text into numbers and booleans.
    return _boolean(found, expected, name) if isinstance(found, bool) else _number(expected, found, name)


def moment(text: Any) -> datetime | None:
    """The instant a text names, in UTC and milliseconds; None if it names none."""
    parts = _TIME.fullmatch(text.strip()) if isinstance(text, str) else None
    if parts is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = parts.groups()
    micros = int((fraction or "").ljust(6, "0")[:6])
    try:
        time = datetime(
            *(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), micros),
            tzinfo=timezone.utc,
        )
        if zone and zone[0] in "+-":
            digits = zone[1:].replace(":", "").ljust(4, "0")
            offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
            time = time - offset if zone[0] == "+" else time + offset
    except (ValueError, OverflowError):
        return None
    return _millisecond(time)


def _millisecond(time: datetime) -> datetime:
    return time.replace(microsecond=time.microsecond // 1_000 * 1_000)


_COMPARE: Mapping[str, Callable[[Any, Any, str], bool]] = {
    "Boolean": _boolean,
    "Date": _date,
    "Datetime": _datetime,
    "Decimal": _number,
    "Float": _number,
    "Integer": _number,
    "String": _string,
}

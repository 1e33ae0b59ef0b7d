"""Values for an attribute whose type somebody set by hand in the dashboard.

Documented ("Custom attribute data types", September 2026): data of another type is coerced, and ignored
where that is impossible; booleans take 1, true, t and 0, false, f. The finer points are assumptions (A).
"""

from typing import Any

from braze_assets.emulator.settings import ForcedType
from braze_assets.emulator.times import parse_time

__all__ = ["coerce", "type_name"]

_TRUE, _FALSE = {"1", "true", "t"}, {"0", "false", "f"}


def coerce(forced: ForcedType, value: Any) -> Any:
    """The value in the forced type, or `None` where it has to be ignored."""
    kind = value.__class__
    if kind is dict:
        operator = value.keys() & {"inc", "add", "remove", "$add", "$update", "$remove"}
        fits = {"number": {"inc"}, "array": {"add", "remove"}, "object_array": {"$add", "$update", "$remove"}}
        if operator:
            return value if operator <= fits.get(forced, set()) else None
        return value if forced == "object" else None
    if kind is list:
        objects = bool(value) and all(item.__class__ is dict for item in value)
        return value if forced == ("object_array" if objects else "array") else None
    if forced == "string":
        return str(value).lower() if kind is bool else str(value)
    if forced == "boolean":
        text = str(value).strip().lower()
        return True if text in _TRUE else False if text in _FALSE else None
    if forced == "number":
        return _number(value)
    if forced == "time":
        return value if kind is str and parse_time(value) is not None else None
    return None


def type_name(value: Any) -> str:
    """The type Braze detects, in the words of `GET /custom_attributes` (A beyond "Number")."""
    kind = value.__class__
    if kind is bool:
        return "Boolean"
    if kind is str:
        return "String" if parse_time(value) is None else "Time"
    if kind is dict:
        return "Object"
    if kind is list:
        return "Object Array" if value and value[0].__class__ is dict else "Array"
    return "Number"


def _number(value: Any) -> Any:
    if value.__class__ in (int, float):
        return value
    if value.__class__ is not str:
        return None
    for convert in (int, float):
        try:
            number = convert(value)
        except ValueError:
            continue
        return number if number == number and abs(number) != float("inf") else None
    return None

"""What Braze makes of the value of a custom attribute.

D marks what Braze documents ("User attributes object", "Nested custom attributes", "Array of objects",
"Custom attribute data types", September 2026), A an assumption nobody could check.
"""

import json
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final

from braze_assets.emulator.coercion import coerce
from braze_assets.emulator.nested import deep_merge, key_count, nested_is_valid, updated_objects
from braze_assets.emulator.settings import ForcedType, Settings

__all__ = ["IGNORED", "ValueRules", "stored_value", "unique"]

IGNORED: Final = object()
"""The update leaves the attribute as it was; Braze says nothing."""


@dataclass(frozen=True)
class ValueRules:
    """The settings that decide about values, in the form the hot path wants."""

    string_chars: int = 255
    array_items: int = 25
    drop_oldest: bool = True
    nested_bytes: int = 100_000
    blocklist: frozenset[str] = frozenset()
    forced_types: dict[str, ForcedType] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings) -> "ValueRules":
        """The rules these settings ask for."""
        return cls(
            settings.string_chars,
            settings.array_items,
            settings.array_over_limit == "drop_oldest",
            settings.nested_bytes,
            frozenset(settings.blocklist),
            settings.forced_types,
        )


def stored_value(name: str, old: Any, new: Any, rules: ValueRules, *, merge: bool) -> tuple[Any, int]:
    """The value a profile holds after an update, and its data points.

    `new` is not `None` (that removes the attribute); `old` is `None` where there was no value.
    Returns `(IGNORED, 0)` where Braze drops the update silently.
    """
    forced = rules.forced_types.get(name)
    if forced is not None:
        new = coerce(forced, new)
        if new is None:
            return IGNORED, 0  # D: "the data will be ignored"
    kind = new.__class__
    if kind is str:
        # D: too long "didn't update"; that it is dropped, not cut, is the reading taken here.
        return (new, 1) if len(new) <= rules.string_chars else (IGNORED, 0)
    if kind is float:
        return (new, 1) if isfinite(new) else (IGNORED, 0)  # A: 1e999 has no place in JSON
    if kind is list:
        return _whole_array(new, rules)
    if kind is dict:
        return _object(old, new, rules, merge)
    return new, 1


def unique(items: list[Any]) -> list[Any]:
    """An array without duplicates: the last occurrence keeps its place (D). `true` is not 1 (A)."""
    if len(items) < 2:
        return items
    kept = {(item.__class__ is bool, item): item for item in reversed(items)}
    return list(reversed(kept.values()))


def _scalars(items: list[Any], rules: ValueRules) -> bool:
    """Whether a list holds only what an array may hold (A: one bad item drops the whole update)."""
    return all(
        (item.__class__ is str and len(item) <= rules.string_chars)
        or item.__class__ in (int, bool)
        or (item.__class__ is float and isfinite(item))
        for item in items
    )


def _capped(items: list[Any], rules: ValueRules) -> Any:
    if len(items) > rules.array_items:
        if not rules.drop_oldest:
            return IGNORED
        items = items[-rules.array_items :]
    # A text of 255 characters takes at most 6 bytes each as JSON: short lists need not be measured.
    small = len(items) * (rules.string_chars * 6 + 4) <= rules.nested_bytes
    return items if small or _fits(items, rules) else IGNORED


def _fits(value: Any, rules: ValueRules) -> bool:
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")) <= rules.nested_bytes


def _whole_array(items: list[Any], rules: ValueRules) -> tuple[Any, int]:
    if items and all(item.__class__ is dict for item in items):  # D: an array of objects has no item limit
        if all(nested_is_valid(item, rules.string_chars) for item in items) and _fits(items, rules):
            return items, max(1, key_count(items))
        return IGNORED, 0
    if not _scalars(items, rules):
        return IGNORED, 0
    value = _capped(unique(items), rules)
    return value, 0 if value is IGNORED else 1  # D: a whole array is one data point


def _object(old: Any, new: dict[str, Any], rules: ValueRules, merge: bool) -> tuple[Any, int]:
    keys = new.keys()
    if keys == {"inc"} and new["inc"].__class__ is int:
        base = old if old.__class__ in (int, float) else 0  # A: what is not a number starts from 0
        return base + new["inc"], 1
    if keys and keys <= {"add", "remove"} and all(items.__class__ is list for items in new.values()):
        return _array_update(old, new, rules)
    if keys and keys <= {"$add", "$update", "$remove"}:
        updated = updated_objects(old, new, merge=merge, chars=rules.string_chars)
        return updated if updated is not None and _fits(updated[0], rules) else (IGNORED, 0)
    if not nested_is_valid(new, rules.string_chars):
        return IGNORED, 0
    value = deep_merge(old, new) if merge and old.__class__ is dict else new
    return (value, max(1, key_count(new))) if _fits(value, rules) else (IGNORED, 0)


def _array_update(old: Any, new: dict[str, Any], rules: ValueRules) -> tuple[Any, int]:
    added, removed = new.get("add", []), new.get("remove", [])
    if not (_scalars(added, rules) and _scalars(removed, rules)):
        return IGNORED, 0
    items = list(old) if old.__class__ is list else []
    gone = {(item.__class__ is bool, item) for item in removed}
    items = unique([*items, *added])
    # A: of an item in both lists the removal wins.
    value = _capped([item for item in items if (item.__class__ is bool, item) not in gone], rules)
    return value, 0 if value is IGNORED else len(added)  # D: one data point a value added; removals are free

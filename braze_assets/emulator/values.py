"""What Braze makes of the value of a custom attribute.

D marks what Braze documents ("User attributes object", "Nested custom attributes", "Array of objects",
"Custom attribute data types", September 2026), A an assumption nobody could check.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Final

from braze_assets.emulator.coercion import coerce
from braze_assets.emulator.settings import ForcedType, Settings
from braze_assets.emulator.times import parse_time

__all__ = ["IGNORED", "ValueRules", "key_count", "stored_value", "unique"]

IGNORED: Final = object()
"""The update leaves the attribute as it was; Braze says nothing."""

_INFINITE = (float("inf"), float("-inf"))


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
        return (IGNORED, 0) if new != new or new in _INFINITE else (new, 1)  # A: 1e999 has no place in JSON
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


def key_count(value: Any) -> int:
    """Data points of a nested value: every key at every level (D: "every key in the object")."""
    if value.__class__ is dict:
        if "$time" in value:
            return 0
        return len(value) + sum(map(key_count, value.values()))
    if value.__class__ is list:
        return sum(map(key_count, value))
    return 0


def _scalars(items: list[Any], rules: ValueRules) -> bool:
    """Whether a list holds only what an array may hold (A: one bad item drops the whole update)."""
    return all(
        item.__class__ in (int, float, bool) or (item.__class__ is str and len(item) <= rules.string_chars)
        for item in items
    )


def _capped(items: list[Any], rules: ValueRules) -> Any:
    if len(items) > rules.array_items:
        if not rules.drop_oldest:
            return IGNORED
        items = items[-rules.array_items :]
    return items if _fits(items, rules) else IGNORED


def _fits(value: Any, rules: ValueRules) -> bool:
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")) <= rules.nested_bytes


def _whole_array(items: list[Any], rules: ValueRules) -> tuple[Any, int]:
    if items and all(item.__class__ is dict for item in items):  # D: an array of objects has no item limit
        if all(nested_is_valid(item, rules) for item in items) and _fits(items, rules):
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
        return _objects_update(old, new, rules, merge)
    if not nested_is_valid(new, rules):
        return IGNORED, 0
    value = _deep_merge(old, new) if merge and old.__class__ is dict else new
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


def nested_is_valid(value: Any, rules: ValueRules) -> bool:
    """Whether Braze takes a nested value: no nulls, keys without space, dot or dollar, sound times (D)."""
    kind = value.__class__
    if kind is dict:
        if "$time" in value:
            text = value["$time"]
            return len(value) == 1 and isinstance(text, str) and parse_time(text) is not None
        for key, item in value.items():
            if not key or len(key) > rules.string_chars or any(mark in key for mark in " .$"):
                return False
            if not nested_is_valid(item, rules):
                return False
        return True
    if kind is list:
        return all(nested_is_valid(item, rules) for item in value)
    if kind is str:
        return len(value) <= rules.string_chars
    if kind is float:
        return bool(value == value and value not in _INFINITE)
    return kind in (int, bool)


def _deep_merge(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    merged = dict(old)
    for key, value in new.items():
        before = merged.get(key)
        nested = before.__class__ is dict and value.__class__ is dict and "$time" not in value
        merged[key] = _deep_merge(before, value) if nested else value
    return merged


def _objects_update(old: Any, new: dict[str, Any], rules: ValueRules, merge: bool) -> tuple[Any, int]:
    """`$add`, then `$remove`, then `$update` on an array of objects (D, also the order)."""
    items = list(old) if old.__class__ is list else []
    points = 0
    for operator in ("$add", "$remove", "$update"):
        entries = new.get(operator, [])
        if entries.__class__ is not list or not all(entry.__class__ is dict for entry in entries):
            return IGNORED, 0
        for entry in entries:
            if operator == "$add":
                if not nested_is_valid(entry, rules):
                    return IGNORED, 0
                items.append(entry)
                points += key_count(entry)
                continue
            key, wanted = entry.get("$identifier_key"), entry.get("$identifier_value")
            if operator == "$remove":
                items = [item for item in items if not (item.__class__ is dict and item.get(key) == wanted)]
                continue
            change = entry.get("$new_object")
            if change.__class__ is not dict or not nested_is_valid(change, rules):
                return IGNORED, 0
            for place, item in enumerate(items):
                if item.__class__ is dict and item.get(key) == wanted:
                    items[place] = _deep_merge(item, change) if merge else change
                    points += key_count(change)
    return (items, points) if _fits(items, rules) else (IGNORED, 0)

"""Nested custom attributes and arrays of objects: what Braze takes, and how it merges.

D marks what Braze documents ("Nested custom attributes", "Array of objects", September 2026), A an
assumption.
"""

from math import isfinite
from typing import Any

from braze_assets.emulator.times import parse_time

__all__ = ["deep_merge", "key_count", "nested_is_valid", "updated_objects"]


def key_count(value: Any) -> int:
    """Data points of a nested value: every key at every level (D: "every key in the object")."""
    if value.__class__ is dict:
        if "$time" in value:
            return 0
        return len(value) + sum(map(key_count, value.values()))
    if value.__class__ is list:
        return sum(map(key_count, value))
    return 0


def nested_is_valid(value: Any, chars: int) -> bool:
    """Whether Braze takes a nested value: no nulls, keys without space, dot or dollar, sound times (D)."""
    kind = value.__class__
    if kind is dict:
        if "$time" in value:
            text = value["$time"]
            return len(value) == 1 and isinstance(text, str) and parse_time(text) is not None
        for key, item in value.items():
            if not key or len(key) > chars or any(mark in key for mark in " .$"):
                return False
            if not nested_is_valid(item, chars):
                return False
        return True
    if kind is list:
        return all(nested_is_valid(item, chars) for item in value)
    if kind is str:
        return len(value) <= chars
    if kind is float:
        return isfinite(value)
    return kind in (int, bool)


def deep_merge(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """`_merge_objects`: new keys join the old ones, at every level; arrays and times are replaced."""
    merged = dict(old)
    for key, value in new.items():
        before = merged.get(key)
        nested = _is_object(before) and _is_object(value)
        merged[key] = deep_merge(before, value) if nested else value  # type: ignore[arg-type]
    return merged


def _is_object(value: Any) -> bool:
    return value.__class__ is dict and "$time" not in value


def updated_objects(
    old: Any, new: dict[str, Any], *, merge: bool, chars: int
) -> tuple[list[Any], int] | None:
    """An array of objects after `$add`, then `$remove`, then `$update` (D, also the order), with its points.

    `None` where one of the operations is not sound: Braze drops the whole update.
    """
    items = list(old) if old.__class__ is list else []
    points = 0
    for operator in ("$add", "$remove", "$update"):
        entries = new.get(operator, [])
        if entries.__class__ is not list or not all(entry.__class__ is dict for entry in entries):
            return None
        for entry in entries:
            if operator == "$add":
                if not nested_is_valid(entry, chars):
                    return None
                items.append(entry)
                points += key_count(entry)
                continue
            key, wanted = entry.get("$identifier_key"), entry.get("$identifier_value")
            if key.__class__ is not str or wanted is None:
                return None  # A
            places = [
                place
                for place, item in enumerate(items)
                if item.__class__ is dict and item.get(key) == wanted
            ]
            if operator == "$remove":
                items = [item for place, item in enumerate(items) if place not in places]
                continue
            change = entry.get("$new_object")
            if change.__class__ is not dict or not nested_is_valid(change, chars):
                return None
            for place in places:
                items[place] = deep_merge(items[place], change) if merge else change
                points += key_count(change)
    return items, points

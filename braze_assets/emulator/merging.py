"""Two profiles become one.

Source: Braze documentation "Merge users", September 2026: fields found only on the merged user move to the
kept one, counts are added, the earlier first and the later last time stay.
"""

from typing import Any

from braze_assets.emulator.profiles import Profile, Profiles
from braze_assets.emulator.times import moment

__all__ = ["merge_profiles"]


def merge_profiles(profiles: Profiles, source: Profile, target: Profile) -> None:
    """Move what only `source` has to `target`, and forget `source`. That aliases move is assumed."""
    aliases = source.aliases or []
    profiles.delete(source)
    for alias in aliases:
        profiles.add_alias(target, alias)
    for name, value in source.attributes.items():
        if name not in target.attributes:
            if name in ("email", "phone"):
                profiles.set_contact(target, name, value)
            target.attributes[name] = value
    target.events = _added(target.events, source.events)
    target.purchases = _added(target.purchases, source.purchases)
    profiles.touch(target)


def _added(target: dict[str, Any] | None, source: dict[str, Any] | None) -> dict[str, Any] | None:
    if not source or not target:
        return target or source
    sums = dict(target)
    for name, entry in source.items():
        other = sums.get(name)
        if other is None:
            sums[name] = entry
            continue
        sums[name] = {
            **other,
            "count": other["count"] + entry["count"],
            "first": min(other["first"], entry["first"], key=moment),
            "last": max(other["last"], entry["last"], key=moment),
            "recent": sorted([*other["recent"], *entry["recent"]], key=lambda one: moment(one["time"])),
        }
    return sums

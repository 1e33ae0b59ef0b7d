"""Events and purchases of a profile: counts for ever, the latest ones in full.

Braze deduplicates neither (documented, September 2026), so the count says how often one was received.
"""

from typing import Any

from braze_assets.emulator.profiles import Profile
from braze_assets.emulator.times import moment

__all__ = ["note_event", "note_purchase"]

_PURCHASE_KEYS = ("time", "price", "currency", "quantity", "properties")


def note_event(profile: Profile, item: dict[str, Any], keep: int) -> None:
    """Add a custom event; at most `keep` of a name are kept in full."""
    if profile.events is None:
        profile.events = {}
    details = {"time": item["time"], "properties": item.get("properties", {})}
    _note(profile.events, item["name"], item["time"], details, keep)


def note_purchase(profile: Profile, item: dict[str, Any], keep: int) -> None:
    """Add a purchase. Braze's own count is of purchases, not of the quantity (an assumption)."""
    if profile.purchases is None:
        profile.purchases = {}
    profile.revenue += item["price"] * item.get("quantity", 1)
    details = {key: item[key] for key in _PURCHASE_KEYS if key in item}
    _note(profile.purchases, item["product_id"], item["time"], details, keep)


def _note(log: dict[str, dict[str, Any]], name: str, time: str, details: dict[str, Any], keep: int) -> None:
    entry = log.setdefault(name, {"count": 0, "first": time, "last": time, "recent": []})
    entry["count"] += 1
    entry["first"] = min(entry["first"], time, key=moment)
    entry["last"] = max(entry["last"], time, key=moment)
    entry["recent"].append(details)
    del entry["recent"][: max(0, len(entry["recent"]) - keep)]

"""Attributes that change for nearly everybody with nearly every plan: they cost most and say least."""

from collections.abc import Iterator, Mapping, Sequence

from braze_assets.errors import PlanError, StorageError
from braze_assets.ledger import Ledger
from braze_assets.plan.header import AttributeCount, Counts, PlanHeader, read_plan_header
from braze_assets.storage import StoredTable

__all__ = ["PLANS", "churn"]

PLANS = 5
"""Plans that are looked at, the one that is being made among them."""
_LEAST = 3
_NEW = 0.1
"""A plan of which more than this share of the users is new says nothing: they get every attribute."""


def churn(
    ledger: Ledger, counts: Counts, per_attribute: Mapping[str, AttributeCount]
) -> dict[str, tuple[float, ...]]:
    """For each attribute, the share of the users that it changes for, in this plan and those sent before.

    Args:
        ledger: The sync's; its journal knows where the plans are that were sent. Those that retention has
            removed are left out.
        counts: Of the plan that is being made.
        per_attribute: Of the same.

    Returns:
        Shares by attribute, the newest first; nothing while there are fewer than three plans.
    """
    plans = [(counts, per_attribute)] if _tells(counts) else []
    for header in _sent(ledger):
        if len(plans) == PLANS:
            break
        if _tells(header.counts):
            plans.append((header.counts, header.per_attribute))
    if len(plans) < _LEAST:
        return {}
    return {name: _shares(name, plans) for name in per_attribute}


def _tells(counts: Counts) -> bool:
    return counts.users > 0 and counts.new <= _NEW * counts.users


def _shares(name: str, plans: Sequence[tuple[Counts, Mapping[str, AttributeCount]]]) -> tuple[float, ...]:
    nothing = AttributeCount()
    found = ((counts, per.get(name, nothing)) for counts, per in plans)
    return tuple((each.set + each.unset) / counts.users for counts, each in found)


def _sent(ledger: Ledger) -> Iterator[PlanHeader]:
    """The headers of the plans that were sent whole, the newest first."""
    begun = [each for each in ledger.journal.read().entries if each.state == "begun"]
    seen: set[str] = set()
    for entry in list(reversed(begun))[: 3 * PLANS]:
        if entry.plan_id in seen or entry.object_limit is not None or not entry.users:
            continue
        seen.add(entry.plan_id)
        try:
            header = read_plan_header(StoredTable.at(entry.plan_uri))
        except (StorageError, PlanError, OSError):
            continue
        if header.plan_id == entry.plan_id:
            yield header

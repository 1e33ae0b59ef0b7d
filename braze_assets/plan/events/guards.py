"""The guards of a plan of events: what must be true before it may be sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from braze_assets.plan.events.header import EventCounts
from braze_assets.plan.events.settings import EventPlanSettings
from braze_assets.plan.judging import Guard, Verdict, budget_verdict

__all__ = ["EVENT_GUARDS", "EventFacts"]


@dataclass(frozen=True, kw_only=True)
class EventFacts:
    """What the guards look at.

    Args:
        settings: The sync's settings.
        counts: The plan's counts.
        left_out: Rows left out, by reason.
        rows_before: Rows of the other partitions that were sent.
        as_of: The end of the partition.
        horizon: Ids of partitions that ended before this (epoch seconds) are forgotten; 0 for none.
    """

    settings: EventPlanSettings
    counts: EventCounts
    left_out: Mapping[str, int]
    rows_before: Sequence[int]
    as_of: datetime
    horizon: int


def _share(facts: EventFacts, guard: str, setting: str, reasons: Sequence[str], what: str) -> Verdict:
    limit: float = getattr(facts.settings.guards, setting)
    bad, rows = sum(facts.left_out.get(reason, 0) for reason in reasons), facts.counts.rows
    share = bad / rows if rows else 0.0
    asked = rows >= facts.settings.guards.min_rows
    return Verdict(
        guard=guard,
        passed=not asked or share <= limit,
        observed=share,
        limit=limit,
        message=f"{bad:,} of {rows:,} rows ({share:.1%}) {what}; {limit:.1%} is allowed. Correct the "
        f"query, or raise guards.{setting}."
        if bad
        else "",
    )


def _event_ids(facts: EventFacts) -> Verdict:
    reasons = ("null_event_id", "duplicate_event_id")
    return _share(facts, "event_ids", "max_id_errors", reasons, "have no event id of their own")


def _identifier_present(facts: EventFacts) -> Verdict:
    reasons = ("null_identifier", "identifier_too_long")
    return _share(
        facts, "identifier_present", "max_identifier_errors", reasons, "cannot be sent for their identifier"
    )


def _volume(facts: EventFacts) -> Verdict:
    limit, before, rows = facts.settings.guards.max_times_mean, facts.rows_before, facts.counts.rows
    mean = sum(before) / len(before) if before else 0.0
    times = rows / mean if mean else 0.0
    passed = limit is None or rows < facts.settings.guards.min_rows or times <= limit
    return Verdict(
        guard="volume",
        passed=passed,
        observed=times,
        limit=limit,
        message=""
        if passed
        else f"{rows:,} rows are {times:.1f} times the mean of {len(before)} partitions sent before "
        f"({mean:,.0f}); {limit:g} times is allowed. If that is meant (history, a campaign), waive the guard "
        "volume for this plan; else look for a join that multiplies rows. guards.max_times_mean sets the "
        "limit.",
    )


def _budget(facts: EventFacts) -> Verdict:
    points, budget = facts.counts.data_points, facts.settings.guards.data_point_budget
    return budget_verdict(points, budget, fewer="events")


def _ids_kept(facts: EventFacts) -> Verdict:
    passed = facts.as_of.timestamp() >= facts.horizon or not facts.counts.objects
    until = datetime.fromtimestamp(facts.horizon, timezone.utc)
    return Verdict(
        guard="ids_kept",
        passed=passed,
        message=""
        if passed
        else f"The ids of partitions that ended before {until:%Y-%m-%d %H:%M} UTC were removed from the "
        "ledger: nobody can tell which of these events were sent. Sending them could count them twice.",
    )


EVENT_GUARDS: tuple[Guard[EventFacts], ...] = (
    Guard("event_ids", "Nearly all rows have an event id, and one of their own.", _event_ids),
    Guard("identifier_present", "Nearly all rows say of which user they are.", _identifier_present),
    Guard("volume", "The partition is not many times larger than those before.", _volume),
    Guard("data_point_budget", "The plan costs no more data points than the budget.", _budget),
    Guard("ids_kept", "The ledger still knows what of the partition was sent.", _ids_kept),
)
"""All guards, in the order of their verdicts; every plan has one verdict of each."""

"""The status of a flow, and each change of it, once."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, get_args

from braze_assets.alerts.observations import Counted, Failed, Observation, Sent

__all__ = ["STATUSES", "Cause", "Change", "FlowState", "Rules", "Status", "begin", "watch"]

Status = Literal["ok", "failing", "no success", "rejections", "zero rows"]
"""From the second on, the earlier one is shown where several are so."""

STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """When a flow is not ok. That a run fails counts always."""

    max_rejected_share: float | None = None
    """More than this share of a send's objects was rejected: 0.01 is one in a hundred."""
    max_age: timedelta | None = None
    """The last send that came to its end is longer ago; or the first look, where none ever did."""
    zero_rows: bool = False
    """The table has no row."""


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What a status comes from."""

    trigger: str
    run: str
    partition: str | None
    since: datetime
    because: str = ""
    objects: int = 0
    rejected: int = 0


@dataclass(frozen=True, kw_only=True)
class FlowState:
    """What is known of a flow between two looks: facts, from which the rules make its status."""

    watched_since: datetime
    status: Status = "ok"
    since: datetime
    """When the status began."""
    order: int = 0
    """Of the newest observation; an older one that is seen late changes nothing any more."""
    last_success: datetime | None = None
    sent: Cause | None = None
    """The last send that came to its end."""
    failing: Cause | None = None
    rejections: Cause | None = None
    """The last send that had any."""
    empty: Cause | None = None


@dataclass(frozen=True, kw_only=True)
class Change:
    """A flow has another status than before."""

    id: str
    """The same, however often the same change is found."""
    flow: str
    status: Status
    previous: Status
    since: datetime
    previous_since: datetime | None = None
    """When the status before began; None where nobody had looked before."""
    run: str = ""
    partition: str | None = None
    because: str = ""
    counts: dict[str, int] = field(default_factory=dict)


def begin(
    flow: str, observations: Iterable[Observation], *, ordered: bool, rules: Rules, now: datetime
) -> tuple[FlowState, list[Change]]:
    """The first look at a flow: what is wrong is told, that nothing is wrong is not.

    Args:
        flow: Its name.
        observations: The newest of each kind.
        ordered: Whether partitions follow each other in time, so that a later one makes up for an earlier.
        rules: When it is not ok.
        now: The time.
    """
    state = FlowState(watched_since=now, since=now)
    for each in sorted(observations, key=lambda one: one.order):
        state = _seen(state, each, ordered)
    status, cause = _judged(state, rules, now)
    if status == "ok":
        return state, []
    trigger = cause.trigger if cause else _age_trigger(state)
    changed, change = _changed(flow, state, status, cause, trigger, cause.since if cause else now)
    return changed, [replace(change, previous_since=None)]


def watch(
    flow: str,
    state: FlowState,
    observations: Iterable[Observation],
    *,
    ordered: bool,
    rules: Rules,
    now: datetime,
) -> tuple[FlowState, list[Change]]:
    """What happened since the last look, and the time that has passed.

    Args:
        flow: Its name.
        state: What the last look left.
        observations: What was seen since; what was seen before may be among them.
        ordered: Whether partitions follow each other in time, so that a later one makes up for an earlier.
        rules: When it is not ok.
        now: The time.

    Returns:
        The state for the next look, and the changes of status in their order.
    """
    changes = []
    for each in sorted(observations, key=lambda one: one.order):
        if each.order <= state.order:
            continue
        state = _seen(state, each, ordered)
        status, cause = _judged(state, rules, now)
        if status != state.status:
            state, change = _changed(flow, state, status, cause, each.trigger, each.time)
            changes.append(change)
    status, cause = _judged(state, rules, now)
    if status != state.status:
        aged = status == "no success"
        trigger = _age_trigger(state) if aged else f"rules:{state.since.isoformat()}"
        state, change = _changed(flow, state, status, cause, trigger, now)
        changes.append(change)
    return state, changes


def _judged(state: FlowState, rules: Rules, now: datetime) -> tuple[Status, Cause | None]:
    if state.failing:
        return "failing", state.failing
    if rules.max_age is not None and now - (state.last_success or state.watched_since) > rules.max_age:
        return "no success", None
    bad = state.rejections
    if bad and rules.max_rejected_share is not None and bad.rejected > rules.max_rejected_share * bad.objects:
        return "rejections", bad
    if state.empty and rules.zero_rows:
        return "zero rows", state.empty
    return "ok", None


def _seen(state: FlowState, seen: Observation, ordered: bool) -> FlowState:
    state = replace(state, order=seen.order)
    cause = Cause(trigger=seen.trigger, run=seen.run, partition=seen.partition, since=seen.time)

    def settled(problem: Cause | None) -> Cause | None:
        """None where this makes up for it: the day itself or a later one was done."""
        both = ordered and problem and problem.partition is not None and seen.partition is not None
        return problem if both and str(seen.partition) < str(problem and problem.partition) else None

    if isinstance(seen, Failed):
        return replace(state, failing=replace(cause, because=seen.because))
    if isinstance(seen, Counted):
        return replace(state, empty=settled(state.empty) if seen.rows else cause)
    if not isinstance(seen, Sent) or _again(state.sent, seen, ordered):
        return state
    cause = replace(cause, objects=seen.objects, rejected=seen.rejected)
    rejections = state.rejections
    if seen.rejected:
        rejections = cause
    elif seen.attempted and not (rejections and rejections.run == seen.run and not seen.objects):
        rejections = settled(rejections)
    return replace(
        state,
        last_success=max(state.last_success or seen.time, seen.time),
        sent=cause,
        failing=settled(state.failing),
        rejections=rejections,
        empty=state.empty if seen.rows is None else settled(state.empty) if seen.rows else cause,
    )


def _again(last: Cause | None, seen: Sent, ordered: bool) -> bool:
    """Whether it was seen before: a run shows each of its partitions when that is done, and at its end."""
    if last is None or last.run != seen.run:
        return False
    return (seen.partition or "") <= (last.partition or "") if ordered else seen.partition == last.partition


def _age_trigger(state: FlowState) -> str:
    return f"age:{(state.last_success or state.watched_since).isoformat()}"


def _changed(
    flow: str, state: FlowState, status: Status, cause: Cause | None, trigger: str, since: datetime
) -> tuple[FlowState, Change]:
    cause = cause or state.sent
    name = f"{flow}\n{status}\n{trigger}".encode()
    counted = cause is not None and status in ("ok", "rejections")
    change = Change(
        id=hashlib.sha256(name).hexdigest()[:24],
        flow=flow,
        status=status,
        previous=state.status,
        since=since if status != "no success" else (state.last_success or state.watched_since),
        previous_since=state.since,
        run=cause.run if cause else "",
        partition=cause.partition if cause else None,
        because=cause.because if cause and status == "failing" else "",
        counts={"objects": cause.objects, "rejected": cause.rejected} if cause and counted else {},
    )
    return replace(state, status=status, since=since), change

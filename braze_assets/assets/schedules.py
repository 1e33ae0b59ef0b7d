"""The schedule of a flow: made of its timing, stopped until somebody starts it."""

import logging
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any

import dagster as dg

from braze_assets.assets.daylight import daylight_warning
from braze_assets.assets.flow import ALWAYS, Flow, Timed
from braze_assets.assets.timing import AFTER_EACH_PARTITION, Timing, ticks
from braze_assets.assets.unchanged import unchanged
from braze_assets.errors import ConfigurationError

__all__ = ["AFTER_EACH_PARTITION", "build_schedules", "newest_closed"]

_LONGEST = timedelta(days=366 * 8)
"""No cron line waits longer for its day: from one leap year to the next, over 2100."""

_log = logging.getLogger("dagster.braze_assets")


def build_schedules(
    flow: Timed, job: Any, sends: Sequence[Flow] = (), *, as_of: datetime | None = None
) -> list[Any]:
    """The schedule of a flow's job, if it has one; stopped until somebody starts it.

    Args:
        flow: What is run.
        job: Its job.
        sends: It, once for each destination; none where nothing is sent.
        as_of: From when on changes of clocks are told; now when left out.

    Raises:
        ConfigurationError: It is to run after each partition, and there are none; to run only if something
            changed, and what it reads is no asset; or no tick falls on the days it is to run.
    """
    timing = flow.timing
    cron = timing.cron
    if timing.when == AFTER_EACH_PARTITION:
        if flow.partitions is None:
            raise ConfigurationError(
                f"{flow.name} has no partitions, so none can close.",
                place=f"schedule of {flow.name}",
                remedy='Give a cron line, such as "0 3 * * *", or partitions.',
            )
        cron = flow.partitions.cron_schedule
    if cron is None:
        return []
    if timing.only_if_changed:
        if not sends:
            raise ConfigurationError(
                f"{flow.name} cannot skip ticks only if nothing changed since a send: they are not sent.",
                place=f"schedule of {flow.name}",
                remedy="Leave `only_if_changed` out, or write `after new data`.",
            )
        require_assets(flow, "skip ticks only if nothing changed")
    _require_ticks(flow, Timing(cron, timing.timezone))
    name = f"{flow.name}_schedule"
    plain = not timing.only_if_changed and flow.within == ALWAYS
    if timing.when == AFTER_EACH_PARTITION and plain:
        return [dg.build_schedule_from_partitioned_job(job, name=name)]
    warning = daylight_warning(timing, as_of or datetime.now(timezone.utc))
    if warning:
        _log.warning("%s: %s", name, warning)
    description = " ".join(filter(None, (f"{timing}.", warning)))
    return [_schedule(name, job, cron, flow, sends, description)]


def require_assets(flow: Timed, purpose: str) -> None:
    """Refuse what needs to know when tables were made, of tables that are files.

    Raises:
        ConfigurationError: The flow reads a file, or nothing.
    """
    files = sorted(name for name, source in flow.sources.items() if source.asset is None)
    if files or not flow.sources:
        raise ConfigurationError(
            f"{flow.name} cannot {purpose}: "
            + (f"it reads the file {files[0]}" if files else "it reads no table of the project")
            + ", of which nobody tells Dagster when it changes.",
            place=f"schedule of {flow.name}",
            remedy='Give a cron line alone, such as "0 3 * * *": the plan leaves out whatever Braze has '
            "acknowledged. Or make the file an asset, and read that.",
        )


def newest_closed(
    name: str,
    job: Any,
    partitions: dg.TimeWindowPartitionsDefinition,
    cron: str,
    *,
    lag: timedelta = timedelta(0),
) -> dg.ScheduleDefinition:
    """A schedule, in UTC, of the newest partition that has closed.

    Args:
        name: Its name.
        job: What it runs.
        partitions: The job's.
        cron: When.
        lag: How long the partition must have been closed.
    """

    @dg.schedule(name=name, job=job, cron_schedule=cron, execution_timezone="UTC")
    def newest_closed_partition(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        key = _newest_closed(partitions, context.scheduled_execution_time - lag)
        return dg.RunRequest(partition_key=key) if key else dg.SkipReason("No partition has closed yet.")

    return newest_closed_partition


def _schedule(
    name: str, job: Any, cron: str, flow: Timed, sends: Sequence[Flow], description: str
) -> dg.ScheduleDefinition:
    """The schedule of a flow: of the newest partition that has closed, where there are any."""
    asked = flow.timing.only_if_changed
    enabled = [each for each in sends if getattr(each, "enabled", True)]

    @dg.schedule(
        name=name,
        job=job,
        cron_schedule=cron,
        execution_timezone=flow.timing.timezone,
        description=description,
        required_resource_keys={each.destination for each in enabled} if asked else None,
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        at = context.scheduled_execution_time.astimezone(timezone.utc)
        key = _newest_closed(flow.partitions, at) if flow.partitions else None
        if flow.partitions and key is None:
            return dg.SkipReason("No partition has closed yet.")
        first, last = flow.within
        if not _is_within(_day_of(flow, key, at), first, last):
            return dg.SkipReason(
                f"{key or at.date()} is outside of {first or 'the past'} to {last or 'the future'}."
            )
        why_not = unchanged(context, flow, enabled, key) if asked else ""
        return dg.SkipReason(why_not) if why_not else dg.RunRequest(partition_key=key)

    return tick


def _newest_closed(partitions: dg.TimeWindowPartitionsDefinition, at: datetime) -> str | None:
    with dg.partition_loading_context(at):
        return partitions.get_last_partition_key()


def _day_of(flow: Timed, key: str | None, at: datetime) -> date:
    """The day a tick is for."""
    if flow.partitions is None or key is None:
        return at.date()
    return flow.partitions.time_window_for_partition_key(key).start.date()


def _is_within(day: date, first: date | None, last: date | None) -> bool:
    return (first is None or day >= first) and (last is None or day <= last)


def _require_ticks(flow: Timed, timing: Timing) -> None:
    """Refuse a schedule of which every tick is outside of the days it is to run for."""
    first, last = flow.within
    if last is None:
        return
    start = datetime.combine(first or last, datetime.min.time(), timezone.utc) - timedelta(seconds=1)
    if first is None:
        start -= _LONGEST
    end = datetime.combine(last, datetime.min.time(), timezone.utc) + timedelta(days=3)
    for tick in ticks(timing, start):
        at = tick.astimezone(timezone.utc)
        if at > end:
            break
        # A day is filled once it has closed: by the ticks of the day after it.
        day = at.date() - timedelta(days=1 if _daily(flow) else 0)
        if _is_within(day, first, last):
            return
    raise ConfigurationError(
        f"The schedule of {flow.name} never fires: {timing.when!r} has no tick for a day from "
        f"{first or 'the past'} to {last}.",
        place=f"schedule of {flow.name}",
        remedy="Correct the cron line, or the first and the last day. A daily partition is filled by the "
        "first tick after its end, which is 00:00 UTC of the next day.",
    )


def _daily(flow: Timed) -> bool:
    return flow.partitions is not None and not flow.partitions.cron_schedule.startswith("0 * ")

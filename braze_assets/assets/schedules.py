"""When a flow runs."""

from datetime import date, timedelta
from typing import Any

import dagster as dg

from braze_assets.assets.flow import Flow
from braze_assets.errors import ConfigurationError

__all__ = ["AFTER_EACH_PARTITION", "build_schedules", "newest_closed"]

AFTER_EACH_PARTITION = "after each partition"
"""The schedule that fills a partition when it has closed."""


def build_schedules(sync: Flow, job: Any) -> list[Any]:
    """The schedule of a flow's job, if it has one; stopped until somebody starts it.

    Raises:
        ConfigurationError: It is to run after each partition, and there are none.
    """
    if sync.cron_schedule is None:
        return []
    name = f"{sync.name}_schedule"
    if sync.partitions is None:
        if sync.cron_schedule == AFTER_EACH_PARTITION:
            raise ConfigurationError(
                f"The sync {sync.name} has no partitions, so none can close.",
                place=f"schedule of {sync.name}",
                remedy='Give a cron line, such as "0 3 * * *", or partitions.',
            )
        return [dg.ScheduleDefinition(name=name, job=job, cron_schedule=sync.cron_schedule)]
    if sync.cron_schedule != AFTER_EACH_PARTITION:
        return [newest_closed(name, job, sync.partitions, sync.cron_schedule, within=sync.within)]
    if sync.within != Flow.within:
        cron = sync.partitions.cron_schedule
        return [newest_closed(name, job, sync.partitions, cron, within=sync.within)]
    return [dg.build_schedule_from_partitioned_job(job, name=name)]


def newest_closed(
    name: str,
    job: Any,
    partitions: dg.TimeWindowPartitionsDefinition,
    cron: str,
    *,
    lag: timedelta = timedelta(0),
    within: tuple[date | None, date | None] = (None, None),
) -> dg.ScheduleDefinition:
    """A schedule, in UTC, of the newest partition that has closed.

    Args:
        name: Its name.
        job: What it runs.
        partitions: The job's.
        cron: When.
        lag: How long the partition must have been closed.
        within: First and last day of a partition that is run.
    """

    @dg.schedule(name=name, job=job, cron_schedule=cron, execution_timezone="UTC")
    def newest_closed_partition(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        with dg.partition_loading_context(context.scheduled_execution_time - lag):
            key = partitions.get_last_partition_key()
        if key is None:
            return dg.SkipReason("No partition has closed yet.")
        day = partitions.time_window_for_partition_key(key).start.date()
        first, last = within
        if (first and day < first) or (last and day > last):
            return dg.SkipReason(f"{key} is outside of {first or 'the past'} to {last or 'the future'}.")
        return dg.RunRequest(partition_key=key)

    return newest_closed_partition

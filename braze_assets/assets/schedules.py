"""When a flow runs."""

from datetime import timedelta
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
    if sync.cron_schedule == AFTER_EACH_PARTITION:
        return [dg.build_schedule_from_partitioned_job(job, name=name)]
    return [newest_closed(name, job, sync.partitions, sync.cron_schedule)]


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
        with dg.partition_loading_context(context.scheduled_execution_time - lag):
            key = partitions.get_last_partition_key()
        return dg.RunRequest(partition_key=key) if key else dg.SkipReason("No partition has closed yet.")

    return newest_closed_partition

"""A sync as definitions: its assets, its job, its schedule."""

from typing import Any

import dagster as dg

from braze_assets.assets.syncs.audit import build_audit_asset
from braze_assets.assets.syncs.definition import SyncDefinition
from braze_assets.assets.syncs.delta import build_delta_asset
from braze_assets.assets.syncs.findings import build_findings_asset
from braze_assets.assets.syncs.rows import build_rows_asset
from braze_assets.assets.syncs.send import build_send_asset
from braze_assets.errors import ConfigurationError

__all__ = ["AFTER_EACH_PARTITION", "build_sync"]

AFTER_EACH_PARTITION = "after each partition"
"""The schedule that fills a partition when it has closed."""


def build_sync(sync: SyncDefinition) -> dg.Definitions:
    """Everything one sync is made of. The schedule is stopped until somebody starts it."""
    assets = [
        build_rows_asset(sync),
        build_findings_asset(sync),
        build_delta_asset(sync),
        build_send_asset(sync),
    ]
    if sync.audit_sample:
        assets.append(build_audit_asset(sync))
    job = dg.define_asset_job(
        f"{sync.name}_job",
        selection=dg.AssetSelection.assets(*(asset.key for asset in assets)),
        description=f"Table, plan, send (mode: {sync.mode}) and audit of {sync.name}.",
    )
    return dg.Definitions(assets=assets, jobs=[job], schedules=_schedules(sync, job))


def _schedules(sync: SyncDefinition, job: Any) -> list[Any]:
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
    partitions = sync.partitions

    @dg.schedule(name=name, job=job, cron_schedule=sync.cron_schedule, execution_timezone="UTC")
    def newest_closed_partition(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        with dg.partition_loading_context(context.scheduled_execution_time):
            key = partitions.get_last_partition_key()
        return dg.RunRequest(partition_key=key) if key else dg.SkipReason("No partition has closed yet.")

    return [newest_closed_partition]

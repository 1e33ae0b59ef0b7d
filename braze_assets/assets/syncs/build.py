"""A sync as definitions: its assets, its job, its schedule."""

import dagster as dg

from braze_assets.assets.schedules import AFTER_EACH_PARTITION, build_schedules
from braze_assets.assets.syncs.audit import build_audit_asset
from braze_assets.assets.syncs.definition import SyncDefinition
from braze_assets.assets.syncs.delta import build_delta_asset
from braze_assets.assets.syncs.findings import build_findings_asset
from braze_assets.assets.syncs.operations import build_ledger_job
from braze_assets.assets.syncs.rows import build_rows_asset
from braze_assets.assets.syncs.send import build_send_asset

__all__ = ["AFTER_EACH_PARTITION", "build_sync"]


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
    return dg.Definitions(
        assets=assets, jobs=[job, build_ledger_job(sync)], schedules=build_schedules(sync, job)
    )

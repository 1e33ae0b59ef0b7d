"""A sync as definitions: its assets, its job, its schedule."""

from collections.abc import Sequence
from dataclasses import replace

import dagster as dg

from braze_assets.assets.automation import started
from braze_assets.assets.schedules import AFTER_EACH_PARTITION
from braze_assets.assets.syncs.audit import build_audit_asset
from braze_assets.assets.syncs.csv_out import build_csv_asset
from braze_assets.assets.syncs.definition import SyncDefinition
from braze_assets.assets.syncs.delta import build_delta_asset
from braze_assets.assets.syncs.findings import build_findings_asset
from braze_assets.assets.syncs.operations import build_ledger_job
from braze_assets.assets.syncs.rows import build_rows_asset
from braze_assets.assets.syncs.send import build_send_asset

__all__ = ["AFTER_EACH_PARTITION", "build_sync"]


def build_sync(
    sync: SyncDefinition, *others: SyncDefinition, after: Sequence[dg.AssetsDefinition] = ()
) -> dg.Definitions:
    """Everything one sync is made of. The schedule is stopped until somebody starts it.

    Args:
        sync: The sync.
        others: The same table for other destinations: each has a `target`, and a plan, a send, an audit and a
            ledger of its own. Table, job and schedule are the first one's.
        after: More assets that the job makes.
    """
    made = [build_rows_asset(sync), build_findings_asset(sync)]
    wanted = [asset.key for asset in made]
    for each in (sync, *others):
        delivery = build_csv_asset(each) if each.csv else build_send_asset(each)
        parts = [build_delta_asset(each), delivery]
        if each.audit_sample and not each.csv:
            parts.append(build_audit_asset(each))
        made += parts
        wanted += [asset.key for asset in parts if each.enabled]
    made += after
    wanted += [asset.key for asset in after]
    named = replace(sync, target="")
    modes = ", ".join(dict.fromkeys(each.mode for each in (sync, *others)))
    job = dg.define_asset_job(
        f"{named.name}_job",
        selection=dg.AssetSelection.assets(*wanted),
        description=f"Table, plan, send (mode: {modes}) and audit of {named.name}.",
    )
    ledgers = [build_ledger_job(each) for each in (sync, *others)]
    return started(dg.Definitions(assets=made, jobs=[job, *ledgers]), named, job, wanted, [sync, *others])

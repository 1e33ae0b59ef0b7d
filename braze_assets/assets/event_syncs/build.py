"""A sync of events as definitions: its assets, its jobs, its schedule."""

import dagster as dg

from braze_assets.assets.automation import started
from braze_assets.assets.event_syncs.definition import EventSyncDefinition
from braze_assets.assets.event_syncs.delta import build_event_delta_asset
from braze_assets.assets.event_syncs.review import build_review_asset
from braze_assets.assets.event_syncs.rows import build_events_asset
from braze_assets.assets.event_syncs.send import build_event_send_asset
from braze_assets.assets.event_syncs.settle import build_settle_job

__all__ = ["build_event_sync"]


def build_event_sync(sync: EventSyncDefinition) -> dg.Definitions:
    """Everything one sync of events is made of. The schedule is stopped until somebody starts it."""
    assets = [
        build_events_asset(sync),
        build_event_delta_asset(sync),
        build_event_send_asset(sync),
        build_review_asset(sync),
    ]
    job = dg.define_asset_job(
        f"{sync.name}_job",
        selection=dg.AssetSelection.assets(*(asset.key for asset in assets)),
        description=f"Table, plan, send (mode: {sync.mode}) and review of {sync.name}.",
    )
    made = dg.Definitions(assets=assets, jobs=[job, build_settle_job(sync)])
    return started(made, sync, job, [asset.key for asset in assets], [sync])

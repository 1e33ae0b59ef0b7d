"""One sync of events or purchases as Dagster assets: rows, the plan, the send, the review."""

from braze_assets.assets.event_syncs.build import build_event_sync
from braze_assets.assets.event_syncs.definition import EventSyncDefinition

__all__ = ["EventSyncDefinition", "build_event_sync"]

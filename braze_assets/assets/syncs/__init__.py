"""One sync as Dagster assets: rows, findings, the plan, the send, the audit."""

from braze_assets.assets.syncs.build import build_sync
from braze_assets.assets.syncs.definition import Source, SyncDefinition

__all__ = ["Source", "SyncDefinition", "build_sync"]

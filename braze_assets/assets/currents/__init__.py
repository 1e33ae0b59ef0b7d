"""Braze Currents as Dagster assets: events by hour, email events by day, engagement by customer."""

from braze_assets.assets.currents.email import build_email_assets
from braze_assets.assets.currents.events import build_event_asset, event_asset_key
from braze_assets.assets.currents.feed import CurrentsFeedDefinition, build_feed

__all__ = [
    "CurrentsFeedDefinition",
    "build_email_assets",
    "build_event_asset",
    "build_feed",
    "event_asset_key",
]

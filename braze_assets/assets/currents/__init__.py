"""Braze Currents as Dagster assets: events by hour, messages by day, engagement by customer and campaign."""

from braze_assets.assets.currents.email import build_email_assets
from braze_assets.assets.currents.events import build_event_asset, event_asset_key
from braze_assets.assets.currents.feed import CurrentsFeedDefinition, build_feed
from braze_assets.assets.currents.messages import build_message_assets

__all__ = [
    "CurrentsFeedDefinition",
    "build_email_assets",
    "build_event_asset",
    "build_feed",
    "build_message_assets",
    "event_asset_key",
]

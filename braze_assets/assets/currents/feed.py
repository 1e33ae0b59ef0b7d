"""A Currents feed: the bucket, its event types, and what is made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg

from braze_assets.assets.currents.departures import build_departures_asset
from braze_assets.assets.currents.email import build_email_assets
from braze_assets.assets.currents.events import build_event_asset, event_asset_key
from braze_assets.assets.partitions import daily_partitions, hourly_partitions
from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.currents.departures import DEPARTURE_EVENTS
from braze_assets.currents.events import EMAIL_EVENT_TYPES
from braze_assets.currents.ingest import IngestSettings
from braze_assets.errors import ConfigurationError

__all__ = ["CurrentsFeedDefinition", "build_feed"]


@dataclass(frozen=True, kw_only=True)
class CurrentsFeedDefinition:
    """What is read from one Currents connector."""

    event_types: Sequence[str] = EMAIL_EVENT_TYPES
    settings: IngestSettings = field(default_factory=IngestSettings)
    departures: Mapping[str, IdentifierKind] = field(default_factory=dict)
    """Syncs whose ledgers users leave when Braze deletes or merges them, and what they are known by there."""
    identity_days: int = 30
    """Days of the feed's other events in which the external id of a deleted profile is looked up."""


def build_feed(feed: CurrentsFeedDefinition) -> dg.Definitions:
    """The assets of a feed, and a job and a schedule (stopped) that fill each hour once it is complete."""
    bucket = dg.AssetSpec(
        dg.AssetKey(["currents", "bucket"]),
        description="Avro files as Braze Currents writes them: `BRAZE_CURRENTS_URL`.",
        group_name="currents",
        kinds={"s3", "avro"},
    )
    hours = hourly_partitions()
    events = [
        build_event_asset(event_type, hours, feed.settings, bucket=bucket.key)
        for event_type in feed.event_types
    ]
    if feed.departures and not set(feed.event_types) & set(DEPARTURE_EVENTS):
        raise ConfigurationError(
            "The feed has `departures`, but no events that tell of them.",
            place="departures",
            remedy=f"Add {' and '.join(DEPARTURE_EVENTS)} to `event_types`.",
        )
    departures = [
        build_departures_asset(sync, identifier, feed.event_types, hours, feed.identity_days)
        for sync, identifier in feed.departures.items()
    ]
    job = dg.define_asset_job(
        "currents_hour",
        selection=dg.AssetSelection.assets(
            *(event_asset_key(each) for each in feed.event_types), *(each.key for each in departures)
        ),
        description="Reads one hour of Currents, all event types.",
    )
    # Files of an hour may come up to half an hour after it (Currents documentation, FAQ, September 2026).
    schedule = dg.build_schedule_from_partitioned_job(job, minute_of_hour=40)
    return dg.Definitions(
        assets=[bucket, *events, *departures, *build_email_assets(feed.event_types, daily_partitions())],
        jobs=[job],
        schedules=[schedule],
    )

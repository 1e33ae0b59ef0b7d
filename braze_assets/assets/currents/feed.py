"""A Currents feed: the bucket, its event types, and what is made of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import dagster as dg

from braze_assets.assets.currents.email import build_email_assets
from braze_assets.assets.currents.events import build_event_asset, event_asset_key
from braze_assets.assets.partitions import daily_partitions, hourly_partitions
from braze_assets.currents.events import EMAIL_EVENT_TYPES
from braze_assets.currents.ingest import IngestSettings

__all__ = ["CurrentsFeedDefinition", "build_feed"]


@dataclass(frozen=True, kw_only=True)
class CurrentsFeedDefinition:
    """What is read from one Currents connector."""

    event_types: Sequence[str] = EMAIL_EVENT_TYPES
    settings: IngestSettings = field(default_factory=IngestSettings)


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
    job = dg.define_asset_job(
        "currents_hour",
        selection=dg.AssetSelection.assets(*(event_asset_key(each) for each in feed.event_types)),
        description="Reads one hour of Currents, all event types.",
    )
    # Files of an hour may come up to half an hour after it (Currents documentation, FAQ, September 2026).
    schedule = dg.build_schedule_from_partitioned_job(job, minute_of_hour=40)
    return dg.Definitions(
        assets=[bucket, *events, *build_email_assets(feed.event_types, daily_partitions())],
        jobs=[job],
        schedules=[schedule],
    )

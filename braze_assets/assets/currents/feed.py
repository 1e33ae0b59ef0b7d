"""A Currents feed: the bucket, its event types, and what is made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import dagster as dg

from braze_assets.assets.currents.departures import build_departures_asset
from braze_assets.assets.currents.email import build_email_assets
from braze_assets.assets.currents.events import build_event_asset
from braze_assets.assets.currents.messages import build_message_assets
from braze_assets.assets.currents.place import FeedPlace
from braze_assets.assets.currents.read_back import build_read_back_asset
from braze_assets.assets.currents.reconciliation import build_reconciliation
from braze_assets.assets.currents.sensor import build_sensor
from braze_assets.assets.currents.unknown import build_unknown_events
from braze_assets.assets.partitions import daily_partitions, hourly_partitions
from braze_assets.assets.schedules import newest_closed
from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.currents.departures import DEPARTURE_EVENTS
from braze_assets.currents.discovery import DiscoverySettings
from braze_assets.currents.email_events import EMAIL_EVENT_NAMES
from braze_assets.currents.events import EMAIL_EVENT_TYPES
from braze_assets.currents.ingest import IngestSettings
from braze_assets.currents.profile_updates import PROFILE_UPDATE
from braze_assets.errors import ConfigurationError

__all__ = ["CurrentsFeedDefinition", "build_feed"]


@dataclass(frozen=True, kw_only=True)
class CurrentsFeedDefinition:
    """What is read from one Currents connector."""

    name: str = ""
    """Tells feeds apart where there are several; tables of the Customer 360 are made of the one without."""
    url: str = ""
    """Where Currents writes; that of the resource when empty."""
    event_types: Sequence[str] = EMAIL_EVENT_TYPES
    settings: IngestSettings = field(default_factory=IngestSettings)
    discovery: DiscoverySettings = field(default_factory=DiscoverySettings)
    departures: Mapping[str, IdentifierKind] = field(default_factory=dict)
    """Syncs whose ledgers users leave when Braze deletes or merges them, and what they are known by there."""
    identity_days: int = 30
    """Days of the feed's other events in which the external id of a deleted profile is looked up."""
    read_back: Mapping[str, IdentifierKind] = field(default_factory=dict)
    """Syncs whose acknowledged values are compared with profile updates, and what users are known by."""
    send_again_when_changed: Sequence[str] = ()
    """Those of them that send again what others changed."""
    customers: str = ""
    """The asset of customers, with `amperity_id` and `external_id`, for email engagement by Amperity ID."""


def build_feed(feed: CurrentsFeedDefinition) -> dg.Definitions:
    """The assets of a feed, its job, and what starts it: a sensor or a schedule, both stopped.

    Raises:
        ConfigurationError: The feed asks for something that is not to be had.
    """
    place = FeedPlace(name=feed.name, url=feed.url)
    _refuse(feed)
    bucket = dg.AssetSpec(
        place.key("bucket"),
        description="Avro files as Braze Currents writes them: "
        f"{'the `url` of the feed' if feed.url else '`BRAZE_CURRENTS_URL`'}.",
        group_name=place.group(),
        kinds={"s3", "avro"},
    )
    hours = hourly_partitions()
    events = [
        build_event_asset(event_type, hours, feed.settings, bucket=bucket.key, place=place)
        for event_type in feed.event_types
    ]
    departures = [
        build_departures_asset(sync, identifier, feed.event_types, hours, feed.identity_days)
        for sync, identifier in feed.departures.items()
    ]
    read_back = [
        build_read_back_asset(sync, identifier, hours, send_again=sync in feed.send_again_when_changed)
        for sync, identifier in feed.read_back.items()
    ]
    unknown = build_unknown_events(place, feed.event_types, hours, feed.settings, bucket=bucket.key)
    job = dg.define_asset_job(
        place.named("hour"),
        selection=dg.AssetSelection.assets(
            *(place.key(each) for each in feed.event_types),
            unknown.key,
            *(each.key for each in [*departures, *read_back]),
        ),
        description="Reads one hour of Currents, all event types.",
    )
    sensor = build_sensor(
        place,
        feed.event_types,
        hours,
        feed.discovery,
        job,
        also={
            unknown.key: (),
            **{each.key: DEPARTURE_EVENTS for each in departures},
            **{each.key: (PROFILE_UPDATE,) for each in read_back},
        },
    )
    lag = feed.discovery.lag_minutes
    schedule = newest_closed(
        f"{job.name}_schedule", job, hours, f"{lag % 60} * * * *", lag=timedelta(minutes=lag)
    )
    reconciliation = build_reconciliation(place, feed.event_types, hours, feed.discovery, bucket=bucket.key)
    customers = dg.AssetKey.from_user_string(feed.customers) if feed.customers else None
    days = daily_partitions()
    back = [
        *build_email_assets(feed.event_types, days, customers=customers),
        *build_message_assets(feed.event_types, days),
    ]
    return dg.Definitions(
        assets=[
            bucket,
            *events,
            unknown,
            *departures,
            *read_back,
            reconciliation,
            *([] if feed.name else back),
        ],
        jobs=[job],
        schedules=[schedule],
        sensors=[sensor],
    )


def _refuse(feed: CurrentsFeedDefinition) -> None:
    if feed.customers and (feed.name or not set(feed.event_types) & set(EMAIL_EVENT_NAMES)):
        raise ConfigurationError(
            "The feed has `customers`, but makes no email tables to join them with.",
            place="customers",
            remedy="Give `customers` to the feed without a name, with email event types among its own.",
        )
    if feed.departures and feed.name:
        raise ConfigurationError(
            f"The feed {feed.name!r} has `departures`; only the feed without a name can.",
            place="departures",
            remedy="Move `departures` and its event types to that feed.",
        )
    if feed.departures and not set(feed.event_types) & set(DEPARTURE_EVENTS):
        raise ConfigurationError(
            "The feed has `departures`, but no events that tell of them.",
            place="departures",
            remedy=f"Add {' and '.join(DEPARTURE_EVENTS)} to `event_types`.",
        )
    if feed.read_back and feed.name:
        raise ConfigurationError(
            f"The feed {feed.name!r} has `read_back`; only the feed without a name can.",
            place="read_back",
            remedy=f"Move `read_back` and {PROFILE_UPDATE} to that feed.",
        )
    if feed.read_back and PROFILE_UPDATE not in feed.event_types:
        raise ConfigurationError(
            "The feed has `read_back`, but no events that tell what attributes became.",
            place="read_back",
            remedy=f"Add {PROFILE_UPDATE} to `event_types`.",
        )
    if aliased := [sync for sync, identifier in feed.read_back.items() if identifier == "user_alias"]:
        raise ConfigurationError(
            f"The sync {aliased[0]} knows users by their alias, which profile updates do not carry.",
            place="read_back",
            remedy="Take it out of `read_back`; its audit asks Braze itself.",
        )
    if stray := [sync for sync in feed.send_again_when_changed if sync not in feed.read_back]:
        raise ConfigurationError(
            f"`send_again_when_changed` names {stray[0]}, which `read_back` does not.",
            place="send_again_when_changed",
            remedy=f"Add it to `read_back` with what its users are known by: `{stray[0]}: external_id`.",
        )

"""The sensor that asks for the hours that have new or changed files."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import dagster as dg

from braze_assets.assets.currents.place import FeedPlace
from braze_assets.currents import refill
from braze_assets.currents.asks import Ask
from braze_assets.currents.cursor import Cursor
from braze_assets.currents.discovery import DiscoverySettings, Look, discover
from braze_assets.resources.currents import CurrentsResource
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import Storage

__all__ = ["build_sensor"]

_START, _END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def build_sensor(
    place: FeedPlace,
    event_types: Sequence[str],
    partitions: dg.TimeWindowPartitionsDefinition,
    settings: DiscoverySettings,
    job: Any,
    *,
    also: Mapping[dg.AssetKey, Sequence[str]],
) -> dg.SensorDefinition:
    """The sensor of a feed, stopped until it is started.

    Args:
        place: Which feed.
        event_types: Those of the feed.
        partitions: The feed's hours.
        settings: When hours are looked at.
        job: What is run.
        also: Further assets of the job, each with the event types it goes with; with all when none are given.
    """

    @dg.sensor(
        name=place.named("sensor"),
        job=job,
        minimum_interval_seconds=settings.look_seconds,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Asks for each hour once it is complete, and again when its files change.",
    )
    def currents_sensor(
        context: dg.SensorEvaluationContext, storage: StorageResource, currents: CurrentsResource
    ) -> dg.SensorResult | dg.SkipReason:
        now = datetime.now(timezone.utc)
        with dagster_failures():
            source = place.source(currents)
            look = discover(
                source,
                event_types,
                Cursor.loads(context.cursor) if context.cursor else None,
                start=partitions.start.astimezone(timezone.utc),
                now=now,
                settings=settings,
                marks=_marks(place.beside(storage.storage()), event_types),
            )
        if (unrouted := source.unrouted()).count:
            context.log.warning("Files that belong to no event type or no hour: %s", unrouted)
        if look.cursor is None:
            return dg.SkipReason(f"There is no file of the feed's event types under {source.url} yet.")
        context.log.info(
            "%s files listed, %s runs asked for, %s waiting, %s hours behind",
            *(f"{look.files:,}", f"{len(look.asks):,}", f"{look.waiting:,}", f"{look.behind:,}"),
        )
        requests = [_request(place, partitions, look, ask, also) for ask in look.asks]
        reason = None if requests else f"Nothing new among {look.files:,} files."
        return dg.SensorResult(run_requests=requests, skip_reason=reason, cursor=look.cursor.dumps())

    return currents_sensor


def _request(
    place: FeedPlace,
    partitions: dg.TimeWindowPartitionsDefinition,
    look: Look,
    ask: Ask,
    also: Mapping[dg.AssetKey, Sequence[str]],
) -> dg.RunRequest:
    first, last = (
        partitions.get_partition_key_for_timestamp(hour.timestamp()) for hour in (ask.first, ask.last)
    )
    assets = [place.key(each) for each in ask.event_types]
    assets += [key for key, types in also.items() if not types or set(types) & set(ask.event_types)]
    if first == last:
        return dg.RunRequest(run_key=look.key(ask), partition_key=first, asset_selection=assets)
    return dg.RunRequest(run_key=look.key(ask), tags={_START: first, _END: last}, asset_selection=assets)


def _marks(storage: Storage, event_types: Sequence[str]) -> dict[str, dict[datetime, str]]:
    """The marked hours, each with a text that changes when it is marked again."""
    return {
        event_type: {hour: "".join(refill.tokens(storage, event_type, hour))[:64] for hour in hours}
        for event_type, hours in refill.marked(storage, event_types).items()
    }

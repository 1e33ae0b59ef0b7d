"""The asset that compares the files in the bucket with the files that are loaded."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import dagster as dg
from pydantic import Field

from braze_assets.assets.currents.place import FeedPlace
from braze_assets.assets.currents.shown import shown_differences
from braze_assets.currents import refill
from braze_assets.currents.discovery import DiscoverySettings
from braze_assets.currents.manifest import Manifest, loaded
from braze_assets.currents.paths import hour_name, parse_hour
from braze_assets.currents.reconciliation import COLUMNS, SCHEMA, Reconciliation
from braze_assets.errors import ConfigurationError
from braze_assets.io_managers import TableOutput, stored_table
from braze_assets.resources.currents import CurrentsResource
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource

__all__ = ["ReconciliationConfig", "build_reconciliation"]


class ReconciliationConfig(dg.Config):
    """Which hours, for one run."""

    first: str = Field(default="", description="The first hour, YYYY-MM-DD-HH. Empty: the look-back.")
    last: str = Field(default="", description="The last hour. Empty: the last that is complete.")
    ask_again: bool = Field(
        default=False, description="Mark hours with differences, so that the sensor asks for them again."
    )


def build_reconciliation(
    place: FeedPlace,
    event_types: Sequence[str],
    partitions: dg.TimeWindowPartitionsDefinition,
    settings: DiscoverySettings,
    *,
    bucket: dg.AssetKey,
) -> dg.AssetsDefinition:
    """`currents/reconciliation`: one row a file that is not loaded as it is in the bucket."""
    key = place.key("reconciliation")

    @dg.asset(
        key=key,
        deps=[bucket, *(place.key(each) for each in event_types)],
        check_specs=[
            dg.AssetCheckSpec(
                "every_file_loaded",
                asset=key,
                description="Every file of the hours looked at is loaded as it is in the bucket.",
            )
        ],
        description="Files in the bucket against files loaded, over the look-back or the hours of the run's "
        "config: one row a file that is missing, changed, gone or in quarantine. No row is what should be.",
        group_name=place.group(),
        kinds={"parquet"},
    )
    # No return annotation: with checks, Dagster takes one for the type of a single output.
    def reconciliation(  # type: ignore[no-untyped-def]
        context: dg.AssetExecutionContext,
        config: ReconciliationConfig,
        storage: StorageResource,
        currents: CurrentsResource,
    ):
        import pyarrow as pa

        root = storage.storage()

        def manifest(event_type: str, hour: datetime) -> Manifest | None:
            name = partitions.get_partition_key_for_timestamp(hour.timestamp())
            return loaded(stored_table(root, place.key(event_type), partitions, name))

        with dagster_failures():
            start = partitions.start.astimezone(timezone.utc)
            first, before = _range(config, settings, start, datetime.now(timezone.utc))
            source = place.source(currents)
            found = Reconciliation(source, manifest)
            batches = pa.Table.from_batches(found.batches(event_types, first, before), schema=SCHEMA)
            unrouted = source.look_for_unrouted()
            others = [each for each in source.event_types() if each not in event_types]
            if config.ask_again:
                for event_type in event_types:
                    refill.mark(place.beside(root), event_type, found.hours_to_ask_for(event_type))
        facts: dict[str, Any] = {
            "first_hour": hour_name(first),
            "last_hour": hour_name(before - timedelta(hours=1)),
            "files": found.files,
            "files_loaded": found.loaded,
            **found.counts,
            "difference": found.off,
            "differences": shown_differences(found.examples),
            "unrouted_files": unrouted.count,
            "unrouted_examples": list(unrouted.examples),
            "event_types_not_in_the_feed": others,
        }
        yield dg.MaterializeResult(value=TableOutput(batches, metadata=facts, descriptions=COLUMNS))
        yield _check(found)

    return reconciliation


def _check(found: Reconciliation) -> dg.AssetCheckResult:
    words = "Load the hours again, or run this with `ask_again: true` while the sensor is on."
    return dg.AssetCheckResult(
        check_name="every_file_loaded",
        passed=found.off == 0,
        severity=dg.AssetCheckSeverity.WARN,
        description=None if found.off == 0 else words,
        metadata={"difference": found.off, "hours": found.shown_hours()},
    )


def _range(
    config: ReconciliationConfig, settings: DiscoverySettings, start: datetime, now: datetime
) -> tuple[datetime, datetime]:
    closed = (now - timedelta(minutes=settings.lag_minutes)).replace(minute=0, second=0, microsecond=0)
    before = _hour(config.last, "last") + timedelta(hours=1) if config.last else closed
    back = before - timedelta(hours=max(1, settings.look_back_hours))
    first = max(start, _hour(config.first, "first") if config.first else back)
    if first >= before:
        raise ConfigurationError(
            "There is no hour to look at.",
            place=f"{hour_name(first)} to {hour_name(before)}",
            remedy="Give `first` before `last`, both after the first hour of the tables.",
        )
    return first, before


def _hour(text: str, name: str) -> datetime:
    if (hour := parse_hour(text)) is None:
        raise ConfigurationError(
            f"{text!r} is not an hour.",
            place=name,
            remedy="Write it as YYYY-MM-DD-HH, such as 2026-07-01-09.",
        )
    return hour

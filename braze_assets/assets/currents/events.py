"""One asset for each event type: its events, once each, by the hour Braze queued them in."""

from collections.abc import Iterator
from datetime import datetime, timezone

import dagster as dg

from braze_assets.currents.events import fields_of
from braze_assets.currents.ingest import IngestSettings, ingest_hour
from braze_assets.currents.listing import CurrentsSource
from braze_assets.currents.paths import window
from braze_assets.currents.report import IngestReport
from braze_assets.io_managers import TableOutput, stored_table
from braze_assets.resources.currents import CurrentsResource
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import StoredTable

__all__ = ["build_event_asset", "event_asset_key"]


def event_asset_key(event_type: str) -> dg.AssetKey:
    """`users.messages.email.Open` as `currents/users_messages_email_open`."""
    return dg.AssetKey(["currents", event_type.replace(".", "_").lower()])


def build_event_asset(
    event_type: str,
    partitions: dg.TimeWindowPartitionsDefinition,
    settings: IngestSettings,
    *,
    bucket: dg.AssetKey,
) -> dg.AssetsDefinition:
    """The asset of one event type. An hour is read whole each time, so that running it again is exact."""
    key = event_asset_key(event_type)

    @dg.asset(
        key=key,
        deps=[bucket],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[
            dg.AssetCheckSpec(
                "every_file_readable", asset=key, description="No file of the hour had to be quarantined."
            )
        ],
        description=f"Events of the type `{event_type}`, each once, by the hour (UTC) Braze queued them in. "
        f"{len(fields_of(event_type)) or 'No'} fields are documented; others are kept as they come.",
        group_name="currents",
        kinds={"avro", "parquet"},
        tags={"pii": "true"},
    )
    # No return annotation: with checks, Dagster takes one for the type of a single output.
    def events(  # type: ignore[no-untyped-def]
        context: dg.AssetExecutionContext, storage: StorageResource, currents: CurrentsResource
    ):
        reports: list[IngestReport] = []
        root = storage.storage()

        def stored(hour: datetime) -> StoredTable:
            name = partitions.get_partition_key_for_timestamp(hour.timestamp())
            return stored_table(root, key, partitions, name)

        def hours() -> Iterator[tuple[str, TableOutput]]:
            source = CurrentsSource(currents.location(), currents.s3_client())
            for name in context.partition_keys:
                hour = partitions.time_window_for_partition_key(name).start.astimezone(timezone.utc)
                earlier = {before: stored(before) for before in window(hour, settings.window_hours)}
                ingested = ingest_hour(source, event_type, hour, earlier=earlier, settings=settings)
                reports.append(ingested.report)
                yield name, TableOutput(ingested.reader(), metadata=ingested.report.metadata())

        with dagster_failures():
            yield dg.MaterializeResult(value=hours())
        quarantined = [file for report in reports for file in report.quarantined]
        yield dg.AssetCheckResult(
            check_name="every_file_readable",
            passed=not quarantined,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"files": [f"{file.uri}: {file.reason}" for file in quarantined[:20]]},
        )

    return events

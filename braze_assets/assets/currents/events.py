"""One asset for each event type: its events, once each, by the hour Braze queued them in."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone

import dagster as dg

from braze_assets.assets.currents.place import FeedPlace, event_asset_key
from braze_assets.assets.currents.shown import shown_hour
from braze_assets.assets.schemas import declared_schema
from braze_assets.currents.catalog import columns_of, description_of
from braze_assets.currents.events import fields_of
from braze_assets.currents.filling import Filling
from braze_assets.currents.ingest import IngestSettings
from braze_assets.currents.paths import hour_name
from braze_assets.currents.progress import progress_of_range
from braze_assets.currents.report import IngestReport
from braze_assets.io_managers import TableOutput, stored_table
from braze_assets.resources.currents import CurrentsResource
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import StoredTable

__all__ = ["build_event_asset", "event_asset_key"]


def build_event_asset(
    event_type: str,
    partitions: dg.TimeWindowPartitionsDefinition,
    settings: IngestSettings,
    *,
    bucket: dg.AssetKey,
    place: FeedPlace | None = None,
) -> dg.AssetsDefinition:
    """The asset of one event type. An hour is read whole each time, so that running it again is exact.

    Args:
        event_type: The event type, documented or not.
        partitions: The feed's hours.
        settings: How an hour is read.
        bucket: The asset of the files.
        place: Which feed; the one without a name when None.
    """
    place = place or FeedPlace()
    key = place.key(event_type)
    columns = columns_of(event_type)

    @dg.asset(
        key=key,
        deps=[bucket],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[
            dg.AssetCheckSpec(
                "every_file_readable", asset=key, description="No file of the hour had to be quarantined."
            ),
            dg.AssetCheckSpec(
                "counts_add_up",
                asset=key,
                description="Records read are the rows stored and the duplicates left out; files listed are "
                "those read whole and those in quarantine.",
            ),
        ],
        description=f"{description_of(event_type)} Events of the type `{event_type}`, each once, by the hour "
        f"(UTC) Braze queued them in. {len(fields_of(event_type)) or 'No'} fields are documented; others are "
        "kept as they come.",
        metadata=declared_schema(columns),
        group_name=place.group(event_type),
        kinds={"avro", "parquet"},
        tags={"pii": "true"},
    )
    # No return annotation: with checks, Dagster takes one for the type of a single output.
    def events(  # type: ignore[no-untyped-def]
        context: dg.AssetExecutionContext, storage: StorageResource, currents: CurrentsResource
    ):
        root = storage.storage()
        beside = place.beside(root)
        done: list[tuple[IngestReport, int]] = []

        def stored(hour: datetime) -> StoredTable:
            name = partitions.get_partition_key_for_timestamp(hour.timestamp())
            return stored_table(root, key, partitions, name)

        def hours() -> Iterator[tuple[str, TableOutput]]:
            names = context.partition_keys
            wanted = [_hour(partitions, name) for name in names]
            source = place.source(currents)
            progress = progress_of_range(source, event_type, wanted, context.log)
            filling = Filling(
                source,
                beside,
                event_type,
                stored,
                settings,
                clock=lambda: datetime.now(timezone.utc),
                log=context.log,
                progress=progress,
            )
            for name, hour in zip(names, wanted, strict=True):
                with filling.hour(hour) as filled:
                    yield (
                        name,
                        TableOutput(
                            filled.ingested.encoded(),
                            documents=filled.documents(),
                            metadata=shown_hour(filled, beside),
                            descriptions={each.name: each.description for each in columns},
                        ),
                    )
                done.append((filled.report, filled.stored_rows or 0))
                del filled  # And the decoded files with it.
                if progress:
                    progress.hour_done(hour_name(hour))
            if progress:
                progress.finish()
            filling.expire()

        with dagster_failures():
            yield dg.MaterializeResult(value=hours())
        yield from _checks(done)

    return events


def _hour(partitions: dg.TimeWindowPartitionsDefinition, name: str) -> datetime:
    return partitions.time_window_for_partition_key(name).start.astimezone(timezone.utc)


def _checks(hours: Sequence[tuple[IngestReport, int]]) -> Iterator[dg.AssetCheckResult]:
    quarantined = [file for report, _ in hours for file in report.quarantined]
    yield dg.AssetCheckResult(
        check_name="every_file_readable",
        passed=not quarantined,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"files": [f"{file.uri}: {file.reason}" for file in quarantined[:20]]},
    )
    differences = [
        f"{report.hour:%Y-%m-%d %H:00}: {text}" for report, rows in hours for text in report.differences(rows)
    ]
    yield dg.AssetCheckResult(
        check_name="counts_add_up",
        passed=not differences,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "records": sum(report.records for report, _ in hours),
            "rows": sum(rows for _, rows in hours),
            "duplicates": sum(report.records - report.rows for report, _ in hours),
            "differences": differences[:20],
        },
    )

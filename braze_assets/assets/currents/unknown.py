"""The asset of events whose types are neither documented nor in the feed."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Any

import dagster as dg

from braze_assets.assets.currents.place import FeedPlace
from braze_assets.currents.ingest import IngestSettings
from braze_assets.currents.paths import hour_name
from braze_assets.currents.unknown_events import COLUMNS, SCHEMA, UnknownEvents
from braze_assets.io_managers import TableOutput, stored_table
from braze_assets.resources.currents import CurrentsResource
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import StoredTable

__all__ = ["build_unknown_events"]


def build_unknown_events(
    place: FeedPlace,
    event_types: Sequence[str],
    partitions: dg.TimeWindowPartitionsDefinition,
    settings: IngestSettings,
    *,
    bucket: dg.AssetKey,
) -> dg.AssetsDefinition:
    """`currents/unknown_event_types`: one row an event, its record as JSON text."""
    key = place.key("unknown_event_types")

    @dg.asset(
        key=key,
        deps=[bucket],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[
            dg.AssetCheckSpec(
                "every_type_loaded",
                asset=key,
                description="No unknown event type had too many files that cannot be read. Of one that had, "
                "the hour keeps what it held before.",
            )
        ],
        description="Events of types that Braze has added since, by hour: one row an event, its record as "
        "JSON text. The metadata names the types, with the line to add to the feed for a table of their own.",
        group_name=place.group(),
        kinds={"avro", "parquet"},
        tags={"pii": "true"},
    )
    # No return annotation: with checks, Dagster takes one for the type of a single output.
    def unknown_event_types(  # type: ignore[no-untyped-def]
        context: dg.AssetExecutionContext, storage: StorageResource, currents: CurrentsResource
    ):
        root = storage.storage()
        found = UnknownEvents(place.source(currents), place.beside(root), event_types, settings, context.log)

        def hours() -> Iterator[tuple[str, TableOutput]]:
            import pyarrow as pa

            unknown, others = found.unknown(), found.others()
            for event_type in unknown:
                context.log.warning(
                    "%s is in the bucket and unknown. For a table of its own add to event_types: - %s",
                    *(event_type, event_type),
                )
            documented = [each for each in others if each not in unknown]
            now = datetime.now(timezone.utc)
            for name in context.partition_keys:
                hour = partitions.time_window_for_partition_key(name).start.astimezone(timezone.utc)
                before = stored_table(root, key, partitions, name)
                facts: dict[str, Any] = {
                    "lines_to_add": [f"- {each}" for each in unknown],
                    "documented_types_not_in_the_feed": documented,
                }

                def batches(
                    hour: datetime = hour, before: StoredTable = before, facts: dict[str, Any] = facts
                ) -> Iterator[pa.RecordBatch]:
                    yield from found.batches(hour, before, now)
                    # Known by the time the table is stored, and that is when it is reported.
                    facts |= {"events": dict(found.counts), "types_not_loaded": found.failures(hour)}

                reader = pa.RecordBatchReader.from_batches(SCHEMA, batches())
                yield name, TableOutput(reader, metadata=facts, descriptions=COLUMNS)
            found.expire(now)

        with dagster_failures():
            yield dg.MaterializeResult(value=hours())
        yield dg.AssetCheckResult(
            check_name="every_type_loaded",
            passed=not found.failed,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "types": sorted({event_type for _, event_type in found.failed}),
                "hours": [
                    f"{event_type} {hour_name(hour)}" for hour, event_type in sorted(found.failed)[:20]
                ],
            },
        )

    return unknown_event_types

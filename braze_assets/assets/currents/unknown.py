"""The asset of events whose types are neither documented nor in the feed."""

from collections.abc import Iterator, Sequence
from datetime import timezone
from typing import Any

import dagster as dg

from braze_assets.assets.currents.place import FeedPlace
from braze_assets.currents.ingest import IngestSettings
from braze_assets.currents.unknown_events import COLUMNS, SCHEMA, UnknownEvents
from braze_assets.io_managers import TableOutput
from braze_assets.resources.currents import CurrentsResource
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource

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

    @dg.asset(
        key=place.key("unknown_event_types"),
        deps=[bucket],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        description="Events of types that Braze has added since, by hour: one row an event, its record as "
        "JSON text. The metadata names the types, with the line to add to the feed for a table of their own.",
        group_name=place.group(),
        kinds={"avro", "parquet"},
        tags={"pii": "true"},
    )
    def unknown_event_types(
        context: dg.AssetExecutionContext, storage: StorageResource, currents: CurrentsResource
    ) -> Any:
        beside = place.beside(storage.storage())

        def hours() -> Iterator[tuple[str, TableOutput]]:
            import pyarrow as pa

            found = UnknownEvents(place.source(currents), beside, event_types, settings)
            unknown = found.unknown()
            for event_type in unknown:
                context.log.warning(
                    "%s is in the bucket and unknown. For a table of its own add to event_types: - %s",
                    *(event_type, event_type),
                )
            facts = {
                "lines_to_add": [f"- {each}" for each in unknown],
                "documented_types_not_in_the_feed": [each for each in found.others() if each not in unknown],
            }
            for name in context.partition_keys:
                hour = partitions.time_window_for_partition_key(name).start.astimezone(timezone.utc)
                reader = pa.RecordBatchReader.from_batches(SCHEMA, found.batches(hour))
                yield name, TableOutput(reader, metadata=facts, descriptions=COLUMNS)

        with dagster_failures():
            return dg.MaterializeResult(value=hours())

    return unknown_event_types

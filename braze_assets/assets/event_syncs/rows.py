"""The table of events: one row an event."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import dagster as dg

from braze_assets.assets.event_syncs.definition import EventSyncDefinition
from braze_assets.assets.previews import markdown_table
from braze_assets.assets.types import PARTITIONED_TABLE
from braze_assets.io_managers import TableOutput
from braze_assets.resources.failures import dagster_failures
from braze_assets.rows import CATALOGUE, TableFile
from braze_assets.rows.events import REASONS, BuiltEvents, build_events
from braze_assets.storage import connect
from braze_assets.storage.partitions import PartitionedTable

__all__ = ["build_events_asset"]

_COLUMNS = {
    "event_id": "By this id the event is sent once.",
    "time": "When it happened, UTC, to the millisecond.",
    "name": "The event's name.",
    "product_id": "What was bought.",
    "currency": "ISO 4217.",
    "price": "Of one.",
    "quantity": "How many; Braze takes a missing one for 1.",
    "properties": "What else is sent with it.",
    "_error": "Why the row is not sent; docs/events.md explains every reason.",
    "_findings": "What is wrong with properties, by column.",
}


def build_events_asset(sync: EventSyncDefinition) -> dg.AssetsDefinition:
    """The asset of the table of events."""
    inputs = {table: source.asset for table, source in sync.sources.items() if source.asset}
    files = {table: TableFile(source.url) for table, source in sync.sources.items() if source.url}

    @dg.asset(
        key=sync.key(),
        ins={table: dg.AssetIn(key, dagster_type=PARTITIONED_TABLE) for table, key in inputs.items()},
        partitions_def=sync.partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        description=sync.description
        or f"The {sync.events.kind} of the partition, one row each. Rows that cannot be sent are kept and "
        "marked.",
        group_name=sync.group,
        kinds={"duckdb", "parquet"},
        owners=list(sync.owners),
        tags={"pii": "true"},
        code_version=sync.events.query.digest,
    )
    def rows(context: dg.AssetExecutionContext, **tables: PartitionedTable) -> Any:
        return dg.MaterializeResult(value=_tables(sync, sync.keys(context), tables, files))

    return rows


def _tables(
    sync: EventSyncDefinition,
    keys: Sequence[str | None],
    tables: Mapping[str, PartitionedTable],
    files: Mapping[str, TableFile],
) -> Iterator[tuple[str | None, TableOutput]]:
    for key in keys:
        with dagster_failures(), connect() as connection:
            sources = {name: table.existing(key).sql(connection) for name, table in tables.items()}
            sources |= {name: file.sql(connection) for name, file in files.items()}
            as_of = sync.as_of(key, datetime.now(timezone.utc))
            built = build_events(connection, sync.events, sources, partition=key, as_of=as_of)
            identifier: dict[str, str] = {sync.events.identifier: "The identifier Braze knows the user by."}
            facts = _facts(built)  # before the connection is busy with the rows
            yield (
                key,
                TableOutput(
                    built.reader(),
                    documents=built.documents,
                    metadata=facts,
                    descriptions={**_COLUMNS, **identifier},
                ),
            )


def _facts(built: BuiltEvents) -> dict[str, Any]:
    counts = {reason: rows for reason, rows in built.header.counts.items() if reason != "rows"}
    findings = [
        (name, problem, cells, CATALOGUE[problem].remedy if problem in CATALOGUE else "")
        for name, problem, cells in built.findings()
    ]
    return {
        "as_of": built.header.as_of.isoformat(),
        "sendable_rows": built.header.counts["rows"] - sum(counts.values()),
        "rows_with_errors": sum(counts.values()),
        "errors": markdown_table(
            ("reason", "rows", "meaning"),
            ((reason, rows, REASONS[reason]) for reason, rows in counts.items()),
            empty="Every row can be sent.",
        ),
        "findings": markdown_table(
            ("property", "problem", "count", "what to do"), findings, empty="Nothing was found wrong."
        ),
    }

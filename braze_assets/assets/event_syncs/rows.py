"""The table of events: one row an event."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from braze_assets.assets.event_syncs.definition import EventSyncDefinition
from braze_assets.assets.previews import markdown_table
from braze_assets.assets.tables import table_asset
from braze_assets.io_managers import TableOutput
from braze_assets.rows import CATALOGUE
from braze_assets.rows.events import REASONS, BuiltEvents, build_events

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

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
    descriptions = {**_COLUMNS, str(sync.events.identifier): "The identifier Braze knows the user by."}

    def build(
        connection: "DuckDBPyConnection", sources: Mapping[str, str], partition: str | None, as_of: datetime
    ) -> TableOutput:
        built = build_events(connection, sync.events, sources, partition=partition, as_of=as_of)
        facts = _facts(built)  # before the connection is busy with the rows
        return TableOutput(
            built.reader(), documents=built.documents, metadata=facts, descriptions=descriptions
        )

    return table_asset(
        sync,
        build,
        description=f"The {sync.events.kind} of the partition, one row each. Rows that cannot be sent are "
        "kept and marked.",
        digest=sync.events.query.digest,
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

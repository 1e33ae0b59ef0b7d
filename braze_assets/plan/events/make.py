"""Making a plan of events: the table without what was sent before, rendered, judged and priced."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from braze_assets.ledger import PLAN_KEY
from braze_assets.ledger.events import EventLedger
from braze_assets.ledger.events.schemas import settled_outcomes
from braze_assets.plan.events.guards import EVENT_GUARDS, EventFacts
from braze_assets.plan.events.header import EventCounts, EventPlanHeader
from braze_assets.plan.events.render import event_sql, properties_sql
from braze_assets.plan.events.settings import EventPlanSettings
from braze_assets.plan.judging import check_guard_names, judge
from braze_assets.plan.plan import new_plan_id
from braze_assets.rows.events import EventsHeader, read_events_header
from braze_assets.storage import StoredTable, quote_identifier, quote_literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["EventPlan", "make_event_plan"]

_ENVELOPE = 64
"""Bytes of a request around its one object."""
_BATCH = 50_000
_NAMES = 50


@dataclass(frozen=True)
class EventPlan:
    """A plan that is ready to be written.

    Args:
        header: What it says about itself.
        connection: The DuckDB connection that holds its rows until they are written.
        rows: The table of its rows there.
    """

    header: EventPlanHeader
    connection: "DuckDBPyConnection"
    rows: str

    @property
    def documents(self) -> dict[str, dict[str, Any]]:
        """The metadata to write with it: `write_parquet(path, plan.reader(), metadata=plan.documents)`."""
        return {PLAN_KEY: self.header.to_document()}

    def reader(self) -> pa.RecordBatchReader:
        """Stream the rows: those to be sent in the order of their times, then those left out."""
        columns = (
            f"event_id, {quote_identifier(self.header.identifier)}, kind, time, object, data_points, reason"
        )
        reader = self.connection.sql(
            f"SELECT row_number() OVER (ORDER BY time, event_id) - 1 AS n, {columns} FROM {self.rows} "
            "WHERE kind <> 'left_out' ORDER BY n"
        ).to_arrow_reader(_BATCH)
        connection = self.connection

        def batches() -> Iterator[pa.RecordBatch]:
            # One after the other: the two halves of a union are read side by side.
            yield from reader
            yield from connection.sql(
                f"SELECT CAST(NULL AS BIGINT) AS n, {columns} FROM {self.rows} WHERE kind = 'left_out'"
            ).to_arrow_reader(_BATCH)

        return pa.RecordBatchReader.from_batches(reader.schema, batches())

    def first(self, rows: int) -> list[tuple[str, str]]:
        """Times and objects of the first events. They are personal data."""
        found = self.connection.sql(
            f"SELECT CAST(time AS VARCHAR), object FROM {self.rows} WHERE kind <> 'left_out' "
            f"ORDER BY time, event_id LIMIT {rows}"
        ).fetchall()
        return [(str(time), str(body)) for time, body in found]


def make_event_plan(
    connection: "DuckDBPyConnection",
    *,
    sync: str,
    rows: StoredTable,
    ledger: EventLedger,
    settings: EventPlanSettings,
    partition: str | None,
    as_of: datetime,
    now: datetime,
    allow: Collection[str] = frozenset(),
) -> EventPlan:
    """What would be sent now: the partition's events that were not sent yet.

    An unfinished earlier send is settled first. Nothing is sent and nothing else is written.

    Args:
        connection: A DuckDB connection; it holds the plan's rows until they are read.
        sync: The sync's name.
        rows: The table of events.
        ledger: The sync's ledger.
        settings: The sync's settings.
        partition: The partition of the table; None for a sync without.
        as_of: The end of that partition.
        now: The current time.
        allow: Guards that are waived for this one plan, by name.

    Raises:
        ConfigurationError: `allow` names a guard that does not exist.
        StorageError: The table is not there.
        LedgerError: The ledger cannot be read, or an earlier send cannot be settled.
    """
    check_guard_names(EVENT_GUARDS, allow)
    header = read_events_header(rows)
    ledger.settle(now, connection)
    journal = ledger.journal.read()
    ids = ledger.ids.now()
    plan_id = new_plan_id(now)
    table = quote_identifier(f"plan_{plan_id}")
    source = rows.sql(connection)
    states = ids.states(connection, f"SELECT event_id FROM {source} WHERE _error IS NULL")
    connection.execute(f"CREATE TEMP TABLE {table} AS {_rows_sql(header, source, states, settings)}")
    counts, left_out = _counted(connection, table, header, rows.num_rows)
    names = connection.sql(
        f"SELECT what, count(*) FROM {table} WHERE kind <> 'left_out' GROUP BY what "
        f"ORDER BY 2 DESC, 1 LIMIT {_NAMES}"
    ).fetchall()
    facts = EventFacts(
        settings=settings,
        counts=counts,
        left_out=left_out,
        rows_before=ledger.rows_before(partition, journal),
        as_of=as_of,
        horizon=ids.horizon,
    )
    made = EventPlanHeader(
        plan_id=plan_id,
        sync=sync,
        kind=header.kind,
        guarantee=settings.guarantee,
        partition=partition,
        as_of=as_of,
        created_at=now,
        identifier=header.identifier,
        ledger_position=journal.sequence,
        status="ready" if counts.objects else "empty",
        note=_note(counts, left_out),
        verdicts=judge(EVENT_GUARDS, facts, allow),
        counts=counts,
        left_out=left_out,
        names={str(name): int(number) for name, number in names},
    )
    return EventPlan(made, connection, table)


def _rows_sql(header: EventsHeader, source: str, states: str, settings: EventPlanSettings) -> str:
    """One row an event that is sent or left out; what was sent before is counted apart, as `known`."""
    settled = ", ".join(quote_literal(outcome) for outcome in settled_outcomes(settings.guarantee))
    identifier = quote_identifier(header.identifier)
    limit = settings.limits.bytes_per_request - _ENVELOPE
    what = "name" if header.kind == "events" else "product_id"
    rendered = f"""
        SELECT e.event_id, e.{identifier}, e.time, e._error AS error, e.{what} AS what, s.outcome AS before,
            CASE WHEN e._error IS NULL THEN {properties_sql(header)} END AS packed,
            e.* EXCLUDE (event_id, {identifier}, time, _error, _findings)
        FROM {source} AS e LEFT JOIN {states} AS s ON s.event_id = e.event_id AND e._error IS NULL"""
    judged = f"""
        SELECT *, CASE WHEN error IS NULL THEN {event_sql(header, "packed", settings)} END AS object
        FROM ({rendered})"""
    reason = (
        "CASE WHEN error IS NOT NULL THEN error "
        f"WHEN before IN ({settled}) AND before <> 'unknown' THEN 'known' "
        f"WHEN before IN ({settled}) THEN 'in_review' "
        f"WHEN strlen(packed) > {settings.properties_bytes} THEN 'properties_too_large' "
        f"WHEN strlen(object) > {limit} THEN 'object_too_large' END"
    )
    return f"""
        SELECT event_id, {identifier},
            CASE WHEN reason IS NOT NULL THEN 'left_out' ELSE {quote_literal(header.kind[:-1])} END AS kind,
            what, time, CASE WHEN reason IS NULL THEN object END AS object,
            CAST(CASE WHEN reason IS NULL THEN 1 ELSE 0 END AS INTEGER) AS data_points, reason
        FROM (SELECT *, {reason} AS reason FROM ({judged})) WHERE reason IS DISTINCT FROM 'known'"""


def _counted(
    connection: "DuckDBPyConnection", table: str, header: EventsHeader, rows: int
) -> tuple[EventCounts, Mapping[str, int]]:
    [(objects, users, points, size)] = connection.sql(
        f"SELECT count(*), count(DISTINCT {quote_identifier(header.identifier)}), "
        "coalesce(sum(data_points), 0), "
        f"coalesce(sum(strlen(object)), 0) FROM {table} WHERE kind <> 'left_out'"
    ).fetchall()
    found = connection.sql(
        f"SELECT reason, count(*) FROM {table} WHERE kind = 'left_out' GROUP BY reason ORDER BY 2 DESC, 1"
    ).fetchall()
    left_out = {str(reason): int(number) for reason, number in found}
    out = sum(left_out.values())
    counts = EventCounts(
        rows=rows,
        objects=int(objects),
        known=rows - int(objects) - out,
        left_out=out,
        users=int(users),
        data_points=int(points),
        bytes=int(size),
    )
    return counts, left_out


def _note(counts: EventCounts, left_out: Mapping[str, int]) -> str:
    notes = [f"{counts.known:,} events were sent before."] if counts.known else []
    if review := left_out.get("in_review"):
        notes.append(f"{review:,} events are in doubt and wait in the review.")
    return " ".join(notes)

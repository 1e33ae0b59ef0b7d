"""A plan in hand: its header, and its rows on their way to a file."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from braze_assets.ledger import PLAN_KEY
from braze_assets.plan.guards import GUARDS
from braze_assets.plan.header import Counts, PlanHeader, PlanStatus
from braze_assets.plan.judging import Verdict
from braze_assets.storage import quote_identifier

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Plan", "empty_plan", "new_plan_id", "not_asked"]

_BATCH = 50_000


@dataclass(frozen=True)
class Plan:
    """A plan that is ready to be written.

    Args:
        header: What it says about itself.
        connection: The DuckDB connection that holds its rows until they are written; None without rows.
        changes: The table of its rows there.
    """

    header: PlanHeader
    connection: "DuckDBPyConnection | None" = None
    changes: str | None = None

    @property
    def documents(self) -> dict[str, dict[str, Any]]:
        """The metadata to write with it: `write_parquet(path, plan.reader(), metadata=plan.documents)`."""
        return {PLAN_KEY: self.header.to_document()}

    metadata = documents

    def sql(self) -> str:
        """The rows: those to be sent, numbered, and those left out, in no order between the two."""
        return " UNION ALL ".join(self._parts())

    def reader(self) -> pa.RecordBatchReader:
        """Stream the rows, ordered by `n`. The connection is busy until the stream is read to its end."""
        connection = self.connection
        if connection is None or self.changes is None:
            return pa.RecordBatchReader.from_batches(_empty_schema(self.header), iter(()))
        sent, left_out = self._parts()
        reader = connection.sql(sent).to_arrow_reader(_BATCH)

        def batches() -> Iterator[pa.RecordBatch]:
            # One after the other: the two halves of a union are read side by side.
            yield from reader
            yield from connection.sql(left_out).to_arrow_reader(_BATCH)

        return pa.RecordBatchReader.from_batches(reader.schema, batches())

    def drop(self) -> None:
        """Forget the rows, once they are written."""
        if self.connection is not None and self.changes is not None:
            self.connection.execute(f"DROP TABLE IF EXISTS {self.changes}")

    def _parts(self) -> tuple[str, str]:
        identifier = quote_identifier(self.header.identifier)
        columns = f'{identifier}, kind, attributes, object, previous, data_points, reason, "values"'
        # A row number over nothing is given in the order of the scan, in which the rows also come out.
        return (
            f"SELECT row_number() OVER () - 1 AS n, {columns} FROM {self.changes} "
            "WHERE kind IN ('new', 'changed', 'unset')",
            f"SELECT CAST(NULL AS BIGINT) AS n, {columns} FROM {self.changes} WHERE kind = 'left_out'",
        )


def empty_plan(
    header: PlanHeader,
    *,
    partition: str | None,
    as_of: datetime,
    status: PlanStatus = "collapsed",
    into: str | None = None,
) -> Plan:
    """The empty plan of a partition that another plan covers: a range is sent as its last partition.

    Args:
        header: The header of the plan that covers it.
        partition: The partition that is covered.
        as_of: Its end.
        status: Why it is empty.
        into: The partition it is collapsed into.
    """
    note = f"Collapsed into partition {into}: only the newest state of a range is sent." if into else ""
    return Plan(
        replace(
            header,
            plan_id=new_plan_id(header.created_at),
            partition=partition,
            as_of=as_of,
            status=status,
            note=note,
            rewind=False,
            verdicts=not_asked(),
            rows=(),
            counts=Counts(),
            per_attribute={},
            flipped=(),
        )
    )


def new_plan_id(now: datetime) -> str:
    """Sorts by time, and is unique."""
    return f"{now.astimezone(timezone.utc):%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:12]}"


def not_asked(**found: str) -> tuple[Verdict, ...]:
    """The verdicts of a plan that sends nothing.

    Args:
        found: By guard, what somebody should know all the same; it blocks nothing.
    """
    return tuple(
        Verdict(guard=guard.name, passed=False, allowed=True, message=found[guard.name])
        if guard.name in found
        else Verdict(guard=guard.name, passed=True, message="Not asked: nothing is sent.")
        for guard in GUARDS
    )


def _empty_schema(header: PlanHeader) -> pa.Schema:
    import duckdb

    values = ", ".join(f"{quote_identifier(name)} {type}" for name, type in header.types.items())
    columns = {
        "n": "BIGINT",
        header.identifier: "VARCHAR",
        "kind": "VARCHAR",
        "attributes": "VARCHAR[]",
        "object": "VARCHAR",
        "previous": "VARCHAR",
        "data_points": "INTEGER",
        "reason": "VARCHAR",
        "values": f"STRUCT({values})",
    }
    typed = ", ".join(f"NULL::{type} AS {quote_identifier(name)}" for name, type in columns.items())
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        schema: pa.Schema = connection.sql(f"SELECT {typed} WHERE false").to_arrow_table().schema
        return schema

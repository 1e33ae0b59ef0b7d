"""The receipts: what was sent, and what Braze said to it."""

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from braze_assets.errors import LedgerError
from braze_assets.ledger.delta import CommitConflict, LedgerTable, data_files, delta_errors
from braze_assets.ledger.schemas import OUTCOMES, RECEIPTS_SCHEMA
from braze_assets.storage import Storage, StoredTable, quote_literal

if TYPE_CHECKING:
    from deltalake import DeltaTable, WriterProperties
    from duckdb import DuckDBPyConnection

__all__ = ["Receipts"]

_COMPACT_FROM = 64
_SMALL = 1 << 20
_TARGET = 8 << 20
_ATTEMPTS = 5


class Receipts:
    """The `receipts` table of a ledger: append-only, one row an object sent."""

    def __init__(self, storage: Storage, uri: str) -> None:
        # The objects are long and personal: no statistics of them in the log.
        columns = {"delta.dataSkippingStatsColumns": "plan_id,n,time"}
        self.table = LedgerTable(storage, uri, RECEIPTS_SCHEMA, columns)
        self._opened: DeltaTable | None = None

    def create(self) -> None:
        """Make the table if there is none, so that the first append only appends."""
        self.table.open_or_create()

    def reopen(self) -> None:
        """Forget what was opened: the table was put back to an older version."""
        self._opened = None

    def append(self, receipts: pa.Table) -> None:
        """Add receipts, durably.

        Raises:
            LedgerError: They are not receipts, or cannot be written.
            StorageError: The storage failed; nothing was added.
        """
        from deltalake import write_deltalake

        rows = _checked(receipts)
        for _ in range(_ATTEMPTS):
            # The opened table is kept from append to append: a send appends every second.
            table = self._opened or self.table.open_or_create()
            try:
                with delta_errors(self.table.uri):
                    write_deltalake(table, rows, mode="append", writer_properties=_properties())
                self._opened = table
                return
            except CommitConflict:
                # Appends go well beside each other; a clean-up may have come between.
                self._opened = None
        raise LedgerError(
            f"The receipts could not be written in {_ATTEMPTS} attempts: other writers came first each time.",
            place=self.table.uri,
            remedy="Run the sync again; it goes on from the receipts that were written.",
        )

    def of_plan(self, connection: "DuckDBPyConnection", plan_id: str) -> str | None:
        """A SQL table expression: the receipts of one plan; None when there are none."""
        table = self.table.open()
        if table is None:
            return None
        files = _holding(data_files(table), plan_id)
        if sum(file["size_bytes"] < _SMALL for file in files) >= _COMPACT_FROM:
            # A slow send leaves a small file a second; opening each would cost more than joining them once.
            try:
                with delta_errors(self.table.uri):
                    table.optimize.compact(target_size=_TARGET)
                    files = _holding(data_files(table), plan_id)
            except CommitConflict:
                pass  # Somebody else is compacting; the small files are still there to be read.
        if not files:
            return None
        source = self._stored(files).sql(connection)
        return f"(SELECT * FROM {source} WHERE plan_id = {quote_literal(plan_id)})"

    def count(self, connection: "DuckDBPyConnection", plan_id: str) -> int:
        """How many receipts a plan has."""
        source = self.of_plan(connection, plan_id)
        if source is None:
            return 0
        [(number,)] = connection.sql(f"SELECT count(*) FROM {source}").fetchall()
        return int(number)

    def everything(self, connection: "DuckDBPyConnection") -> str | None:
        """A SQL table expression of all receipts; None when there are none."""
        table = self.table.open()
        files = [] if table is None else data_files(table)
        return self._stored(files).sql(connection) if files else None

    def of_user(self, connection: "DuckDBPyConnection", identifier: str) -> pa.Table:
        """The receipts of one user, oldest first."""
        source = self.everything(connection)
        if source is None:
            return RECEIPTS_SCHEMA.empty_table()
        return connection.sql(
            f"SELECT * FROM {source} WHERE identifier = $identifier ORDER BY time, plan_id, n",
            params={"identifier": identifier},
        ).to_arrow_table()

    def forget(self, until: datetime, users: pa.Table | None = None, *, but: str | None = None) -> None:
        """Remove the receipts of some users (column `identifier`), or all up to a time but one plan's.

        Raises:
            LedgerError: Other writers came first each time; run it again.
        """
        for _ in range(_ATTEMPTS):
            table = self.table.open()
            if table is None or not data_files(table):
                return
            last = f"{until.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%S.%fZ}"
            then = f"arrow_cast('{last}', 'Timestamp(Microsecond, Some(\"UTC\"))')"
            try:
                with delta_errors(self.table.uri):
                    if users is None:
                        table.delete(f"time <= {then}" + (f" AND plan_id <> '{but}'" if but else ""))
                    else:
                        table.merge(
                            users,
                            predicate="r.identifier = u.identifier",
                            source_alias="u",
                            target_alias="r",
                        ).when_matched_delete().execute()
                self._opened = None
                return
            except CommitConflict:
                continue
        raise LedgerError(
            "The receipts could not be changed: other writers came first each time.",
            place=self.table.uri,
            remedy="Let them finish and run this again.",
        )

    def _stored(self, files: list[dict[str, Any]]) -> StoredTable:
        return StoredTable.at(*(f"{self.table.uri}/{file['path']}" for file in files))


def _properties() -> "WriterProperties":
    """Cheap to write: what differs from row to row is not looked for twice, and its extremes are not kept.

    LZ4 takes a third less time than Zstandard, for twice the bytes: files stay so until they are compacted.
    """
    from deltalake import ColumnProperties, WriterProperties

    plain = ColumnProperties(dictionary_enabled=False, statistics_enabled="NONE")
    ordered = ColumnProperties(dictionary_enabled=False)
    return WriterProperties(
        compression="LZ4_RAW",
        column_properties={"object": plain, "identifier": plain, "n": ordered},
    )


def _holding(files: list[dict[str, Any]], plan_id: str) -> list[dict[str, Any]]:
    """The files whose statistics allow them to hold receipts of the plan."""
    held = []
    for file in files:
        low, high = file.get("min.plan_id"), file.get("max.plan_id")
        if low is None or high is None or str(low) <= plan_id <= str(high):
            held.append(file)
    return held


def _checked(receipts: pa.Table) -> pa.Table:
    missing = [name for name in RECEIPTS_SCHEMA.names if name not in receipts.column_names]
    if missing:
        raise LedgerError(
            f"Receipts lack the columns {', '.join(missing)}.",
            remedy="Build them with RECEIPTS_SCHEMA.",
        )
    rows = receipts.select(RECEIPTS_SCHEMA.names).cast(RECEIPTS_SCHEMA)
    strange = set(rows.column("outcome").unique().to_pylist()) - set(OUTCOMES)
    if strange:
        raise LedgerError(
            f"Receipts have outcomes that do not exist: {len(strange)}.", remedy="Use OUTCOMES."
        )
    return rows

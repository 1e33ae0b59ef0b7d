"""The ids of events, and what became of each."""

from typing import TYPE_CHECKING

import pyarrow as pa

from braze_assets.ledger.delta import CommitConflict, LedgerTable, data_files, delta_errors, once
from braze_assets.ledger.events.schemas import EVENT_IDS_SCHEMA, Guarantee, settled_outcomes
from braze_assets.storage import Storage, StoredTable, quote_literal

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from duckdb import DuckDBPyConnection

__all__ = ["EventIds", "IdsVersion"]

_STEP, _HORIZON = "braze_assets.event_ids", "braze_assets.horizon"
_COMPACT_FROM = 64
_SMALL = 8 << 20
_TARGET = 64 << 20


class IdsVersion:
    """The `event_ids` table at one version; what is written onto it fails if somebody wrote since."""

    def __init__(self, uri: str, table: "DeltaTable | None") -> None:
        self.uri = uri
        self.table = table

    @property
    def step(self) -> int:
        """The number of the last commit of rows."""
        return 0 if self.table is None else self.table.transaction_version(_STEP) or 0

    @property
    def horizon(self) -> int:
        """Ids of partitions that ended before this moment (epoch seconds) were removed; 0 when none were."""
        return 0 if self.table is None else self.table.transaction_version(_HORIZON) or 0

    @property
    def rows(self) -> int:
        """Rows, from the table's log."""
        return 0 if self.table is None else sum(file["num_records"] or 0 for file in data_files(self.table))

    def sql(self, connection: "DuckDBPyConnection") -> str:
        """A SQL table expression of all rows."""
        files = [] if self.table is None else [file["path"] for file in data_files(self.table)]
        if not files:
            columns = ", ".join(f"NULL::{_sql(field.type)} AS {field.name}" for field in EVENT_IDS_SCHEMA)
            return f"(SELECT {columns} WHERE false)"
        return StoredTable.at(*(f"{self.uri}/{path}" for path in files)).sql(connection)

    def states(self, connection: "DuckDBPyConnection", ids: str, *, but: int | None = None) -> str:
        """A SQL table expression: event_id, outcome and plan_id as they stand, of some ids.

        Args:
            connection: A DuckDB connection.
            ids: A SELECT of one column, the ids to look for: they are held in memory, the ledger streams by.
            but: Leave out what this send wrote.
        """
        other = "" if but is None else f"AND send IS DISTINCT FROM {but}"
        return (
            "(SELECT event_id, arg_max(outcome, step) AS outcome, arg_max(plan_id, step) AS plan_id "
            f"FROM {self.sql(connection)} WHERE event_id IN ({ids}) {other} GROUP BY event_id)"
        )

    def excluded(
        self,
        connection: "DuckDBPyConnection",
        ids: str,
        *,
        plan_id: str,
        guarantee: Guarantee,
        but: int | None = None,
    ) -> str:
        """A SQL table expression: the event_ids that this plan must not send (again), with their outcome.

        What Braze rejected may come again with another plan, when the data may be better.
        """
        settled = ", ".join(quote_literal(outcome) for outcome in settled_outcomes(guarantee))
        return (
            f"(SELECT event_id, outcome FROM {self.states(connection, ids, but=but)} WHERE outcome IN "
            f"({settled}) OR (outcome = 'rejected' AND plan_id = {quote_literal(plan_id)}))"
        )


class EventIds:
    """The `event_ids` table of an event ledger: append-only."""

    def __init__(self, storage: Storage, uri: str) -> None:
        # Ids have no order worth pruning by, and their minima and maxima would only be copies in the log.
        columns = {"delta.dataSkippingStatsColumns": "send,step,as_of"}
        self.table = LedgerTable(storage, uri, EVENT_IDS_SCHEMA, columns)

    def now(self) -> IdsVersion:
        """The table as it is now."""
        return IdsVersion(self.table.uri, self.table.open())

    def append(self, onto: IdsVersion, rows: pa.RecordBatchReader | pa.Table) -> None:
        """Append rows that were computed from `onto` and carry the step after its.

        Raises:
            CommitConflict: Somebody wrote in the meantime; nothing was appended.
        """
        from deltalake import WriterProperties, write_deltalake

        step = onto.step + 1
        table = onto.table if onto.table is not None else self.table.open_or_create()
        if onto.table is None and (table.transaction_version(_STEP) or 0) >= step:
            raise CommitConflict("The table was made and filled by another writer.")
        with delta_errors(self.table.uri):
            write_deltalake(
                table,
                rows,
                mode="append",
                writer_properties=WriterProperties(compression="ZSTD", compression_level=3),
                commit_properties=once(event_ids=step),
            )

    def remove_before(self, onto: IdsVersion, horizon: int) -> int:
        """Remove the ids of partitions that ended before a moment (epoch seconds); returns the rows.

        Raises:
            CommitConflict: Somebody wrote in the meantime; nothing was removed.
        """
        if onto.table is None:
            return 0
        moment = pa.scalar(horizon * 1_000_000, pa.timestamp("us", tz="UTC")).as_py().isoformat()
        with delta_errors(self.table.uri):
            metrics = onto.table.delete(
                f"as_of < '{moment}'",
                commit_properties=once(event_ids=onto.step + 1, horizon=horizon),
            )
        return int(metrics.get("num_deleted_rows") or 0)

    def compact(self) -> None:
        """Join its small files when there are many; harmless beside other writers."""
        table = self.table.open()
        if table is None or sum(f["size_bytes"] < _SMALL for f in data_files(table)) < _COMPACT_FROM:
            return
        with delta_errors(self.table.uri):
            table.optimize.compact(target_size=_TARGET)


def _sql(type: pa.DataType) -> str:
    if pa.types.is_integer(type):
        return "BIGINT"
    return "TIMESTAMP WITH TIME ZONE" if pa.types.is_timestamp(type) else "VARCHAR"

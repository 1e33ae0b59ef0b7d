"""The fold: from receipts to what Braze has acknowledged, in one atomic commit."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from braze_assets.errors import LedgerError
from braze_assets.ledger.acknowledged import Acknowledged
from braze_assets.ledger.delta import CommitConflict, LedgerTable, delta_errors, once
from braze_assets.ledger.held import Held, PlanRows
from braze_assets.ledger.journal import FoldResult
from braze_assets.ledger.schemas import PLAN_KEY
from braze_assets.ledger.types import converted, lost
from braze_assets.storage import quote_identifier, quote_literal

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable
    from duckdb import DuckDBPyConnection

__all__ = ["Fold", "outcomes_sql"]

_BATCH = 50_000
_ROW_GROUP = 122_880


def outcomes_sql(receipts: str | None) -> str:
    """One row an object that has a receipt: whether Braze ever accepted or rejected it."""
    if receipts is None:
        return "(SELECT NULL::BIGINT AS n, NULL::BOOLEAN AS accepted, NULL::BOOLEAN AS rejected WHERE false)"
    return (
        "(SELECT n, bool_or(outcome = 'accepted') AS accepted, bool_or(outcome = 'rejected') AS rejected "
        f"FROM {receipts} GROUP BY n)"
    )


@dataclass(frozen=True, kw_only=True)
class Fold:
    """The fold of one plan, computed against one version of `acknowledged` and committed onto that version.

    Args:
        plan: The plan: it has the values.
        receipts: A table expression of the plan's receipts, or None.
        done: This many first objects were folded for good by an earlier fold.
        reach: This many first objects may have been sent; None for all.
    """

    plan: PlanRows
    receipts: str | None
    done: int
    reach: int | None
    now: datetime

    @property
    def _header(self) -> Mapping[str, Any]:
        document = self.plan.document(PLAN_KEY)
        if document is None:
            place = ", ".join(getattr(self.plan, "uris", ()))
            raise LedgerError("The kept plan has no header.", place=place, remedy="Restore the file.")
        return document

    def _sent(self, connection: "DuckDBPyConnection") -> str:
        """The plan's objects that may have been sent, with their outcomes."""
        reach = "" if self.reach is None else f" AND p.n < {self.reach}"
        return (
            "(SELECT p.*, coalesce(o.accepted, false) AS accepted, "
            "coalesce(o.rejected AND NOT o.accepted, false) AS rejected "
            f"FROM {self.plan.sql(connection)} AS p "
            f"LEFT JOIN {outcomes_sql(self.receipts)} AS o ON o.n = p.n "
            f"WHERE p.n >= {self.done}{reach})"
        )

    def count(self, connection: "DuckDBPyConnection") -> FoldResult:
        """The outcomes, without folding anything."""
        [(accepted, rejected, unknown)] = connection.sql(
            "SELECT count(*) FILTER (accepted), count(*) FILTER (rejected), "
            f"count(*) FILTER (NOT accepted AND NOT rejected) FROM {self._sent(connection)}"
        ).fetchall()
        return FoldResult(
            plan_id=self._header["plan_id"], accepted=accepted, rejected=rejected, unknown=unknown
        )

    def commit(
        self, connection: "DuckDBPyConnection", held: Acknowledged, target: LedgerTable, **numbers: int
    ) -> int:
        """Write accepted values and unknown marks; returns the rows written.

        Args:
            connection: A DuckDB connection.
            held: The version to fold onto.
            target: The `acknowledged` table; made when there is none.
            numbers: What the commit says about itself, see `delta.once`.

        Raises:
            CommitConflict: Somebody wrote another version in the meantime; nothing was changed.
        """
        old = held.types()
        columns = self.columns(held)
        rewrite = bool(held.users) and (
            any(columns.get(name) != type for name, type in old.items())
            # delta-rs cannot quote a backtick in a MERGE.
            or any("`" in name for name in columns)
        )
        table = held.table if held.table is not None else target.open_or_create()
        if held.table is None and table.version() > 0:
            raise CommitConflict("The table was made and filled by another writer.")
        source = self.rows(connection, held, everything=rewrite)
        with delta_errors(target.uri):
            return _write(connection, table, source, held, rewrite=rewrite, properties=once(**numbers))

    def columns(self, held: Held) -> dict[str, str]:
        """The attributes of the table after the fold, and their types."""
        types: dict[str, str] = dict(self._header["types"])
        folded = {name.casefold() for name in types}
        # A column whose spelling changed only in case cannot stand beside the new one.
        kept = {
            name: type
            for name, type in held.types().items()
            if name in types or name.casefold() not in folded
        }
        return {**kept, **types}

    def rows(self, connection: "DuckDBPyConnection", held: Held, *, everything: bool) -> str:
        """SQL: complete new rows, of the users the plan touched or of all."""
        header, old, columns = self._header, held.types(), self.columns(held)
        values = _value_fields(self.plan)
        identifier = quote_identifier(held.identifier)
        current = held.sql(connection)
        now = f"TIMESTAMPTZ {quote_literal(self.now.isoformat())}"
        partition = "NULL" if header["partition"] is None else quote_literal(header["partition"])
        stamps = {
            "_plan_id": quote_literal(header["plan_id"]),
            "_partition": partition,
            "_acknowledged_at": now,
        }
        touched = f"(SELECT * FROM {self._sent(connection)} WHERE NOT rejected)"
        cells = []
        for name, type in columns.items():
            column = quote_identifier(name)
            before = converted(f"h.{column}", old[name], type) if name in old else "NULL"
            sent = f't."values".{column}' if name in values else "NULL"
            cleared = f"CASE WHEN NOT list_contains(t.attributes, {quote_literal(name)}) THEN {before} END"
            value = f"CASE WHEN t.accepted THEN coalesce({sent}, {cleared}) ELSE {before} END"
            cells.append(f"CAST({value} AS {type}) AS {column}")
        losses = [
            lost(f"h.{quote_identifier(name)}", name, old[name], type)
            for name, type in columns.items()
            if name in old and old[name] != type
        ]
        known = ", ".join(quote_literal(name) for name in columns)
        before = "coalesce(h._unknown, [])"
        if losses:
            before = f"list_concat({before}, list_filter([{', '.join(losses)}], lambda x: x IS NOT NULL))"
        unknown = (
            f"CASE WHEN t.accepted THEN list_filter({before}, lambda x: NOT list_contains(t.attributes, x)) "
            f"ELSE list_concat({before}, coalesce(t.attributes, [])) END"
        )
        unknown = f"list_filter(list_sort(list_distinct({unknown})), lambda x: x IN ({known}))"
        stamped = ", ".join(
            f"CASE WHEN t.n IS NOT NULL THEN {value} ELSE h.{name} END AS {name}"
            for name, value in stamps.items()
        )
        nothing = ", ".join(
            f"NULL::{type} AS {quote_identifier(name)}" for name, type in {**old, **_BOOKKEEPING}.items()
        )
        current = current or f"(SELECT NULL::VARCHAR AS {identifier}, {nothing} WHERE false)"
        join = "FULL" if everything else "LEFT"
        return (
            f"SELECT coalesce(t.{identifier}, h.{identifier}) AS {identifier}, {', '.join(cells)}, "
            f"nullif({unknown}, []) AS _unknown, {stamped} "
            f"FROM {touched} AS t {join} JOIN {current} AS h ON h.{identifier} = t.{identifier}"
        )


_BOOKKEEPING = {
    "_unknown": "VARCHAR[]",
    "_plan_id": "VARCHAR",
    "_partition": "VARCHAR",
    "_acknowledged_at": "TIMESTAMP WITH TIME ZONE",
}


def _value_fields(plan: PlanRows) -> set[str]:
    struct = plan.schema.field("values").type
    return {struct.field(i).name for i in range(struct.num_fields)}


def _write(
    connection: "DuckDBPyConnection",
    table: "DeltaTable",
    source: str,
    held: Acknowledged,
    *,
    rewrite: bool,
    properties: "CommitProperties",
) -> int:
    from deltalake import WriterProperties, write_deltalake

    # Row groups are what DuckDB reads in parallel, and what the writer holds in memory.
    groups = WriterProperties(compression="ZSTD", compression_level=1, max_row_group_size=_ROW_GROUP)
    rows = _Counted(connection.sql(source).to_arrow_reader(_BATCH))
    if rewrite or not held.users:
        write_deltalake(
            table,
            rows.reader,
            mode="overwrite" if rewrite else "append",
            schema_mode="overwrite" if rewrite else "merge",
            writer_properties=groups,
            commit_properties=properties,
        )
    else:
        identifier = quote_identifier(held.identifier)
        (
            table.merge(
                rows.reader,
                predicate=f"held.{identifier} = sent.{identifier}",
                source_alias="sent",
                target_alias="held",
                merge_schema=True,
                writer_properties=groups,
                commit_properties=properties,
            )
            .when_matched_update_all()
            .when_not_matched_insert_all()
            .execute()
        )
    return rows.count


class _Counted:
    """A stream of batches that counts its rows as they pass."""

    def __init__(self, reader: Any) -> None:
        import pyarrow as pa

        self.count = 0
        self._reader = reader
        self.reader = pa.RecordBatchReader.from_batches(reader.schema, self._batches())

    def _batches(self) -> Any:
        for batch in self._reader:
            self.count += batch.num_rows
            yield batch

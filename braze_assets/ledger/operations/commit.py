"""One commit on `acknowledged` that does all of an operation, and that nothing else can come between."""

from typing import TYPE_CHECKING

from braze_assets.ledger.acknowledged import Acknowledged
from braze_assets.ledger.delta import LedgerTable, delta_errors, once
from braze_assets.ledger.operations.operation import Edit, Rewrite
from braze_assets.ledger.under_way import numbers_after
from braze_assets.storage import quote_identifier

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["commit_change"]

_BATCH = 50_000
_ROW_GROUP = 122_880


def commit_change(
    connection: "DuckDBPyConnection",
    held: Acknowledged,
    target: LedgerTable,
    change: Rewrite | Edit,
    sequence: int,
) -> None:
    """Commit a change onto the version it was computed from.

    Raises:
        CommitConflict: Somebody wrote another version in the meantime; nothing was changed.
        LedgerError, StorageError: It cannot be written; nothing was changed.
    """
    from deltalake import WriterProperties, write_deltalake

    table = held.table if held.table is not None else target.open_or_create()
    properties = once(**numbers_after(table, sequence))
    writer = WriterProperties(compression="ZSTD", compression_level=1, max_row_group_size=_ROW_GROUP)
    if isinstance(change, Edit) and any("`" in name for name in held.columns):
        # delta-rs cannot quote a backtick in a MERGE.
        change = Rewrite(_edited(held, change, connection))
    rows = connection.sql(change.rows).to_arrow_reader(_BATCH)
    with delta_errors(target.uri):
        if isinstance(change, Rewrite):
            write_deltalake(
                table,
                rows,
                mode="overwrite",
                schema_mode="overwrite",
                writer_properties=writer,
                commit_properties=properties,
            )
            return
        identifier = quote_identifier(held.identifier)
        (
            table.merge(
                rows,
                predicate=f"held.{identifier} = said.{identifier}",
                source_alias="said",
                target_alias="held",
                writer_properties=writer,
                commit_properties=properties,
            )
            .when_matched_delete(predicate="said._gone")
            .when_matched_update(updates={"_unknown": "said._unknown"}, predicate="NOT said._gone")
            .execute()
        )


def _edited(held: Acknowledged, edit: Edit, connection: "DuckDBPyConnection") -> str:
    """All rows as they are after an edit."""
    identifier = quote_identifier(held.identifier)
    return (
        "SELECT h.* REPLACE (CASE WHEN e._gone IS NULL THEN h._unknown ELSE e._unknown END AS _unknown) "
        f"FROM {held.sql(connection)} AS h LEFT JOIN ({edit.rows}) AS e ON e.{identifier} = h.{identifier} "
        "WHERE coalesce(NOT e._gone, true)"
    )

"""Stored tables as SQL, as often as one likes on one connection."""

from typing import TYPE_CHECKING

from braze_assets.storage import StoredTable, quote_literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["table_sql"]


def table_sql(connection: "DuckDBPyConnection", table: StoredTable) -> str:
    """A SQL table expression for the table.

    Unlike `StoredTable.sql` it may be asked again on a connection that already knows the file system; DuckDB
    refuses to be told twice, and to be told anew while a stream is open would cut that stream.
    """
    remote = {path.protocol for path in table.paths} - {"", "file"}
    if not remote or not remote & set(connection.list_filesystems()):
        return table.sql(connection)
    files = ", ".join(quote_literal(uri) for uri in table.uris)
    union = ", union_by_name = true" if len(table.uris) > 1 else ""
    return f"read_parquet([{files}], hive_partitioning = false{union})"

"""Some users, by their identifiers: never in a message, only in a table."""

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pyarrow as pa

from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.errors import SourceError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["fingerprint", "users_in_file", "users_named", "users_sql"]

_SCHEMA = pa.schema([("identifier", pa.string())])


def users_named(identifiers: Iterable[str]) -> pa.Table:
    """A list of identifiers as a table."""
    return pa.table([pa.array(list(dict.fromkeys(identifiers)), pa.string())], schema=_SCHEMA)


def users_in_file(connection: "DuckDBPyConnection", url: str, identifier: IdentifierKind) -> pa.Table:
    """The identifiers in a Parquet or CSV file; other columns of it are not looked at.

    Raises:
        SourceError: It has none.
        QueryError, StorageError: It cannot be read.
    """
    from braze_assets.rows import RowsSpec, TableFile, build_rows
    from braze_assets.rows.counts import VIEW

    spec = RowsSpec(name="users", query=TableFile(url), identifier=identifier)
    build_rows(connection, spec, {}, partition=None, as_of=datetime.now(timezone.utc))
    users = connection.sql(
        f"SELECT DISTINCT {identifier} AS identifier FROM {VIEW} WHERE {identifier} IS NOT NULL"
    ).to_arrow_table()
    if not users.num_rows:
        raise SourceError(
            "The file names no users.", place=url, remedy=f"Give a file with the column {identifier}."
        )
    return users.cast(_SCHEMA)


def users_sql(connection: "DuckDBPyConnection", users: pa.Table) -> str:
    """A table expression with the column `identifier`."""
    name = f"users_{id(users)}"
    connection.register(name, users)
    return f"(SELECT DISTINCT identifier FROM {name})"


def fingerprint(connection: "DuckDBPyConnection", users: pa.Table) -> str:
    """A short hash by which the same users are known again; it tells nothing about them."""
    [(found,)] = connection.sql(
        f"SELECT bit_xor(hash(identifier)) FROM {users_sql(connection, users)}"
    ).fetchall()
    return f"{users.num_rows} {found}"

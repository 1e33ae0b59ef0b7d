"""A user's query or file as a SELECT that runs: its sources in place, its parameters bound."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import duckdb

from braze_assets.errors import SourceError
from braze_assets.rows.failures import engine_error, line_in
from braze_assets.rows.files import TableFile
from braze_assets.rows.query import TableQuery
from braze_assets.storage import quote_identifier

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["error_place", "listed", "prepared"]


def prepared(
    con: duckdb.DuckDBPyConnection,
    query: TableQuery | TableFile,
    sources: Mapping[str, str],
    *,
    as_of: datetime,
    text_columns: "Collection[str]" = (),
) -> tuple[str, dict[str, Any]]:
    """The SELECT of the rows and its parameters; the sources are made views of the connection.

    Args:
        con: A connection of `storage.connect()`.
        query: The SQL or the file.
        sources: A SQL table expression for each table of the query, by name, in any case.
        as_of: The end of the partition.
        text_columns: Columns of a CSV file that stay text.

    Raises:
        SourceError: A table of the query is not among the sources, or cannot be read.
    """
    if isinstance(query, TableFile):
        return f"SELECT * FROM {query.sql(con, text_columns=text_columns)}", {}
    parameters = {"as_of": as_of} if "as_of" in query.parameters else {}
    available = {name.lower(): table for name, table in sources.items()}
    for name in query.sources:
        if name not in available:
            raise SourceError(
                f"The query reads the table {name}, which is not there.",
                place=query.place,
                remedy=f"Correct the name, or declare it as a source. There are: {listed(available)}.",
            )
        try:
            con.execute(
                f"CREATE OR REPLACE TEMP VIEW {quote_identifier(name)} AS SELECT * FROM {available[name]}"
            )
        except duckdb.Error as error:
            raise engine_error(error, f"table {name}") from None
    return query.statement, parameters


def listed(names: Iterable[str]) -> str:
    """Names for a message."""
    return ", ".join(sorted(names)) or "none"


def error_place(query: TableQuery | TableFile, error: duckdb.Error, statement: str) -> str:
    """Where in the user's text DuckDB found an error."""
    line = line_in(error, 1, statement)
    return f"{query.place}:{line}" if line and isinstance(query, TableQuery) else query.place

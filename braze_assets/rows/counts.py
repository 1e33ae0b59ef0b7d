"""What a table of rows holds, in rows and cells."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.braze.limits import Limits
from braze_assets.rows.identifiers import error_sql

__all__ = ["ROWS", "VIEW", "RowsCounts", "count_rows"]

ROWS, VIEW = "_braze_assets_rows", "_braze_assets_rows_view"
_DUPLICATES = "_braze_assets_duplicates"


@dataclass(frozen=True, kw_only=True)
class RowsCounts:
    """What a table holds, in rows and cells."""

    rows: int
    sendable: int
    """Rows without an error."""
    errors: Mapping[str, int]
    """Rows by `_error`."""
    findings: Mapping[str, Mapping[str, int]]
    """Cells by attribute and problem."""


def count_rows(con: duckdb.DuckDBPyConnection, name: IdentifierKind, limits: Limits) -> RowsCounts:
    """Find duplicates in the table `ROWS`, put `_error` beside its rows in the view `VIEW`, and count.

    Args:
        con: The connection that holds the table.
        name: The identifier column.
        limits: The limits of the destination.
    """
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {_DUPLICATES} AS SELECT {name} FROM {ROWS} "
        f"WHERE {name} IS NOT NULL GROUP BY {name} HAVING count(*) > 1"
    )
    error = error_sql(f"r.{name}", f"d.{name} IS NOT NULL", limits)
    con.execute(
        f"CREATE OR REPLACE TEMP VIEW {VIEW} AS SELECT r.*, {error} AS _error "
        f"FROM {ROWS} r LEFT JOIN {_DUPLICATES} d ON r.{name} = d.{name}"
    )
    errors = dict(con.execute(f"SELECT _error, count(*) FROM {VIEW} GROUP BY ALL ORDER BY ALL").fetchall())
    sendable = errors.pop(None, 0)
    findings: dict[str, dict[str, int]] = {}
    for attribute, problem, cells in con.execute(
        "SELECT f.attribute, f.problem, count(*) FROM "
        f"(SELECT unnest(_findings) AS f FROM {ROWS} WHERE len(_findings) > 0) GROUP BY ALL ORDER BY ALL"
    ).fetchall():
        findings.setdefault(attribute, {})[problem] = cells
    return RowsCounts(
        rows=sendable + sum(errors.values()), sendable=sendable, errors=errors, findings=findings
    )

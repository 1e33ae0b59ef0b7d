"""A connection a module, and a short way to build rows from a VALUES list."""

import datetime as dt
from collections.abc import Iterator
from typing import Any, Protocol

import duckdb
import pytest

from braze_assets.rows import BuiltRows, RowsSpec, TableQuery, build_rows
from braze_assets.storage import connect

AS_OF = dt.datetime(2026, 11, 22, tzinfo=dt.timezone.utc)


class Build(Protocol):
    def __call__(self, sql: str, table: str = ..., **settings: Any) -> BuiltRows: ...


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with connect() as connection:
        yield connection


@pytest.fixture
def build(con: duckdb.DuckDBPyConnection) -> Build:
    """Build rows from a query over one table `t`, given as a SQL table expression."""

    def _build(sql: str, table: str = "(SELECT 'a' AS id)", **settings: Any) -> BuiltRows:
        spec = RowsSpec(name="sync", query=TableQuery(sql, "table.sql"), **settings)
        return build_rows(con, spec, {"t": table}, partition="2026-11-21", as_of=AS_OF)

    return _build


def cells(built: BuiltRows) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = built.reader().read_all().to_pylist()
    return rows


def one(build: Build, expression: str, **options: Any) -> tuple[Any, list[tuple[str, str]]]:
    """The cell of one column `x`, and its findings as (problem, detail)."""
    name = options.pop("name", "x")
    built = build(f"SELECT id AS external_id, {expression} AS {name} FROM t", **options)
    row = cells(built)[0]
    return row[name], [(each["problem"], each["detail"]) for each in row["_findings"]]

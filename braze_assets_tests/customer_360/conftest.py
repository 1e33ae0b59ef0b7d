"""One sample for all tests of this room, with two days in a row of it, made once."""

from collections.abc import Iterator
from datetime import date, timedelta

import duckdb
import pytest

from braze_assets.customer_360 import TABLES, SampleSettings, table_sql
from braze_assets.storage import EngineSettings, connect

SETTINGS = SampleSettings(customers=5_000, seed=7, start=date(2026, 1, 1))
DAY = date(2026, 5, 2)
NEXT = DAY + timedelta(days=1)


def make(
    con: duckdb.DuckDBPyConnection, schema: str, day: date, settings: SampleSettings = SETTINGS
) -> dict[str, str]:
    """All tables of a day in a schema, each from those made before; their names."""
    con.execute(f"CREATE SCHEMA {schema}")
    names = {name: f"{schema}.{name}" for name in TABLES}
    for name in TABLES:
        con.execute(f"CREATE TABLE {names[name]} AS {table_sql(name, settings, day, names)}")
    return names


@pytest.fixture(scope="package")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the schemas `today` and `tomorrow`."""
    with connect(EngineSettings(threads=2)) as connection:
        make(connection, "today", DAY)
        make(connection, "tomorrow", NEXT)
        yield connection


def number(con: duckdb.DuckDBPyConnection, query: str) -> int:
    """The one number a query yields."""
    rows = con.execute(query).fetchall()
    return int(rows[0][0])


def differences(con: duckdb.DuckDBPyConnection, left: str, right: str) -> int:
    """How many rows are in one of two queries only; NaN equals NaN, order does not matter."""
    return number(
        con,
        f"SELECT count(*) FROM ((FROM ({left}) EXCEPT ALL FROM ({right}))"
        f" UNION ALL (FROM ({right}) EXCEPT ALL FROM ({left})))",
    )

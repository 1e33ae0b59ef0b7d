"""K12: each type has one documented JSON form, the same in DuckDB as in a plain Python reference."""

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_assets.errors import QueryError
from braze_assets.rows.types import AttributeType, json_form
from braze_assets.storage import connect

UTC = dt.timezone.utc
FIXED = settings(deadline=None, max_examples=120, derandomize=True)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
DATES = st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31))
MOMENTS = st.datetimes(timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
INTEGERS = st.integers(-(2**63), 2**63 - 1)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with connect() as connection:
        yield connection


def rendered(con: duckdb.DuckDBPyConnection, value: Any, type: AttributeType) -> str:
    sql = f"SELECT {json_form('v', type)} FROM (SELECT CAST($value AS {type.sql}) AS v)"
    row = con.execute(sql, {"value": value}).fetchone()
    assert row is not None
    return str(row[0])


def of(text: str) -> AttributeType:
    return AttributeType.from_sql(text)


@FIXED
@given(TEXT)
def test_string_is_the_json_string(con: duckdb.DuckDBPyConnection, text: str) -> None:
    """K12: unicode, quotes and control characters survive; "" stays ""."""
    assert json.loads(rendered(con, text, of("String"))) == text


@FIXED
@given(FLOATS)
def test_float_reads_back_as_the_same_double(con: duckdb.DuckDBPyConnection, number: float) -> None:
    assert float(json.loads(rendered(con, number, of("Float")))).hex() == number.hex()


@FIXED
@given(INTEGERS)
def test_integer(con: duckdb.DuckDBPyConnection, number: int) -> None:
    assert rendered(con, number, of("Integer")) == str(number)


@FIXED
@given(st.data())
def test_decimal_has_exact_digits_and_no_exponent(con: duckdb.DuckDBPyConnection, data: Any) -> None:
    precision = data.draw(st.integers(1, 38))
    scale = data.draw(st.integers(0, precision))
    unscaled = data.draw(st.integers(-(10**precision) + 1, 10**precision - 1))
    number = Decimal(unscaled).scaleb(-scale) if precision <= 28 else Decimal(f"{unscaled}e-{scale}")
    type = AttributeType("Decimal", precision=precision, scale=scale)
    text = rendered(con, f"{number:f}", type)
    assert text == f"{number:f}" or unscaled == 0
    assert json.loads(text, parse_float=Decimal, parse_int=Decimal) == number
    assert "e" not in text.lower()


@FIXED
@given(DATES)
def test_date(con: duckdb.DuckDBPyConnection, day: dt.date) -> None:
    assert json.loads(rendered(con, day, of("Date"))) == day.isoformat()


@FIXED
@given(MOMENTS)
def test_datetime_is_utc_with_milliseconds(con: duckdb.DuckDBPyConnection, moment: dt.datetime) -> None:
    expected = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert json.loads(rendered(con, moment.isoformat(), of("Datetime"))) == expected


@FIXED
@given(st.data())
def test_arrays_are_arrays_of_the_same_forms(con: duckdb.DuckDBPyConnection, data: Any) -> None:
    item, values = data.draw(
        st.sampled_from(
            [
                ("String", TEXT),
                ("Integer", INTEGERS),
                ("Float", FLOATS),
                ("Boolean", st.booleans()),
                ("Date", DATES),
                ("Datetime", MOMENTS.map(lambda moment: moment.isoformat())),
                ("DECIMAL(3,3)", st.integers(-999, 999).map(lambda n: f"{Decimal(n).scaleb(-3):f}")),
            ]
        )
    )
    items = data.draw(st.lists(values, max_size=5))
    expected = [json.loads(rendered(con, one, of(item)), parse_float=Decimal) for one in items]
    placeholders = ", ".join(f"CAST(${n} AS {of(item).sql})" for n in range(1, len(items) + 1))
    sql = (
        f"SELECT {json_form('v', of(item + '[]'))} FROM (SELECT CAST([{placeholders}] AS {of(item).sql}[]) v)"
    )
    row = con.execute(sql, items).fetchone()
    assert row is not None
    assert json.loads(row[0], parse_float=Decimal) == expected


@pytest.mark.parametrize(
    "type", ["String", "Float", "DECIMAL(3,3)", "Date", "Datetime", "Date[]", "String[]"]
)
def test_null_has_no_form(con: duckdb.DuckDBPyConnection, type: str) -> None:
    assert rendered(con, None, of(type)) == "None"


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("HUGEINT", "BIGINT"),
        ("utinyint", "BIGINT"),
        ("FLOAT", "DOUBLE"),
        ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE"),
        ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITH TIME ZONE"),
        ("Datetime", "TIMESTAMP WITH TIME ZONE"),
        ("Varchar", "VARCHAR"),
        ("VARCHAR(20)", "VARCHAR"),
        ("UUID", "VARCHAR"),
        ("ENUM('a', 'it''s [b]')", "VARCHAR"),
        ("ENUM('a')[]", "VARCHAR[]"),
        ("INTEGER[3]", "BIGINT[]"),
        ("decimal(10, 2)", "DECIMAL(10,2)"),
        ("NUMERIC(5)", "DECIMAL(5,0)"),
        ("DECIMAL(5,2)[]", "DECIMAL(5,2)[]"),
        ("STRUCT(a INTEGER[], b ENUM(')[', 'y'))", 'STRUCT("$json" VARCHAR)'),
        ("MAP(VARCHAR, INTEGER)", 'STRUCT("$json" VARCHAR)'),
        ("STRUCT(a INTEGER)[]", 'STRUCT("$json" VARCHAR)[]'),
    ],
)
def test_type_names(text: str, sql: str) -> None:
    """A canonical type reads back as itself."""
    assert of(text).sql == sql
    assert of(of(text).sql) == of(text)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("TUPLE(INTEGER, INTEGER)", "Name its fields"),
        ("INTEGER[][]", "flatten"),
        ("STRUCT(a INTEGER)[][]", "flatten"),
        ("JSON", "from_json"),
        ("BLOB", "hex"),
        ("TIME WITH TIME ZONE", "CAST"),
        ("INTERVAL", "date_diff"),
        ('"NULL"', "CAST(NULL"),
        ("BIT", "CAST"),
    ],
)
def test_an_unsupported_type_names_column_type_and_remedy(text: str, remedy: str) -> None:
    with pytest.raises(QueryError) as raised:
        AttributeType.from_sql(text, column="colour")
    assert text.split("[")[0] in str(raised.value)
    assert "column colour" in str(raised.value)
    assert remedy in str(raised.value)

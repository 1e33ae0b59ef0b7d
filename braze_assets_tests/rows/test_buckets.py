"""Buckets: a number that changes all the time becomes one that rarely does (K03)."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_assets.errors import QueryError
from braze_assets.rows import AttributeSettings, RowsSpec, TableQuery, build_rows
from braze_assets.rows.buckets import Bucket
from braze_assets.storage import connect

COLOURS = Bucket(below={"yellow": 90, "green": 30, "red": 365}, otherwise="black")


def built(values: list[Any], type: str, bucket: Bucket, **more: Any) -> tuple[list[Any], str]:
    with connect() as connection:
        connection.execute(f"CREATE TABLE stored (external_id VARCHAR, n {type})")
        rows = [(f"{number:04}", value) for number, value in enumerate(values)]
        connection.executemany("INSERT INTO stored VALUES (?, ?)", rows)
        spec = RowsSpec(
            name="vip",
            query=TableQuery("SELECT external_id, n FROM members"),
            catalog={"recency": AttributeSettings(bucket=bucket, description="Days.")},
            names={"n": "recency"},
            **more,
        )
        made = build_rows(
            connection,
            spec,
            {"members": "stored"},
            partition=None,
            as_of=datetime(2026, 7, 1, tzinfo=timezone.utc),
        )
        assert [each.name for each in made.header.attributes] == ["recency"]
        assert made.header.attributes[0].description.startswith("Days. In buckets: ")
        table = made.reader().read_all().sort_by("external_id")
        return table["recency"].to_pylist(), made.header.attributes[0].type.sql


def test_labels() -> None:
    values, type = built([0, 29, 30, 89, 90, 364, 365, 9999, -1, None], "INTEGER", COLOURS)
    assert type == "VARCHAR"
    assert values == [
        *("green", "green", "yellow", "yellow", "red", "red", "black", "black", "green", None),
    ]


def test_without_a_rest_what_is_over_is_null() -> None:
    assert built([1, 50], "BIGINT", Bucket(below={"low": 10}))[0] == ["low", None]


def test_a_flag() -> None:
    values, type = built([499.99, 500, None], "DECIMAL(10,2)", Bucket(at_least=500))
    assert (values, type) == ([False, True, None], "BOOLEAN")


@pytest.mark.parametrize(("sql", "made"), [("INTEGER", "BIGINT"), ("DOUBLE", "DOUBLE")])
def test_rounding_down(sql: str, made: str) -> None:
    values, type = built([0, 49, 50, 149, -1, None], sql, Bucket(round_to=50))
    assert (values, type) == ([0, 0, 50, 100, -50, None], made)


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=30), st.integers(1, 400))
def test_rounding_is_what_python_does(numbers: list[int], step: int) -> None:
    values, _ = built(list(numbers), "BIGINT", Bucket(round_to=step))
    assert values == [number // step * step for number in numbers]


def test_what_cannot_be_a_bucket() -> None:
    for wrong in (
        {},
        {"below": {"a": 1}, "round_to": 2},
        {"round_to": 0},
        {"otherwise": "x", "at_least": 1},
        {"below": {"a": 1, "b": 1}},
    ):
        with pytest.raises(QueryError):
            Bucket(**wrong)
    with pytest.raises(QueryError, match="it is no number"):
        built(["x"], "VARCHAR", COLOURS)


def test_a_label_with_a_quote_stays_a_label() -> None:
    sql = Bucket(below={"it's": 1}, otherwise="'; DROP TABLE x; --").sql("0.5")
    assert duckdb.sql(f"SELECT {sql}").fetchall() == [("it's",)]


def test_the_case_of_names() -> None:
    """K15: lower case unless a name is quoted, or the catalog keeps what is written."""
    sql = 'SELECT external_id, LoyaltyTier, x AS "One and Done", upper(y) AS Y FROM t'
    assert TableQuery(sql).outputs() == ("external_id", "loyaltytier", "One and Done", "y")
    assert TableQuery(sql, case="as_written").outputs() == ("external_id", "LoyaltyTier", "One and Done", "Y")

"""K12: what becomes of cells."""

import datetime as dt
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from braze_assets.braze.limits import Limits
from braze_assets.errors import QueryError
from braze_assets.rows import (
    CATALOGUE,
)
from braze_assets.storage import quote_literal
from braze_assets_tests.rows.conftest import Build, cells, one

UTC = dt.timezone.utc


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("0.1::FLOAT", 0.1),
        ("'-0.0'::DOUBLE", 0.0),
        ("1e300::DOUBLE", 1e300),
        ("1.50::DECIMAL(10,2)", Decimal("1.50")),
        ("255::UTINYINT", 255),
        ("sum(9)", 9),
        ("''", ""),
        ("'a'::ENUM('a', 'b')", "a"),
        ("TIMESTAMP '2024-01-02 03:04:05.678999'", dt.datetime(2024, 1, 2, 3, 4, 5, 678000, UTC)),
        ("TIMESTAMP '1960-01-02 03:04:05.678999'", dt.datetime(1960, 1, 2, 3, 4, 5, 678000, UTC)),
        ("TIMESTAMPTZ '2024-01-02 03:04:05+02:00'", dt.datetime(2024, 1, 2, 1, 4, 5, 0, UTC)),
        ("TIMESTAMP_NS '2024-01-02 03:04:05.678999999'", dt.datetime(2024, 1, 2, 3, 4, 5, 678000, UTC)),
        ("TIMESTAMP_NS '1960-01-02 03:04:05.678999999'", dt.datetime(1960, 1, 2, 3, 4, 5, 678000, UTC)),
        ("TIMESTAMP_MS '2024-01-02 03:04:05.678'", dt.datetime(2024, 1, 2, 3, 4, 5, 678000, UTC)),
        ("TIMESTAMP_S '2024-01-02 03:04:05'", dt.datetime(2024, 1, 2, 3, 4, 5, 0, UTC)),
        ("DATE '0001-01-01'", dt.date(1, 1, 1)),
        ("['hotdog', 'hotdog', 'hotdog', 'pizza']", ["hotdog", "pizza"]),
        ("['a', 'b', 'a', 'c']", ["b", "a", "c"]),
        ("['-0.0'::DOUBLE, 0.0::DOUBLE]", [0.0]),
        ("[]::INTEGER[]", []),
        ("[3, 1]::INTEGER[2]", [3, 1]),
        ("[TIMESTAMP '2024-01-01 00:00:00.0019']", [dt.datetime(2024, 1, 1, 0, 0, 0, 1000, UTC)]),
        ("NULL::VARCHAR", None),
        ("NULL::VARCHAR[]", None),
        ("NULL::DOUBLE", None),
        ("NULL::TIMESTAMP", None),
        ("repeat('ü', 255)", "ü" * 255),
    ],
)
def test_values_become_canonical(build: Build, expression: str, value: Any) -> None:
    """K12."""
    if "sum(" in expression:
        built = build(f"SELECT id AS external_id, {expression} AS x FROM t GROUP BY id")
        assert cells(built)[0]["x"] == value
        return
    got, found = one(build, expression)
    assert got == value
    assert "-0.0" not in str(got)
    assert found == []


@pytest.mark.parametrize(
    ("expression", "problem", "detail"),
    [
        ("'nan'::DOUBLE", "not_finite", "not a number"),
        ("'-inf'::FLOAT", "not_finite", "infinite"),
        ("'infinity'::TIMESTAMP", "not_finite", "infinite"),
        ("'infinity'::DATE", "not_finite", "infinite"),
        ("TIMESTAMP '3001-01-01'", "date_out_of_range", "outside the years 1 to 3000"),
        ("DATE '0044-03-15 (BC)'", "date_out_of_range", "outside the years 1 to 3000"),
        ("9223372036854775808::HUGEINT", "integer_out_of_range", "does not fit a 64-bit integer"),
        ("18446744073709551615::UBIGINT", "integer_out_of_range", "does not fit a 64-bit integer"),
        ("repeat('ü', 256)", "too_long", "256 characters, at most 255"),
        ("range(26)", "too_many_items", "26 items, at most 25"),
        ("['x', repeat('y', 300)]", "too_long", "1 of 2 items"),
        ("['nan'::DOUBLE, 1, NULL]", "not_finite", "1 of 2 items"),
    ],
)
def test_a_bad_cell_is_null_and_has_a_finding(
    build: Build, expression: str, problem: str, detail: str
) -> None:
    """K12."""
    value, found = one(build, expression)
    assert value is None
    assert found[0] == (problem, detail)


@settings(
    deadline=None,
    max_examples=60,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.one_of(st.none(), st.sampled_from(["", "a", "b", "A", "ä", "c'", "d"])), max_size=20))
def test_arrays_keep_the_last_of_equal_items(build: Build, items: list[str | None]) -> None:
    """K12: as Braze would store them."""
    wanted: dict[str, None] = {}
    for item in items:
        if item is not None:
            wanted.pop(item, None)
            wanted[item] = None
    listed = ", ".join("NULL" if item is None else quote_literal(item) for item in items)
    assert one(build, f"[{listed}]::VARCHAR[]")[0] == list(wanted)


def test_null_items_are_left_out_with_a_note(build: Build) -> None:
    value, found = one(build, "['a', NULL, 'a', 'b']")
    assert value == ["a", "b"]
    assert found == [("null_items", "1 of 4 items left out")]
    assert CATALOGUE["null_items"].sent


def test_limits_are_settings(build: Build) -> None:
    limits = Limits(array_items=500, string_chars=3, array_bytes=20)
    assert one(build, "range(26)::TINYINT[]", limits=Limits(array_items=500)) == (list(range(26)), [])
    assert one(build, "'abcd'", limits=limits)[1] == [("too_long", "4 characters, at most 3")]
    assert one(build, "range(9)", limits=Limits(array_bytes=18))[1] == [
        ("array_too_large", "19 bytes, at most 18")
    ]


@pytest.mark.parametrize(
    "expression",
    [
        *("row(1, 2)", "MAP {1: 'a'}", "'x'::BLOB", "[[1]]", "TIME '10:00'"),
        pytest.param(
            "NULL",
            marks=pytest.mark.skipif(
                duckdb.__version__ < "2", reason="DuckDB 1 takes a NULL without a type for an INTEGER"
            ),
        ),
    ],
)
def test_odd_types_are_refused_by_name(build: Build, expression: str) -> None:
    """K12: name, flatten or cast."""
    with pytest.raises(QueryError, match=r"cannot be an attribute|not text") as raised:
        build(f"SELECT id AS external_id, {expression} AS odd FROM t")
    assert "column odd" in str(raised.value)

"""K06: what becomes of identifiers."""

import json

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from braze_assets.errors import QueryError
from braze_assets.rows import (
    RowsSpec,
    TableQuery,
    build_rows,
    findings_summary_sql,
)
from braze_assets.storage import quote_literal
from braze_assets_tests.rows.conftest import AS_OF, Build, cells


@settings(
    deadline=None,
    max_examples=60,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30).filter(str.strip))
def test_identifiers_arrive_as_written(con: duckdb.DuckDBPyConnection, identifier: str) -> None:
    """K06."""
    spec = RowsSpec(name="sync", query=TableQuery("SELECT id AS external_id FROM t"))
    table = f"(SELECT {quote_literal(identifier)} AS id)"
    built = build_rows(con, spec, {"T": table}, partition=None, as_of=AS_OF)
    row = cells(built)[0]
    assert row["external_id"] == identifier
    assert row["_error"] is None


@pytest.mark.parametrize("identifier", ["0123", "1.10", "true", "1e5", " x", "null", "NaN"])
def test_identifiers_are_never_coerced(build: Build, identifier: str) -> None:
    """K06."""
    assert cells(build(f"SELECT {quote_literal(identifier)} AS external_id"))[0]["external_id"] == identifier


def test_integers_and_uuids_can_identify(build: Build) -> None:
    assert cells(build("SELECT 170141183460469231731687303715884105727::HUGEINT AS external_id"))[0][
        "external_id"
    ] == str(2**127 - 1)
    uuid = "0f8fad5b-d9cb-469f-a165-70867728950e"
    assert cells(build(f"SELECT '{uuid}'::UUID AS braze_id", identifier="braze_id"))[0]["braze_id"] == uuid


def test_rows_that_cannot_be_sent_say_why_and_the_rest_goes_on(
    build: Build, con: duckdb.DuckDBPyConnection
) -> None:
    """K06: null, blank, duplicate and too long identifiers."""
    table = f"(SELECT unnest(['a', 'b', 'b', NULL, '', '  ', '{'x' * 988}', '{'y' * 987}', 'c']) AS id)"
    built = build("SELECT id AS external_id, 1 AS n FROM t", table)
    assert built.counts.rows == 9
    assert built.counts.sendable == 3
    assert built.counts.errors == {"duplicate_identifier": 2, "identifier_too_long": 1, "null_identifier": 3}
    errors = {row["external_id"]: row["_error"] for row in cells(built)}
    assert errors["a"] is None
    assert errors["b"] == "duplicate_identifier"
    assert errors["x" * 988] == "identifier_too_long"
    con.register("rows", built.reader().read_all())
    found = con.sql(findings_summary_sql("rows", "external_id")).fetchall()
    assert found == [
        (None, "null_identifier", 3),
        (None, "duplicate_identifier", 2),
        (None, "identifier_too_long", 1),
    ]


def test_user_alias_is_compact_json_of_two_columns(build: Build) -> None:
    """K06."""
    sql = "SELECT id AS alias_name, label AS alias_label, 1 AS n FROM t"
    table = """(SELECT * FROM (VALUES ('a"b', 'crm'), ('c', NULL), (NULL, 'crm')) AS v(id, label))"""
    rows = cells(build(sql, table, identifier="user_alias"))
    good = next(row for row in rows if row["_error"] is None)
    assert good["user_alias"] == '{"alias_name":"a\\"b","alias_label":"crm"}'
    assert json.loads(good["user_alias"]) == {"alias_name": 'a"b', "alias_label": "crm"}
    assert sorted(str(row["_error"]) for row in rows) == ["None", "null_identifier", "null_identifier"]
    assert "alias_name" not in good


@pytest.mark.parametrize("type", ["DOUBLE", "DECIMAL(5,2)", "DATE", "BOOLEAN", "TIMESTAMP"])
def test_identifiers_of_an_ambiguous_type_are_refused(build: Build, type: str) -> None:
    """K06: 1.10 as a number is no longer "1.10"."""
    with pytest.raises(QueryError, match="identifiers are text"):
        build(f"SELECT CAST(NULL AS {type}) AS external_id")

"""K06, K11, K12: what becomes of identifiers and cells."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from braze_assets.braze.limits import Limits
from braze_assets.errors import ConfigurationError, QueryError, SourceError, StorageError
from braze_assets.rows import (
    CATALOGUE,
    ROWS_KEY,
    AttributeSettings,
    RowsHeader,
    RowsSpec,
    TableQuery,
    build_rows,
    findings_sql,
    findings_summary_sql,
    read_rows_header,
)
from braze_assets.storage import StoredTable, quote_literal, write_parquet
from braze_assets_tests.rows.conftest import AS_OF, Build, cells

UTC = dt.timezone.utc


def one(build: Build, expression: str, **options: Any) -> tuple[Any, list[tuple[str, str]]]:
    """The cell of one column `x`, and its findings as (problem, detail)."""
    name = options.pop("name", "x")
    built = build(f"SELECT id AS external_id, {expression} AS {name} FROM t", **options)
    row = cells(built)[0]
    return row[name], [(each["problem"], each["detail"]) for each in row["_findings"]]


# Identifiers


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


# Cells


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
    ("name", "expression", "problem"),
    [
        ("dob", "'2000-02-30'", "bad_date"),
        ("dob", "'2000-2-3'", "bad_date"),
        ("dob", "'03/02/2000'", "bad_date"),
        ("dob", "''", "bad_date"),
        ("dob", "DATE '2026-11-22'", "date_in_future"),
        ("dob", "'1899-12-31'", "date_too_early"),
        ("country", "'Germany'", "bad_country"),
        ("country", "'de'", "bad_country"),
        ("country", "'UK'", "bad_country"),
        ("country", "''", "bad_country"),
        ("language", "'eng'", "bad_language"),
        ("language", "'EN'", "bad_language"),
        ("gender", "'Female'", "bad_gender"),
        ("gender", "'f'", "bad_gender"),
        ("phone", "'0301234567'", "bad_phone"),
        ("phone", "'+49 30 1234567'", "bad_phone"),
        ("phone", "'+0301234567'", "bad_phone"),
        ("phone", "'+1234567890123456'", "bad_phone"),
        ("time_zone", "'CEST'", "bad_time_zone"),
        ("time_zone", "'europe/berlin'", "bad_time_zone"),
        ("email", "'jane'", "bad_email"),
        ("email", "'jane@'", "bad_email"),
        ("email", "'jane@example'", "bad_email"),
        ("email", "'jane doe@example.com'", "bad_email"),
        ("email", "'jane@example..com'", "bad_email"),
        ("email", "'jane@a@example.com'", "bad_email"),
        ("email", "'.jane@example.com'", "bad_email"),
        ("email_subscribe", "'yes'", "bad_subscription"),
        ("first_name", "repeat('a', 256)", "too_long"),
    ],
)
def test_profile_fields_are_validated(build: Build, name: str, expression: str, problem: str) -> None:
    """K11: a finding, never a crash and never silently sent; details do not quote the value."""
    value, found = one(build, expression, name=name)
    assert value is None
    assert [code for code, _ in found] == [problem]
    text = expression.strip("'")
    assert not text or text not in found[0][1].split()


@pytest.mark.parametrize(
    ("name", "expression", "value"),
    [
        ("dob", "'2000-02-29'", dt.date(2000, 2, 29)),
        ("dob", "DATE '2026-11-21'", dt.date(2026, 11, 21)),
        ("dob", "NULL::VARCHAR", None),
        ("country", "'DE'", "DE"),
        ("language", "'en'", "en"),
        ("gender", "'P'", "P"),
        ("gender", "NULL::VARCHAR", None),
        ("phone", "'+493012345678'", "+493012345678"),
        ("time_zone", "'America/Argentina/Buenos_Aires'", "America/Argentina/Buenos_Aires"),
        ("email", "'jane.o''hara+x@mail.example.co.uk'", "jane.o'hara+x@mail.example.co.uk"),
        ("email", "'jürgen@müller.de'", "jürgen@müller.de"),
        ("push_subscribe", "'opted_in'", "opted_in"),
        ("email_open_tracking_disabled", "true", True),
        ("date_of_first_session", "DATE '2024-01-01'", dt.date(2024, 1, 1)),
    ],
)
def test_good_profile_fields_pass(build: Build, name: str, expression: str, value: Any) -> None:
    """K11."""
    assert one(build, expression, name=name) == (value, [])


@pytest.mark.parametrize(
    ("name", "expression"), [("dob", "TIMESTAMP '2000-01-01'"), ("phone", "4930"), ("country", "['DE']")]
)
def test_a_profile_field_of_the_wrong_type_is_refused_with_the_remedy(
    build: Build, name: str, expression: str
) -> None:
    with pytest.raises(QueryError) as raised:
        build(f"SELECT id AS external_id,\n  {expression} AS {name} FROM t")
    assert "table.sql:2" in str(raised.value)
    assert f"(column {name})" in str(raised.value)
    assert "CAST" in str(raised.value)


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


# Settings


@pytest.mark.parametrize(
    ("expression", "type", "value", "problems"),
    [
        ("'12'", "Integer", 12, []),
        ("'1.5'", "Integer", None, ["cannot_cast"]),
        ("'0x10'", "Integer", None, ["cannot_cast"]),
        ("1.5::DOUBLE", "Integer", None, ["cannot_cast"]),
        ("2::DOUBLE", "Integer", 2, []),
        ("'abc'", "Float", None, ["cannot_cast"]),
        ("'nan'", "Float", None, ["not_finite"]),
        ("'9.9'", "Decimal(5,2)", Decimal("9.90"), []),
        ("'12345.6'", "Decimal(5,2)", None, ["cannot_cast"]),
        ("'2024-01-01T00:00:00+02:00'", "Datetime", dt.datetime(2023, 12, 31, 22, 0, 0, 0, UTC), []),
        ("'True'", "Boolean", True, []),
        ("7", "String", "7", []),
        ("NULL::VARCHAR", "Integer", None, []),
    ],
)
def test_a_declared_type_casts(
    build: Build, expression: str, type: str, value: Any, problems: list[str]
) -> None:
    got, found = one(build, expression, attributes={"x": AttributeSettings(type=type)})
    assert got == value
    assert [code for code, _ in found] == problems


def test_settings_must_fit_the_table(build: Build) -> None:
    with pytest.raises(ConfigurationError, match="colour") as raised:
        one(build, "1", attributes={"colour": AttributeSettings(null_policy="unset")})
    assert "external_id, x" in str(raised.value)
    with pytest.raises(ConfigurationError, match="profile field"):
        one(build, "'x'", name="email", attributes={"email": AttributeSettings(type="String")})
    with pytest.raises(QueryError, match="Colour"):
        AttributeSettings(type="Colour")


# Header, sources, errors


def test_the_header_travels_with_the_file(build: Build, tmp_path: Path) -> None:
    """K03: name, kind, type, null policy and description of each attribute."""
    built = build(
        "SELECT id AS external_id, 'A' AS first_name, 1.5 AS Price, [1] AS \"My List\" FROM t",
        null_policy="unset",
        attributes={"price": AttributeSettings(null_policy="omit", description="What it costs")},
    )
    write_parquet(open_path(tmp_path), built.reader(), metadata=built.documents)
    table = StoredTable.at(open_path(tmp_path))
    header = read_rows_header(table)
    assert header == built.header
    assert header.partition == "2026-11-21"
    assert header.as_of == AS_OF
    assert [(one.name, one.kind, one.type.sql, one.null_policy) for one in header.attributes] == [
        ("first_name", "profile", "VARCHAR", "unset"),
        ("price", "custom", "DECIMAL(2,1)", "omit"),
        ("My List", "custom", "BIGINT[]", "unset"),
    ]
    assert header.attribute("price").description == "What it costs"
    assert table.schema.names == ["external_id", "first_name", "price", "My List", "_error", "_findings"]
    assert RowsHeader.from_document(json.loads(json.dumps(built.documents[ROWS_KEY]))) == header


def open_path(folder: Path) -> Any:
    from braze_assets.storage import open_path

    return open_path(str(folder / "rows.parquet"))


def test_another_parquet_file_is_not_a_table_of_rows(tmp_path: Path) -> None:
    import pyarrow as pa

    write_parquet(open_path(tmp_path), pa.table({"a": [1]}))
    with pytest.raises(StorageError, match="not a table of rows"):
        read_rows_header(StoredTable.at(open_path(tmp_path)))


def test_as_of_is_the_end_of_the_partition(build: Build) -> None:
    assert one(build, "$as_of") == (AS_OF, [])
    assert one(build, "'2026-11-21' = CAST($as_of - INTERVAL 1 DAY AS DATE)::VARCHAR")[0] is True


def test_an_empty_table_is_a_result(build: Build) -> None:
    built = build("SELECT id AS external_id, 1 AS n FROM t WHERE false")
    assert built.counts.rows == built.counts.sendable == 0
    assert built.reader().read_all().num_rows == 0


def test_a_missing_source_lists_the_others(build: Build) -> None:
    with pytest.raises(SourceError, match="nowhere") as raised:
        build("SELECT id AS external_id FROM nowhere")
    assert "There are: t." in str(raised.value)


def test_a_source_that_cannot_be_read_is_a_source_error(build: Build, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as raised:
        build("SELECT id AS external_id FROM t", f"read_parquet('{tmp_path}/none.parquet')")
    assert "table t" in str(raised.value)


@pytest.mark.parametrize(
    "expression",
    [
        "CAST(secret AS INTEGER)",
        "CAST(secret AS DATE)",
        "strptime(secret, '%Y')",
        "error('oh ' || secret)::INTEGER",
        "secret::DECIMAL(3,2)",
        "CAST(secret AS ENUM('x'))",
        "secret::JSON::VARCHAR",
        "printf(secret || '%d', secret)",
        "regexp_matches('a', '(' || secret)",
    ],
)
def test_errors_quote_no_cell(build: Build, expression: str) -> None:
    """Errors carry no personal data; the line is that of the user's file."""
    with pytest.raises(QueryError) as raised:
        build(
            f"SELECT id AS external_id,\n 1 AS n,\n {expression} AS x\nFROM t",
            "(SELECT 'a' AS id, 'jane@example.com' || chr(10) || 'LINE 7: jane' AS secret)",
        )
    assert "jane" not in str(raised.value)
    assert "jane" not in repr(raised.value.__cause__)
    assert raised.value.__suppress_context__
    assert "table.sql" in str(raised.value)
    if "AS INTEGER" in expression:
        assert "table.sql:3" in str(raised.value)


def test_an_unknown_column_names_its_line(build: Build) -> None:
    with pytest.raises(QueryError, match="nope") as raised:
        build("SELECT id AS external_id,\n  nope AS x\nFROM t;\n-- the end")
    assert "table.sql:2" in str(raised.value)


def test_findings_as_a_table(build: Build, con: duckdb.DuckDBPyConnection) -> None:
    """K11, K12: every finding is a row; nothing is dropped silently."""
    table = (
        "(SELECT * FROM (VALUES ('a', 'Germany', 'nan'::DOUBLE), ('b', 'DE', 1), (NULL, 'x', 2)) v(id, c, f))"
    )
    built = build("SELECT id AS external_id, c AS country, f FROM t", table)
    con.register("rows", built.reader().read_all())
    found = con.sql(findings_sql("rows", "external_id")).fetchall()
    assert sorted(found, key=str) == sorted(
        [
            (None, None, "null_identifier", None),
            (None, "country", "bad_country", "not an ISO 3166-1 alpha-2 code"),
            ("a", "country", "bad_country", "not an ISO 3166-1 alpha-2 code"),
            ("a", "f", "not_finite", "not a number"),
        ],
        key=str,
    )
    assert built.counts.findings == {"country": {"bad_country": 2}, "f": {"not_finite": 1}}
    assert {problem for _, _, problem, _ in found} <= set(CATALOGUE)

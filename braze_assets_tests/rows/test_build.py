"""K11, K12: a table of rows: its settings, header, sources and errors."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from braze_assets.errors import ConfigurationError, QueryError, SourceError, StorageError
from braze_assets.rows import (
    CATALOGUE,
    ROWS_KEY,
    AttributeSettings,
    RowsHeader,
    findings_sql,
    read_rows_header,
)
from braze_assets.storage import StoredTable, write_parquet
from braze_assets_tests.rows.conftest import AS_OF, Build, one

UTC = dt.timezone.utc


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

"""L06-L09: a table by URL, on disk and on S3."""

import csv
import datetime as dt
import gzip
import io
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from braze_assets.errors import QueryError, SourceError, StorageError
from braze_assets.rows import AttributeSettings, RowsSpec, TableFile, TableQuery, build_rows
from braze_assets.storage import connect, open_path, write_parquet
from braze_assets_tests.rows.conftest import AS_OF, cells


def rows_of(con: duckdb.DuckDBPyConnection, url: str, **options: Any) -> list[dict[str, Any]]:
    spec = RowsSpec(name="file", query=TableFile(url), **options)
    built = build_rows(con, spec, {}, partition=None, as_of=AS_OF)
    return sorted(cells(built), key=lambda row: str(row[built.header.identifier]))


def written(folder: Path, content: str | bytes, name: str = "table.csv") -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def test_names_and_values_arrive_exactly_so(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """L07."""
    url = written(tmp_path, "external_id,Loyalty Points,Last Brand Purchased\nabc123,1982,Solomon\n")
    row = rows_of(con, url)[0]
    assert (row["external_id"], row["Loyalty Points"], row["Last Brand Purchased"]) == (
        "abc123",
        1982,
        "Solomon",
    )


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (["1", "-20", "0"], [1, -20, 0]),
        (["0123", "5"], ["0123", "5"]),
        (["007"], ["007"]),
        (["+49", "1"], ["+49", "1"]),
        (["1e5", "2"], ["1e5", "2"]),
        (["1.5", "2"], [1.5, 2.0]),
        (["00.5", "2"], ["00.5", "2"]),
        (["12345678901234567890"], ["12345678901234567890"]),
        (["9223372036854775807"], [2**63 - 1]),
        (["true", "FALSE", "False"], [True, False, False]),
        (["yes", "no"], ["yes", "no"]),
        (["1", "x"], ["1", "x"]),
        (["2024-02-29"], [dt.date(2024, 2, 29)]),
        (["2024-02-30"], ["2024-02-30"]),
        (["2024-02-29T10:00:00Z"], [dt.datetime(2024, 2, 29, 10, tzinfo=dt.timezone.utc)]),
        (["2024-02-29 10:00", "2024-02-29 10:00:00.5+02"], [
            dt.datetime(2024, 2, 29, 10, tzinfo=dt.timezone.utc),
            dt.datetime(2024, 2, 29, 8, 0, 0, 500000, tzinfo=dt.timezone.utc),
        ]),
        (["1", "", "3"], [1, None, 3]),
        (["1", "null", "3"], [1, None, 3]),
        (["", ""], [None, None]),
        (["Null", "x"], ["Null", "x"]),
        (["nan", "1.5"], ["nan", "1.5"]),
        ([" 1", "2"], [" 1", "2"]),
    ],
)  # fmt: skip
def test_types_are_inferred_from_every_cell(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, column: list[str], values: list[Any]
) -> None:
    """L09: numbers; leading zeros stay text; true/false in any case; empty skips."""
    lines = [f"id{number},{cell}" for number, cell in enumerate(column)]
    rows = rows_of(con, written(tmp_path, "external_id,x\n" + "\n".join(lines)))
    assert [row["x"] for row in rows] == values
    assert [type(row["x"]) for row in rows] == [type(value) for value in values]


def test_a_number_turns_text_after_a_hundred_thousand_lines(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """L09: no sample decides."""
    lines = "".join(f"{number},{number}\n" for number in range(100_000))
    rows = rows_of(con, written(tmp_path, f"external_id,x\n{lines}last,0x\n"))
    assert {type(row["x"]) for row in rows} == {str}
    assert len(rows) == 100_001


@settings(
    deadline=None,
    max_examples=60,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(["0123", "1.10", "true", "1e5", "NaN", "-0", "2024-01-01", "00"]),
            st.text(
                st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12
            ),
        ).filter(lambda text: text.strip(" \t\r\n") and text != "null"),
        unique=True,
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(["\n", "\r\n"]),
)
def test_the_identifier_is_never_inferred(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, identifiers: list[str], end: str
) -> None:
    """L09, K06: whatever is in the cells, quoted line breaks included, they arrive as written."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(["external_id", "n"])
    writer.writerows([identifier, 1] for identifier in identifiers)
    rows = rows_of(con, written(tmp_path, sink.getvalue()))
    assert {row["external_id"] for row in rows} == set(identifiers)
    assert all(row["_error"] is None and row["n"] == 1 for row in rows)


@pytest.mark.parametrize(
    "content",
    [
        b'\xef\xbb\xbfexternal_id,n\r\na,"x\r\ny, ""z"""\r\n',
        b'"external_id",n\na,"x\r\ny, ""z"""',
        b'external_id;n\na;"x\r\ny, ""z"""\n',
        b'external_id\tn\na\t"x\r\ny, ""z"""\n',
        gzip.compress(b'external_id,n\na,"x\r\ny, ""z"""\n', mtime=0),
    ],
)
def test_bom_line_ends_quotes_delimiters_and_gzip(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, content: bytes
) -> None:
    """L06."""
    name = "table.csv.gz" if content[:2] == b"\x1f\x8b" else "table.csv"
    row = rows_of(con, written(tmp_path, content, name))[0]
    assert (row["external_id"], row["n"]) == ("a", 'x\r\ny, "z"')


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no header"),
        (b"\n\n", "no header"),
        (b"external_id,a,A\n1,2,3\n", "differs only in upper and lower"),
        (b"external_id,a,a\n1,2,3\n", "has the same name"),
        (b"Jane,jane@example.com,gold\nJoe,joe@example.com,lead\n", "looks like a customer"),
        (b"0017,Jane,Jane\n0018,Jane,Joe\n", "looks like a customer"),
        (b"jane,+49 30 1234567,Jane\n", "looks like a customer"),
        (b"Jane, Jane,gold\n", "begins or ends with a space"),
        (b"external_id,,b\n1,2,3\n", "has no name"),
        (b"external_id,_b\n1,2\n", "underscore"),
        (b"external_id,n\njane,1\njane2,1,2\n", "does not fit its header"),
        (b"external_id,n\njane,1\njane2\n", "does not fit its header"),
        (b'external_id,n\njane,"1\n', "does not fit its header"),
        ("external_id,n\njane,ü\n".encode("latin-1"), "not UTF-8"),
        ("external_id,n\njane,ü\n".encode("utf-16"), "not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, content: bytes, said: str
) -> None:
    """L06: nothing lost silently, and no cell in the message."""
    with pytest.raises(SourceError) as raised:
        rows_of(con, written(tmp_path, content))
    assert said in str(raised.value)
    assert "table.csv" in str(raised.value)
    assert "jane" not in str(raised.value)


def test_a_ragged_line_is_named(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as raised:
        rows_of(con, written(tmp_path, "external_id,n\na,1\nb,1,2\n"))
    assert "table.csv:3" in str(raised.value)


def test_a_file_without_the_identifier(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """L06: a wrong header fails before any request."""
    with pytest.raises(QueryError, match="external_id is missing"):
        rows_of(con, written(tmp_path, "id,n\n1,2\n"))
    with pytest.raises(StorageError):
        rows_of(con, str(tmp_path / "none.csv"))


def test_profile_fields_and_declared_types_stay_text_until_they_are_cast(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """K11, L09: casts by setting."""
    url = written(tmp_path, "external_id,phone,dob,first_name,price\n1,+4930123456,2000-01-31,True,9.90\n")
    row = rows_of(con, url, attributes={"price": AttributeSettings(type="Decimal(10,2)")})[0]
    assert (row["phone"], row["dob"], row["first_name"]) == ("+4930123456", dt.date(2000, 1, 31), "True")
    assert str(row["price"]) == "9.90"
    assert row["_findings"] == []


def test_parquet_keeps_names_and_types(storage_url: str) -> None:
    """D4: on disk and on S3."""
    url = f"{storage_url}/people.parquet"
    write_parquet(open_path(url), pa.table({"braze_id": ["a"], "My Points": [5], "tags": [["x", "x"]]}))
    with connect() as con:
        row = rows_of(con, url, identifier="braze_id")[0]
    assert (row["braze_id"], row["My Points"], row["tags"]) == ("a", 5, ["x"])


def test_csv_on_disk_and_on_s3(storage_url: str) -> None:
    """D4, L09."""
    path = open_path(f"{storage_url}/people.csv")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"external_id,n\n0123,1\n1.10,\n")
    with connect() as con:
        for _ in range(2):  # the second time its file system is known already
            found = [(row["external_id"], row["n"]) for row in rows_of(con, str(path))]
            assert found == [("0123", 1), ("1.10", None)]


def test_a_file_can_be_a_source_of_a_query(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    source = TableFile(written(tmp_path, "external_id,n\n0123,1\n")).sql(con)
    spec = RowsSpec(name="q", query=TableQuery("SELECT external_id, n + 1 AS n FROM people"))
    built = build_rows(con, spec, {"people": source}, partition=None, as_of=AS_OF)
    assert [(row["external_id"], row["n"]) for row in cells(built)] == [("0123", 2)]

"""L06: any well-formed file is read as Python's csv module reads it; what is not is refused or reported."""

import csv
import io
import resource
import time
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from braze_assets.csv_files import records as records_module
from braze_assets.csv_files.fast import parse_fast
from braze_assets.errors import CsvError
from braze_assets_tests.csv_files.reading import records

CELL = st.text(
    st.one_of(
        st.sampled_from("ab\",;\n\r\t '[]"), st.characters(exclude_characters="\0", exclude_categories=["Cs"])
    ),
    max_size=6,
)


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str]:
    columns = draw(st.integers(2, 4))
    rows = draw(st.lists(st.lists(CELL, min_size=columns, max_size=columns), max_size=8))
    delimiter = draw(st.sampled_from(",;\t"))
    sink = io.StringIO(newline="")
    ending = draw(st.sampled_from(["\n", "\r\n"]))
    # Python's writer leaves a \r as it is where lines end in \n; its reader takes it for the end of one.
    returns = any("\r" in cell for row in rows for cell in row)
    quoting = csv.QUOTE_ALL if returns else draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer = csv.writer(sink, delimiter=delimiter, lineterminator=ending, quoting=quoting)
    writer.writerow(["external_id", *(f"a{number}" for number in range(1, columns))])
    writer.writerows(rows)
    text = sink.getvalue()
    return (text.removesuffix(ending) if draw(st.booleans()) else text), delimiter


@given(files(), st.integers(1, 40), st.integers(1, 60))
@settings(deadline=None, max_examples=300)
def test_it_reads_as_pythons_csv_module_does(file: tuple[str, str], part: int, gather: int) -> None:
    """Whatever the parts the file comes in, and wherever they end."""
    text, delimiter = file
    data = text.encode()
    parts = [data[start : start + part] for start in range(0, len(data), part)]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    next(reader)
    wanted, line = [], reader.line_num + 1
    for row in reader:
        wanted += [(line, None, row)] if row else []
        line = reader.line_num + 1
    with patch.object(records_module, "_GATHER", gather):
        assert records(parts, delimiter=delimiter) == wanted


@given(st.lists(st.sampled_from(["a", '"', ",", "\n", "\r\n", '""', " ", "é"]), max_size=24).map("".join))
@example('a","a')
@example('a,b\na","a')
@example('a,""\n"",b')
@settings(deadline=None, max_examples=500)
def test_the_fast_reader_is_the_exact_one_or_stands_back(text: str) -> None:
    """Also of files that are not well-formed."""
    found = parse_fast(text.encode(), 2, ",", final=True)
    if found is None:
        return
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert [list(row.values()) for row in found[0].to_pylist()] == rows


def test_most_files_are_read_fast() -> None:
    """Quoted cells too, as long as it is plain where they end."""
    for row in ("a,b\n", 'a,"b, c"\n', "a,\"['x', 'y']\"\r\n", ",\n"):
        assert parse_fast(row.encode() * 100, 2, ",", final=True) is not None, row
    for row in ('a,"b\nc"\n', 'a,"b ""c"""\n', 'a,b"c\n', "a\n", "a,b\rc,d\n", '"a"b,c\n'):
        assert parse_fast(row.encode() * 2, 2, ",", final=True) is None, row


def test_lines_are_those_of_the_file() -> None:
    """Line numbers count every line break, also those within cells, and blank lines."""
    text = 'external_id,a\r\n\r\nx,"1\r\n2"\r\n\r\ny,3\r\nragged\r\n"z"z,1\r\nw,1,2\r\nv,4'
    assert records(text) == [
        (3, None, ["x", "1\r\n2"]),
        (6, None, ["y", "3"]),
        (7, "wrong_number_of_cells", [None, None]),
        (8, "bad_quotes", [None, None]),
        (9, "wrong_number_of_cells", [None, None]),
        (10, None, ["v", "4"]),
    ]


@pytest.mark.parametrize(
    ("encoding", "text", "mark"),
    [
        ("utf-8", "é", b"\xef\xbb\xbf"),
        ("windows-1252", "€é", b""),
        ("utf-16", "日本", b""),
        ("utf-16-le", "日本", b"\xff\xfe"),
        ("shift_jis", "日本", b""),
    ],
)
def test_other_encodings_by_setting(encoding: str, text: str, mark: bytes) -> None:
    """L06: a byte-order mark is no part of the first header."""
    data = mark + f"external_id,a\nx,{text}\n".encode(encoding)
    parts = [data[start : start + 3] for start in range(0, len(data), 3)]
    assert records(parts, encoding=encoding) == [(2, None, ["x", text])]


def test_a_wrong_encoding_is_refused_with_the_byte() -> None:
    """L06: the offset is the file's, wherever its parts end; and no byte of it is shown."""
    head = "external_id,a\nx,é\nSecret"
    data = head.encode() + b"\xe9y\n"
    for part in (1, 2, 5, 1000):
        parts = [data[start : start + part] for start in range(0, len(data), part)]
        with pytest.raises(CsvError, match=f"offset {len(head.encode())} ") as caught:
            records(parts)
        assert "windows-1252" in str(caught.value)
        assert "Secret" not in str(caught.value)
    with pytest.raises(CsvError, match="utf-16"):
        records("external_id,a\n".encode("utf-16"))
    with pytest.raises(CsvError, match="utf-16"):
        records("external_id,a\n".encode("utf-16-le"))


def test_a_quote_that_never_closes_is_refused() -> None:
    """Everything after it would be one cell."""
    with pytest.raises(CsvError, match="begins on line 3 is never closed"):
        records('external_id,a\nx,1\ny,"2\nz,3\n')


def _endless(head: bytes, filler: bytes, total: int) -> Iterator[bytes]:
    yield head
    for _ in range(total // len(filler)):
        yield filler


@pytest.mark.parametrize(
    ("head", "filler", "message"),
    [
        (b'external_id,a\nx,"', b"y" * 999_999 + b"\n", "line 2 is never closed"),
        (b'external_id,a\nx,"', b"y" * 1_000_000, "Line 2 is longer"),
        (b"external_id,a\nx,", b"y" * 1_000_000, "Line 2 is longer"),
        (b"external_id,a\nx,", b'"y\n",' * 200_000, "line 2 is never closed"),
        (b"external_id", b",column" * 150_000, "Line 1 is longer"),
        (b"external_id,a", b",b" * 2_500, "columns"),
    ],
    ids=["quoted lines", "quoted line", "line", "record of lines", "header", "columns"],
)
def test_a_gigabyte_cell_and_a_million_columns_are_refused_within_bounds(
    head: bytes, filler: bytes, message: str
) -> None:
    """Bad input: of a gigabyte a few megabytes are read, whatever it is that does not end."""
    taken = 0

    def counted() -> Iterator[bytes]:
        nonlocal taken
        many = 10_000 if "columns" in message else 1_000_000_000
        for part in _endless(head, filler, many):
            taken += len(part)
            yield part

    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(CsvError, match=message):
        records(counted())
    assert taken < 20_000_000
    assert time.process_time() - start < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kilobytes


@pytest.mark.parametrize("content", ["", "\n\n\r\n", "\ufeff"])
def test_an_empty_file_is_refused(content: str) -> None:
    with pytest.raises(CsvError, match="The file is empty"):
        records(content)


@pytest.mark.parametrize("content", ["external_id,a", "external_id,a\r\n", "\ufeffexternal_id,a\n\n"])
def test_a_header_alone_has_no_rows(content: str) -> None:
    assert records(content) == []

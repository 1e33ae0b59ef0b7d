"""Blocks of UTF-8 as records: Arrow batches with the line each record begins on.

Memory is bounded by the block and the longest record. Records that cannot be read as a row of the header's
columns are kept with their line and what is wrong, without their text.
"""

import csv
import io
from collections.abc import Iterable, Iterator

import pyarrow as pa

from braze_assets.csv_files.fast import parse_fast
from braze_assets.csv_files.header import FileHeader, read_header
from braze_assets.csv_files.settings import CsvSettings
from braze_assets.errors import CsvError

__all__ = ["Records", "record_schema"]

_GATHER = 1 << 20


def record_schema(columns: int) -> pa.Schema:
    """`line`, `problem` and `detail` (NULL for a row), and `c0`, `c1` ... for its cells."""
    fields = [("line", pa.int64()), ("problem", pa.string()), ("detail", pa.string())]
    return pa.schema([*fields, *((f"c{number}", pa.string()) for number in range(columns))])


class Records:
    """The records of one file; to be read once.

    Args:
        blocks: Its content as UTF-8.
        settings: How it is read.
        place: The file, for messages.

    Raises:
        CsvError: The file is empty, or its header is wrong.
    """

    def __init__(self, blocks: Iterable[bytes], settings: CsvSettings, place: str) -> None:
        self._blocks, self._settings, self._place = iter(blocks), settings, place
        self._line = 1
        self._rest = b""
        self._ended = False
        self.header = self._read_header()
        self.schema = record_schema(self.header.columns)

    def _read_header(self) -> FileHeader:
        more = True
        while (first := self._first(final=not more)) is None:
            if len(self._rest) > self._settings.line_bytes:
                raise self._too_long(1)
            more = self._more()
        if not first.strip():
            raise CsvError(
                "The file is empty.",
                place=self._place,
                remedy="Nothing was sent. Drop a file with a header and rows.",
            )
        self._line += len(io.StringIO(first, newline="").readlines())
        self._rest = self._rest[len(first.encode()) :]
        return read_header(first.lstrip("\r\n"), self._settings, self._place)

    def _first(self, *, final: bool) -> str | None:
        """The blank lines and the first record, with its line break; None where more has to be read."""
        first = ""
        # A quoted name may hold a line break: then the first record is longer than the first line.
        for line in io.StringIO(self._rest.decode(errors="ignore"), newline=""):
            first += line
            if first.strip("\r\n") and first.count('"') % 2 == 0:
                break
        whole = first.strip("\r\n") and first.count('"') % 2 == 0 and len(first.encode()) < len(self._rest)
        return first if final or (whole and first.endswith(("\r", "\n"))) else None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """The records, in order of the file but for those with a problem, which follow their block's.

        Raises:
            CsvError: A cell, a line or a record is too large, or a quote is never closed.
        """
        while True:
            more = self._more()
            yield from self._batches(final=not more)
            if not more:
                return

    def _more(self) -> bool:
        """Add about a megabyte to what is held; False at the end of the file."""
        parts, size = [self._rest], 0
        for block in self._blocks:
            parts.append(block)
            size += len(block)
            if size >= _GATHER:
                break
        self._rest = b"".join(parts)
        return size > 0

    def _batches(self, *, final: bool) -> Iterator[pa.RecordBatch]:
        if found := parse_fast(self._rest, self.header.columns, self._settings.delimiter, final=final):
            table, used = found
            if used:
                yield self._shaped(table)
                self._rest, self._line = self._rest[used:], self._line + table.num_rows
                self._check_rest()
                return
        yield from self._exactly(final=final)
        self._check_rest()

    def _shaped(self, table: pa.Table) -> pa.RecordBatch:
        rows = table.num_rows
        lines = pa.array(range(self._line, self._line + rows), pa.int64())
        nothing = pa.nulls(rows, pa.string())
        cells = [column.combine_chunks() for column in table.columns]
        cells = [each.chunk(0) if isinstance(each, pa.ChunkedArray) else each for each in cells]
        return pa.RecordBatch.from_arrays([lines, nothing, nothing, *cells], schema=self.schema)

    def _exactly(self, *, final: bool) -> Iterator[pa.RecordBatch]:
        """As Python's csv module reads them, but strict about quotes."""
        columns = self.header.columns
        end = len(self._rest) if final else 1 + max(self._rest.rfind(b"\n"), self._rest[:-1].rfind(b"\r"))
        lines = io.StringIO(self._rest[:end].decode(), newline="").readlines()
        reader = csv.reader(iter(lines), delimiter=self._settings.delimiter, strict=True)
        good: list[list[str]] = []
        good_lines: list[int] = []
        bad: list[tuple[int, str, str]] = []
        read = 0  # lines of records that are complete
        while read < len(lines):
            try:
                row = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                if "unexpected end" in str(error) and not final:
                    break
                if "unexpected end" in str(error) or "field limit" in str(error):
                    raise self._never_closed(self._line + read) from None
                bad.append((self._line + read, "bad_quotes", ""))
                read = reader.line_num
                continue
            if len(row) == columns:
                good.append(row)
                good_lines.append(self._line + read)
            elif row:
                found = f"{len(row):,} cells, {columns:,} expected"
                bad.append((self._line + read, "wrong_number_of_cells", found))
            read = reader.line_num
        if good:
            self._check_cells(good)
            cells = [pa.array(column, pa.string()) for column in zip(*good, strict=True)]
            nothing = pa.nulls(len(good), pa.string())
            numbers = pa.array(good_lines, pa.int64())
            yield pa.RecordBatch.from_arrays([numbers, nothing, nothing, *cells], schema=self.schema)
        if bad:
            heads = [pa.array(column) for column in zip(*bad, strict=True)]
            nothing = pa.nulls(len(bad), pa.string())
            yield pa.RecordBatch.from_arrays([*heads, *[nothing] * columns], schema=self.schema)
        self._line += read
        self._rest = self._rest[sum(len(line.encode()) for line in lines[:read]) :]

    def _check_cells(self, rows: list[list[str]]) -> None:
        limit = self._settings.cell_chars
        if limit < csv.field_size_limit() and any(len(cell) > limit for row in rows for cell in row):
            raise self._never_closed(self._line)

    def _check_rest(self) -> None:
        rest, settings = self._rest, self._settings
        if len(rest) <= settings.line_bytes:
            return
        if b"\n" not in rest:
            raise self._too_long(self._line)
        if len(rest) > settings.record_bytes:
            raise self._never_closed(self._line)

    def _too_long(self, line: int) -> CsvError:
        return CsvError(
            f"Line {line:,} is longer than {self._settings.line_bytes:,} bytes.",
            place=f"{self._place}:{line}",
            remedy="Check that the file is CSV, with a line a row. Nothing of it was sent.",
        )

    def _never_closed(self, line: int) -> CsvError:
        return CsvError(
            f"A cell of the record that begins on line {line:,} is never closed, or longer than "
            f"{self._settings.cell_chars:,} characters.",
            place=f"{self._place}:{line}",
            remedy="A quote that opens a cell has to close it; within a cell it is doubled. Nothing of the "
            "file was sent.",
        )

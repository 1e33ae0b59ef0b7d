"""CSV files written: each row a text made by DuckDB, cut into files at a number of bytes."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from upath import UPath

from braze_assets.errors import CsvError
from braze_assets.storage import atomic_writer, quote_literal

__all__ = ["WrittenCsv", "line_sql", "write_csv_files"]

Ends = npt.NDArray[np.int64]


@dataclass(frozen=True)
class WrittenCsv:
    """One file."""

    uri: str
    rows: int
    """Without the header."""
    bytes: int


def line_sql(cells: Sequence[str], delimiter: str = ",") -> str:
    """The SQL expression of a row's text with its line break; NULL cells are empty.

    Args:
        cells: SQL of each cell, VARCHAR.
        delimiter: One character.
    """
    comma = quote_literal(delimiter)
    marks = ("'\"'", comma, "chr(10)", "chr(13)")
    parts = (
        f"CASE WHEN {cell} IS NULL THEN '' WHEN {' OR '.join(f'contains({cell}, {mark})' for mark in marks)} "
        f"""THEN concat('"', replace({cell}, '"', '""'), '"') ELSE {cell} END"""
        for cell in cells
    )
    return f"concat({f', {comma}, '.join(parts)}, chr(10))"


def write_csv_files(
    lines: pa.RecordBatchReader,
    header: Sequence[str],
    target: Callable[[int], UPath],
    *,
    max_bytes: int,
    delimiter: str = ",",
) -> list[WrittenCsv]:
    """Write rows into as many files as they need, each whole or not at all, each with the header.

    Nothing is written where there is no row. Memory is that of a batch, whatever the size of the files.

    Args:
        lines: One column of texts as `line_sql` makes them.
        header: The names of the columns.
        target: The path of a file by its number, from 1.
        max_bytes: No file is larger.
        delimiter: One character.

    Raises:
        CsvError: Header and one row alone are larger.
        StorageError: A file cannot be written.
    """
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerow(header)
    first = text.getvalue().encode()
    files = _Files(first, target, max_bytes)
    with files:
        for batch in lines:
            for data, ends in _pieces(batch.column(0)):
                files.write(data, ends)
    return files.written


class _Files:
    """The file that is being written, and those that were."""

    def __init__(self, header: bytes, target: Callable[[int], UPath], max_bytes: int) -> None:
        self.written: list[WrittenCsv] = []
        self._header, self._target, self._max = header, target, max_bytes
        self._opened = ExitStack()
        self._sink: IO[bytes] | None = None
        self._size = self._rows = 0

    def __enter__(self) -> "_Files":
        return self

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        if kind is None:
            self._close()
        else:
            self._opened.__exit__(kind, *details)  # type: ignore[arg-type]

    def write(self, data: memoryview, ends: Ends) -> None:
        """Write rows that stand one after the other, cut where a file is full."""
        start = row = 0
        while row < len(ends):
            sink = self._sink or self._open()
            fits = int(np.searchsorted(ends, start + self._max - self._size, side="right"))
            if fits == row:
                if not self._rows:
                    raise CsvError(
                        f"A row of {int(ends[row]) - start:,} bytes does not fit into {self._max:,}.",
                        place=str(self._target(len(self.written) + 1)),
                        remedy="Leave out the attribute with long texts, or allow larger files.",
                    )
                self._close()
                continue
            stop = int(ends[fits - 1])
            sink.write(data[start:stop])
            self._size, self._rows = self._size + stop - start, self._rows + fits - row
            start, row = stop, fits

    def _open(self) -> IO[bytes]:
        path = self._target(len(self.written) + 1)
        self._sink = sink = self._opened.enter_context(atomic_writer(path))
        sink.write(self._header)
        self._size, self._rows = len(self._header), 0
        return sink

    def _close(self) -> None:
        if self._sink is not None:
            uri = str(self._target(len(self.written) + 1))
            self._sink = None
            self._opened.close()
            self.written.append(WrittenCsv(uri, self._rows, self._size))


def _pieces(column: pa.Array) -> Iterator[tuple[memoryview, Ends]]:
    """The texts of a column as bytes, and where each ends in them."""
    if len(column):
        _, offsets, data = column.cast(pa.large_string()).buffers()
        ends = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
        yield memoryview(data)[int(ends[0]) : int(ends[-1])], ends[1:] - ends[0]

"""The fast reader of blocks: for those of which it can be sure that it reads them as the exact one would."""

import numpy as np
import pyarrow as pa

__all__ = ["parse_fast"]


def parse_fast(data: bytes, columns: int, delimiter: str, *, final: bool) -> tuple[pa.Table, int] | None:
    """The whole lines of a block as a table of text columns, and how many bytes those are.

    Args:
        data: UTF-8 that begins with a record.
        columns: Cells of a row.
        delimiter: One ASCII character.
        final: Whether the file ends here.

    Returns:
        None where it is not plain to see that every line is one row of so many cells.
    """
    end = len(data) if final else data.rfind(b"\n") + 1
    part = memoryview(data)[:end]
    text = data if end == len(data) else data[:end]
    if not text or not _plain(text, delimiter.encode()):
        return None
    table = _read(part, columns, delimiter)
    lines = text.count(b"\n") + (not text.endswith(b"\n"))
    return None if table is None or table.num_rows != lines else (table, end)


def _plain(text: bytes, delimiter: bytes) -> bool:
    """Whether lines end in one way, and every quote opens or closes a cell, in turn, on one line."""
    if b"\r" in text and text.count(b"\r") != text.count(b"\r\n"):
        return False
    if b'"' not in text:
        return True
    # What is before the first byte and behind the last one ends a cell, too.
    found = np.frombuffer(b"\n" + text + b"\n", np.uint8)
    quotes = np.flatnonzero(found == ord('"'))
    opening, closing = quotes[::2], quotes[1::2]
    if len(opening) != len(closing):
        return False
    before, behind = found[opening - 1], found[closing + 1]
    ends = (behind == delimiter[0]) | (behind == ord("\n")) | (behind == ord("\r"))
    if not (((before == delimiter[0]) | (before == ord("\n"))) & ends).all():
        return False
    # A line break within quotes is for the exact reader.
    breaks = np.flatnonzero(found == ord("\n"))
    return not (np.searchsorted(quotes, breaks) % 2).any()


def _read(part: memoryview, columns: int, delimiter: str) -> pa.Table | None:
    from pyarrow import csv

    names = [f"c{number}" for number in range(columns)]
    try:
        return csv.read_csv(
            pa.py_buffer(part),
            read_options=csv.ReadOptions(column_names=names, use_threads=False, block_size=len(part) + 1),
            parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=False),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[],
                strings_can_be_null=False,
                check_utf8=False,
            ),
        )
    except pa.ArrowInvalid:
        return None

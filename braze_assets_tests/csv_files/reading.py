"""Reading a file in a test as an import does."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from braze_assets.csv_files.blocks import Blocks
from braze_assets.csv_files.cells import read_cells
from braze_assets.csv_files.records import Records
from braze_assets.csv_files.settings import CsvSettings
from braze_assets.storage import connect

__all__ = ["cells", "records"]


def _parts(content: str | bytes | Iterable[bytes]) -> Iterable[bytes]:
    if isinstance(content, str):
        content = content.encode()
    return [content] if isinstance(content, bytes) else content


def records(content: str | bytes | Iterable[bytes], **settings: Any) -> list[tuple[Any, ...]]:
    """`(line, problem, cells)` of every record, in order of their lines."""
    how = CsvSettings(**settings)
    read = Records(Blocks(_parts(content), how.encoding, "f.csv"), how, "f.csv")
    rows = [tuple(row.values()) for batch in read for row in batch.to_pylist()]
    return sorted((line, problem, cells) for line, problem, _, *cells in rows)


def cells(content: str | bytes, **settings: Any) -> dict[int, dict[str, Any]]:
    """By line: `id`, the JSON text of each attribute by name, `error`, `detail`, `findings` by attribute."""
    how = CsvSettings(**settings)
    with connect() as connection, tempfile.TemporaryDirectory() as folder:
        read = Records(Blocks(_parts(content), how.encoding, "f.csv"), how, "f.csv")
        table = read_cells(connection, read, how, Path(folder))
        rows = connection.sql(f"SELECT * FROM {table.sql} ORDER BY line").fetchall()
    names = table.header.attributes
    return {
        line: {
            "id": id_,
            **dict(zip(names, values[: len(names)], strict=True)),
            "error": values[-3],
            "detail": values[-2],
            "findings": {each["attribute"]: each["problem"] for each in values[-1] or ()},
        }
        for line, id_, *values in rows
    }

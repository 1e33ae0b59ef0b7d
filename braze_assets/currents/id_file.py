"""The distinct ids of an hour in a file: what other hours are searched in for them.

Parquet with the columns `key` and `low` of those that are UUIDs, in the order of `key` and `low`, and behind
them, in row groups of their own, `text` of the others.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from braze_assets.currents.uuids import Keys

__all__ = ["DOCUMENT", "IdFile"]

DOCUMENT = "braze_assets.ids"
"""The key of the document in the Parquet metadata."""

_SCHEMA = pa.schema([("key", pa.uint64()), ("low", pa.uint64()), ("text", pa.string())])
_ROWS = 1 << 20
_FEW = 50_000
"""Ids of an hour that are kept in memory once they are read: a megabyte of UUIDs."""


@dataclass
class IdFile:
    """The distinct ids of an hour."""

    path: Path
    _few: list[Keys | pa.Array] | None = field(default=None, init=False, repr=False)

    def write(self, ids: Iterable[Keys | pa.Array], document: Mapping[str, Any]) -> None:
        """Write them.

        Args:
            ids: Sorted keys and texts, some at a time.
            document: What to say about them.
        """
        schema = _SCHEMA.with_metadata({DOCUMENT: json.dumps(dict(document))})
        options = {"compression": {"key": "none", "low": "none", "text": "zstd"}, "use_dictionary": False}
        with pq.ParquetWriter(self.path, schema, write_statistics=["text"], **options) as writer:
            for part in ids:
                if isinstance(part, tuple):
                    if not len(part[0]):
                        continue
                    columns = [pa.array(part[0]), pa.array(part[1]), pa.nulls(len(part[0]), pa.string())]
                else:
                    columns = [pa.nulls(len(part), pa.uint64())] * 2 + [part]
                writer.write_table(pa.table(columns, schema=schema), row_group_size=_ROWS)

    def numbers(self) -> Iterator[Keys]:
        """Those that are UUIDs, in order, some at a time."""
        return (part for part in self._parts(texts=False) if isinstance(part, tuple))

    def texts(self) -> Iterator[pa.Array]:
        """The others, some at a time."""
        return (part for part in self._parts(texts=True) if not isinstance(part, tuple))

    def _parts(self, *, texts: bool) -> Iterator[Keys | pa.Array]:
        if self._few is None:
            with pq.ParquetFile(self.path, memory_map=True) as file:
                if file.metadata.num_rows > _FEW:
                    yield from _read(file, (texts,))
                    return
                self._few = list(_read(file, (True, False)))
        yield from self._few


def _read(file: pq.ParquetFile, kinds: Collection[bool]) -> Iterator[Keys | pa.Array]:
    """The row groups of texts, of keys, or both."""
    for number in range(file.num_row_groups):
        group = file.metadata.row_group(number)
        texts = group.column(_SCHEMA.get_field_index("text")).statistics.null_count < group.num_rows
        if texts in kinds:
            found = file.read_row_group(number, use_threads=False)
            if texts:
                yield from found["text"].chunks
            else:
                yield found["key"].to_numpy(), found["low"].to_numpy()

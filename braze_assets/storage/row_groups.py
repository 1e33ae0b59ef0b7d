"""The row groups of a Parquet file, and which columns are written as dictionaries: the first of them tells.

Without being told, the Parquet writer hashes every value of every column until its dictionary is full: for
ids, of which each is another, that is a good part of its work, and for nothing.
"""

import base64
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from braze_assets.storage.dictionaries import as_dictionary, is_dictionary, plain

__all__ = ["ROW_GROUP", "Layout", "ahead", "row_groups"]

ROW_GROUP = 122_880
"""Rows of a row group, at most."""
_AT_A_TIME = 8_192
"""Values that are encoded at a time; of the writer's 1,024 a sixth of its time is calls."""
_LOOKED_AT = 8_192
_SHARE = 0.9
"""Where more of the texts looked at than this share differ from each other, a dictionary saves nothing."""
_DICTIONARY = 1 << 20
"""Bytes after which the Parquet writer gives a dictionary up."""


def row_groups(
    batches: Iterable[pa.RecordBatch], most_bytes: int | None = None
) -> Iterator[list[pa.RecordBatch]]:
    """Gather small batches into row groups of a useful size.

    Args:
        batches: The rows.
        most_bytes: Of a row group in memory, or not much more; of tables with long texts.
    """
    held: list[pa.RecordBatch] = []
    count = size = 0
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        size += batch.nbytes if most_bytes else 0
        if count >= ROW_GROUP or (most_bytes and size >= most_bytes):
            yield held
            held, count, size = [], 0, 0
    if held:
        yield held


def ahead(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same tables, the next of which is made in a thread while the one before is written."""
    with ThreadPoolExecutor(1, thread_name_prefix="row-group") as pool:
        coming = pool.submit(next, tables, None)
        while (table := coming.result()) is not None:
            coming = pool.submit(next, tables, None)
            yield table


@dataclass(frozen=True)
class Layout:
    """How the columns of a file are written.

    Args:
        schema: The schema of the file, with plain types.
        given: Columns that are handed to the writer as dictionaries.
        unlike: Columns of text that hardly repeat.
    """

    schema: pa.Schema
    given: frozenset[str] = frozenset()
    unlike: frozenset[str] = frozenset()

    @classmethod
    def of(cls, schema: pa.Schema, first: Iterable[pa.RecordBatch]) -> "Layout":
        """The layout for a file whose first row group has these batches."""
        given, unlike = set(), set()
        first = list(first)
        for place, field in enumerate(schema):
            if not (pa.types.is_string(field.type) or pa.types.is_large_string(field.type)):
                continue
            chunks = [batch.column(place) for batch in first]
            if chunks and all(is_dictionary(chunk.type) for chunk in chunks):
                if as_dictionary(pa.chunked_array(chunks)).dictionary.nbytes <= _DICTIONARY:
                    given.add(field.name)
            elif _differ(chunks):
                unlike.add(field.name)
        return cls(schema, frozenset(given), frozenset(unlike))

    @property
    def options(self) -> dict[str, Any]:
        """What `pyarrow.parquet.ParquetWriter` is to be told."""
        options: dict[str, Any] = {"schema": self.written, "write_batch_size": _AT_A_TIME}
        if self.unlike:
            options["use_dictionary"] = [
                path for field in self.schema if field.name not in self.unlike for path in _leaves(field, "")
            ]
        if self.given:
            # Else whoever reads the file would get dictionaries, too.
            options["store_schema"] = False
        return options

    @property
    def metadata(self) -> dict[bytes, bytes]:
        """What the writer leaves out by these options."""
        if not self.given:
            return {}
        schema = base64.b64encode(self.schema.serialize().to_pybytes())
        return {**(self.schema.metadata or {}), b"ARROW:schema": schema}

    @property
    def written(self) -> pa.Schema:
        """The schema of the tables that are handed to the writer."""
        kind = pa.int32()
        fields = [
            field.with_type(pa.dictionary(kind, field.type)) if field.name in self.given else field
            for field in self.schema
        ]
        return pa.schema(fields, self.schema.metadata)

    def table(self, batches: Iterable[pa.RecordBatch]) -> pa.Table:
        """A row group as the writer takes it."""
        batches = list(batches)
        columns: list[Any] = []
        for place, field in enumerate(self.schema):
            column = _column([batch.column(place) for batch in batches])
            columns.append(as_dictionary(column) if field.name in self.given else plain(column))
        return pa.table(columns, schema=self.written) if columns else pa.Table.from_batches(batches)


def _column(chunks: list[pa.Array]) -> pa.ChunkedArray:
    if len({chunk.type for chunk in chunks}) > 1:
        chunks = [each for chunk in chunks for each in plain(pa.chunked_array([chunk])).chunks]
    return pa.chunked_array(chunks)


def _differ(chunks: list[pa.Array]) -> bool:
    """Whether nearly all of the texts that are looked at differ."""
    looked: list[pa.Array] = []
    left = _LOOKED_AT
    each = -(-_LOOKED_AT // max(1, len(chunks)))
    for chunk in chunks:
        looked.append(plain(pa.chunked_array([chunk.slice(0, min(each, left))])).combine_chunks())
        left -= len(looked[-1])
    texts = pa.chunked_array(looked, pa.string()) if not looked else pa.chunked_array(looked)
    there = len(texts) - texts.null_count
    return there > 0 and bool(pc.count_distinct(texts).as_py() > max(_SHARE * there, 1))


def _leaves(field: pa.Field, above: str) -> Iterator[str]:
    """The paths of a field's values in a Parquet file."""
    path, kind = above + field.name, field.type
    if pa.types.is_struct(kind):
        for inner in kind:
            yield from _leaves(inner, f"{path}.")
    elif pa.types.is_map(kind):
        yield from _leaves(pa.field("key", kind.key_type), f"{path}.key_value.")
        yield from _leaves(pa.field("value", kind.item_type), f"{path}.key_value.")
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from _leaves(pa.field("element", kind.value_type), f"{path}.list.")
    else:
        yield path

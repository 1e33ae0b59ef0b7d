"""Columns of text as Arrow's dictionaries: each text once, and its number in each row."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

__all__ = [
    "EncodedBatches",
    "as_dictionary",
    "is_dictionary",
    "joined",
    "plain",
    "plain_schema",
    "plain_table",
    "plain_type",
]


@dataclass(frozen=True)
class EncodedBatches:
    """A table as batches, of which any may have dictionaries in its columns of text.

    Args:
        schema: Its schema, with plain types.
        batches: Its rows.
    """

    schema: pa.Schema
    batches: Iterable[pa.RecordBatch]

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return iter(self.batches)


def is_dictionary(kind: pa.DataType) -> bool:
    """Whether it is the type of a dictionary."""
    return bool(pa.types.is_dictionary(kind))


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type of the values."""
    return kind.value_type if is_dictionary(kind) else kind


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """A schema with the types of the values."""
    if not any(map(is_dictionary, schema.types)):
        return schema
    return pa.schema([field.with_type(plain_type(field.type)) for field in schema], schema.metadata)


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column with the values themselves."""
    return pc.cast(column, plain_type(column.type)) if is_dictionary(column.type) else column


def plain_table(table: pa.Table) -> pa.Table:
    """A table with the values themselves."""
    if not any(is_dictionary(kind) for kind in table.schema.types):
        return table
    return pa.table([plain(column) for column in table.columns], names=table.column_names)


def joined(columns: Sequence[pa.ChunkedArray]) -> pa.ChunkedArray:
    """Parts of a column as one; a dictionary where all of them are."""
    if len({column.type for column in columns}) > 1:
        columns = [plain(column) for column in columns]
    return pa.chunked_array([chunk for column in columns for chunk in column.chunks], columns[0].type)


def as_dictionary(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """A column as one dictionary."""
    encoded = column if is_dictionary(column.type) else column.dictionary_encode()
    array = encoded.unify_dictionaries().combine_chunks()
    return array if isinstance(array, pa.DictionaryArray) else pa.concat_arrays(array.chunks)

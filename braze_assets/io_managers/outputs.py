"""What an asset may hand over to be stored."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

__all__ = ["TableOutput", "to_batches"]


@dataclass
class TableOutput:
    """A table with what else should be kept and shown.

    Args:
        data: A pyarrow Table or RecordBatchReader, a pandas or Polars frame, or a lazy Polars frame.
        documents: JSON documents kept in the Parquet file's own metadata.
        metadata: Shown by Dagster on this partition.
        descriptions: What columns are, by name; shown in the column schema.
    """

    data: Any
    documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)


def to_batches(data: Any) -> tuple[pa.Schema, Iterable[pa.RecordBatch]]:
    """Any table as an Arrow schema and batches that are made as they are read.

    Raises:
        TypeError: The value is not a table of a known kind.
    """
    if isinstance(data, pa.Table):
        return data.schema, data.to_batches()
    if isinstance(data, pa.RecordBatchReader):
        return data.schema, data
    kind = f"{type(data).__module__.split('.')[0]}.{type(data).__name__}"
    if kind == "pandas.DataFrame":
        table = pa.Table.from_pandas(data, preserve_index=False)
        return table.schema, table.to_batches()
    if kind == "polars.DataFrame":
        table = data.to_arrow()
        return table.schema, table.to_batches()
    if kind == "polars.LazyFrame":
        return _lazy_batches(data)
    raise TypeError(
        f"An asset handed over a {kind}. Hand over a pyarrow Table or RecordBatchReader, a pandas or "
        "Polars frame, or a TableOutput around one."
    )


def _lazy_batches(frame: Any) -> tuple[pa.Schema, Iterable[pa.RecordBatch]]:
    empty = frame.limit(0).collect().to_arrow()

    def batches() -> Iterator[pa.RecordBatch]:
        for part in frame.collect_batches(chunk_size=122_880):
            yield from part.to_arrow().cast(empty.schema).to_batches()

    return empty.schema, batches()

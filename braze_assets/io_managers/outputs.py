"""What an asset may hand over to be stored."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from braze_assets.errors import BrazeAssetsError, SourceError
from braze_assets.storage import EncodedBatches

__all__ = ["TableOutput", "to_batches"]


@dataclass
class TableOutput:
    """A table with what else should be kept and shown.

    Args:
        data: A pyarrow Table or RecordBatchReader, a pandas or Polars frame, or a lazy Polars frame.
        documents: JSON documents kept in the Parquet file's own metadata.
        metadata: Shown by Dagster on this partition.
        descriptions: What columns are, by name; shown in the column schema.
        row_group_bytes: A bound of a row group's size in memory, for rows with long texts.
    """

    data: Any = field(repr=False)
    documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)
    row_group_bytes: int | None = None


def to_batches(data: Any) -> tuple[pa.Schema, Iterable[pa.RecordBatch]]:
    """Any table as an Arrow schema and batches that are made as they are read.

    Raises:
        TypeError: The value is not a table of a known kind.
        SourceError: Making it fails on its data, at once or while the batches are read.
    """
    with _values_unsaid():
        schema, batches = _opened(data)
    return schema, batches if isinstance(batches, list) else _read(batches)


def _opened(data: Any) -> tuple[pa.Schema, Iterable[pa.RecordBatch]]:
    if isinstance(data, pa.Table):
        return data.schema, data.to_batches()
    if isinstance(data, pa.RecordBatchReader):
        return data.schema, data
    if isinstance(data, EncodedBatches):
        return data.schema, data.batches
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


def _read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    waiting = iter(batches)
    while True:
        with _values_unsaid():
            batch = next(waiting, None)
        if batch is None:
            return
        yield batch


@contextmanager
def _values_unsaid() -> Iterator[None]:
    """DuckDB, Arrow and Polars quote the cell they fail on: their words go no further, only what failed."""
    try:
        yield
    except BrazeAssetsError:
        raise
    except Exception as error:
        if (cause := _cause(error)) is None:
            raise
        raise SourceError(
            f"The table cannot be made of its data: {cause}.",
            remedy="Give each column one type: TRY_CAST in SQL, a cast that is not strict in Polars, "
            "pandas.to_numeric(..., errors='coerce') in pandas. The value is not shown: it may be "
            "personal data.",
        ) from None


def _cause(error: Exception) -> str | None:
    text, kind = str(error), type(error)
    if kind.__module__.partition(".")[0] in ("duckdb", "_duckdb", "polars"):
        return kind.__name__
    if isinstance(error, OSError) and error.errno is None:
        # DuckDB's errors come so through an Arrow stream.
        said = re.match(r"([A-Z][A-Za-z ]+) Error: ", text)
        return f"{said[1].lower()} error" if said else None
    if isinstance(error, pa.ArrowException):
        column = re.search(r"for column (.+) with type", text)
        return kind.__name__ + (f" in the column {column[1]}" if column else "")
    return None

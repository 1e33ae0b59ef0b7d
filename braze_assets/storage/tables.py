"""Parquet tables in storage: written atomically, read lazily."""

import json
import os.path
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from braze_assets.errors import StorageError
from braze_assets.storage.dictionaries import EncodedBatches
from braze_assets.storage.engine import quote_literal
from braze_assets.storage.location import atomic_writer, open_path, storage_errors
from braze_assets.storage.row_groups import ROW_GROUP, Layout, ahead, row_groups

if TYPE_CHECKING:
    import duckdb
    import pyarrow.dataset as ds

__all__ = ["StoredTable", "Written", "existing", "write_parquet"]


@dataclass(frozen=True)
class Written:
    """What was written: rows, size in bytes, schema, URI."""

    uri: str
    rows: int
    bytes: int
    schema: pa.Schema


def write_parquet(
    path: UPath,
    data: pa.Table | pa.RecordBatchReader | EncodedBatches | Iterable[pa.RecordBatch],
    *,
    schema: pa.Schema | None = None,
    metadata: Mapping[str, Mapping[str, Any]] | None = None,
    row_group_bytes: int | None = None,
) -> Written:
    """Write one Parquet file, whole or not at all.

    Args:
        path: Where; folders are made.
        data: A table, or batches that are written as they come, so that memory stays bounded. A column of
            text may come as a dictionary in any of them; in the file it is text.
        schema: Needed only for a plain iterable of batches.
        metadata: JSON documents to keep in the file's own metadata, by key.
        row_group_bytes: A bound of a row group's size in memory, for rows with long texts.

    Raises:
        StorageError: The place cannot be written. What was there before is still there.
    """
    batches = data.to_batches() if isinstance(data, pa.Table) else data
    schema = schema or data.schema  # type: ignore[union-attr]
    if metadata:
        extra = {key: json.dumps(document) for key, document in metadata.items()}
        schema = schema.with_metadata({**(schema.metadata or {}), **extra})
    rows = 0
    groups = row_groups(batches, row_group_bytes)
    with atomic_writer(path) as sink:
        first = next(groups, [])
        layout = Layout.of(schema, first)
        with pq.ParquetWriter(sink, compression="zstd", **layout.options) as writer:
            tables = (layout.table(group) for group in chain([first] if first else [], groups))
            for table in ahead(tables) if isinstance(data, EncodedBatches) else tables:
                writer.write_table(table, row_group_size=ROW_GROUP)
                rows += table.num_rows
            writer.add_key_value_metadata(layout.metadata)
        size = sink.tell()
    return Written(uri=str(path), rows=rows, bytes=size, schema=schema)


@dataclass(frozen=True)
class StoredTable:
    """A table of one or more Parquet files, opened only when it is asked something.

    Columns of several files are matched by name.
    """

    uris: tuple[str, ...]

    @classmethod
    def at(cls, *places: str | Path | UPath) -> "StoredTable":
        """The table in these files."""
        return cls(tuple(str(place) for place in places))

    @property
    def paths(self) -> list[UPath]:
        """The files as paths."""
        return [open_path(uri) for uri in self.uris]

    def exists(self) -> bool:
        """Whether all files are there."""
        return all(path.exists() for path in self.paths)

    def sql(self, connection: "duckdb.DuckDBPyConnection") -> str:
        """A SQL table expression for this table, good for this connection."""
        for path in self.paths:
            if path.protocol not in ("", "file"):
                if not connection.filesystem_is_registered(path.protocol):
                    connection.register_filesystem(path.fs)
                break
        files = ", ".join(quote_literal(uri) for uri in self.uris)
        union = ", union_by_name = true" if len(self.uris) > 1 else ""
        return f"read_parquet([{files}], hive_partitioning = false{union})"

    def dataset(self) -> "ds.Dataset":
        """The table as a lazy pyarrow dataset."""
        import pyarrow.dataset as ds

        paths = self.paths
        # A column may have been widened between two partitions.
        schema = _common([_footer(path).schema.to_arrow_schema() for path in paths])
        return ds.dataset(
            [path.path for path in paths],
            schema=schema,
            filesystem=None if paths[0].protocol in ("", "file") else paths[0].fs,
            format="parquet",
        )

    @cached_property
    def schema(self) -> pa.Schema:
        """The schema of the first file, with its metadata."""
        return _footer(self.paths[0]).schema.to_arrow_schema()

    @property
    def num_rows(self) -> int:
        """Rows of all files, from their footers."""
        return sum(_footer(path).num_rows for path in self.paths)

    def document(self, key: str) -> dict[str, Any] | None:
        """A JSON document kept in the first file's metadata by `write_parquet`, or None."""
        raw = (self.schema.metadata or {}).get(key.encode())
        return None if raw is None else dict(json.loads(raw))

    @contextmanager
    def local(self) -> Iterator["StoredTable"]:
        """The same table in local files: a long reader must not see an object replaced under it."""
        if all(path.protocol in ("", "file") for path in self.paths):
            yield self
            return
        with tempfile.TemporaryDirectory(prefix="braze-assets-") as folder:
            copies = []
            for number, path in enumerate(self.paths):
                copy = Path(folder, f"{number}.parquet")
                with storage_errors(str(path)):
                    path.fs.get_file(path.path, str(copy))
                copies.append(copy)
            yield StoredTable.at(*copies)


def existing(tables: Sequence[StoredTable]) -> list[StoredTable]:
    """Those that are there. On S3 they are listed together: a request for each would take two round trips.

    Args:
        tables: Tables of one storage; best those whose names begin alike, such as partitions of one asset.

    Raises:
        StorageError: The storage cannot be read.
    """
    paths = {table: table.paths for table in tables}
    every = [path for each in paths.values() for path in each]
    if not every or every[0].protocol in ("", "file"):
        return [table for table in tables if table.exists()]
    # By characters, as S3 lists them.
    folder, _, begins = os.path.commonprefix([path.path for path in every]).rpartition("/")  # noqa: RUF071
    with storage_errors(folder):
        found = {*every[0].fs.find(folder, prefix=begins)}
    return [table for table in tables if all(path.path in found for path in paths[table])]


def _common(schemas: list[pa.Schema]) -> pa.Schema:
    """One schema for all; a column that is text in one file and a number in another is text, as in DuckDB."""
    try:
        return pa.unify_schemas(schemas, promote_options="permissive")
    except pa.ArrowTypeError:
        text = {field.name for schema in schemas for field in schema if pa.types.is_string(field.type)}
        as_text = [
            pa.schema([field.with_type(pa.string()) if field.name in text else field for field in schema])
            for schema in schemas
        ]
        return pa.unify_schemas(as_text, promote_options="permissive")


def _footer(path: UPath) -> pq.FileMetaData:
    try:
        with storage_errors(str(path)):
            if not path.exists():
                raise StorageError(
                    "The table is not there.",
                    place=str(path),
                    remedy="Materialize it first, or correct the place.",
                )
            with path.open("rb") as source:
                return pq.read_metadata(source)
    except pa.ArrowInvalid as error:
        raise StorageError(
            f"The file is not a readable Parquet file: {str(error).splitlines()[0]}",
            place=str(path),
            remedy="Materialize it again; an interrupted copy is the usual cause.",
        ) from error

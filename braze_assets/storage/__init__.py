"""Where tables are kept: one URL for a folder or an S3 prefix, Parquet files, and DuckDB over them."""

from braze_assets.storage.dictionaries import EncodedBatches
from braze_assets.storage.engine import EngineSettings, connect, quote_identifier, quote_literal
from braze_assets.storage.location import (
    Storage,
    atomic_writer,
    open_path,
    storage_errors,
    storage_failure,
    written_at,
)
from braze_assets.storage.tables import StoredTable, Written, existing, write_parquet

__all__ = [
    "EncodedBatches",
    "EngineSettings",
    "Storage",
    "StoredTable",
    "Written",
    "atomic_writer",
    "connect",
    "existing",
    "open_path",
    "quote_identifier",
    "quote_literal",
    "storage_errors",
    "storage_failure",
    "write_parquet",
    "written_at",
]

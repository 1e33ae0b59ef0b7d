"""The table a flow starts from: its query over its sources, partition after partition."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import dagster as dg

from braze_assets.assets.flow import Flow, flow_asset
from braze_assets.assets.types import PARTITIONED_TABLE
from braze_assets.io_managers import TableOutput
from braze_assets.resources.failures import dagster_failures
from braze_assets.rows import TableFile
from braze_assets.storage import connect
from braze_assets.storage.partitions import PartitionedTable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["BuildTable", "table_asset"]


BuildTable = Callable[["DuckDBPyConnection", Mapping[str, str], str | None, datetime], TableOutput]
"""Makes one partition of the table, from table expressions by the name the query calls them by: what is
given are the connection, these sources, the partition and the moment it is computed for."""


def table_asset(flow: Flow, build: BuildTable, *, description: str, digest: str) -> dg.AssetsDefinition:
    """The asset of a flow's table; its code version is the digest of the query."""
    inputs = {table: source.asset for table, source in flow.sources.items() if source.asset}
    files = {table: TableFile(source.url) for table, source in flow.sources.items() if source.url}

    @flow_asset(
        flow,
        ins={table: dg.AssetIn(key, dagster_type=PARTITIONED_TABLE) for table, key in inputs.items()},
        description=flow.description or description,
        kinds={"duckdb", "parquet"},
        tags={"pii": "true"},
        code_version=digest,
    )
    def rows(context: dg.AssetExecutionContext, **tables: PartitionedTable) -> Any:
        return dg.MaterializeResult(value=_tables(flow, build, flow.keys(context), tables, files))

    return rows


def _tables(
    flow: Flow,
    build: BuildTable,
    keys: Sequence[str | None],
    tables: Mapping[str, PartitionedTable],
    files: Mapping[str, TableFile],
) -> Iterator[tuple[str | None, TableOutput]]:
    for key in keys:
        with dagster_failures(), connect() as connection:
            sources = {name: table.existing(key).sql(connection) for name, table in tables.items()}
            sources |= {name: file.sql(connection) for name, file in files.items()}
            as_of = flow.as_of(key, datetime.now(timezone.utc))
            yield key, build(connection, sources, key, as_of)

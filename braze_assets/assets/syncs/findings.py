"""What was found wrong in the table of a sync, row by row."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from braze_assets.assets.flow import flow_asset
from braze_assets.assets.syncs.definition import SyncDefinition
from braze_assets.assets.types import PARTITIONED_TABLE
from braze_assets.io_managers import TableOutput
from braze_assets.resources.failures import dagster_failures
from braze_assets.rows import findings_sql
from braze_assets.storage import connect
from braze_assets.storage.partitions import PartitionedTable

__all__ = ["build_findings_asset"]

_COLUMNS = {
    "attribute": "The attribute whose cell it is; NULL where the whole row cannot be sent.",
    "problem": "What is wrong, as a code; docs/types.md explains them all.",
    "detail": "More about it, without the value itself.",
}


def build_findings_asset(sync: SyncDefinition) -> dg.AssetsDefinition:
    """The asset of the findings: one row a cell or a row that cannot be sent, and why."""

    @flow_asset(
        sync,
        "findings",
        ins={"rows": dg.AssetIn(sync.key(), dagster_type=PARTITIONED_TABLE)},
        description=f"What `{sync.name}` has that Braze would refuse, drop or misread: one row a finding.",
        kinds={"duckdb", "parquet"},
        tags={"pii": "true"},
    )
    def findings(context: dg.AssetExecutionContext, rows: PartitionedTable) -> Any:
        return dg.MaterializeResult(value=_tables(sync, sync.keys(context), rows))

    return findings


def _tables(
    sync: SyncDefinition, keys: Sequence[str | None], rows: PartitionedTable
) -> Iterator[tuple[str | None, TableOutput]]:
    for key in keys:
        with dagster_failures(), connect() as connection:
            sql = findings_sql(rows.existing(key).sql(connection), sync.rows.identifier)
            yield key, TableOutput(connection.sql(sql).to_arrow_reader(65_536), descriptions=_COLUMNS)

"""A sample of a campaign's members, as a table: what they would get, to be looked at by those who may."""

from typing import Any

import dagster as dg

from braze_assets.assets.campaigns.definition import CampaignDefinition
from braze_assets.assets.flow import flow_asset
from braze_assets.assets.types import PARTITIONED_TABLE
from braze_assets.io_managers import TableOutput
from braze_assets.resources.failures import dagster_failures
from braze_assets.storage import connect, quote_identifier
from braze_assets.storage.partitions import PartitionedTable

__all__ = ["build_sample_asset"]


def build_sample_asset(campaign: CampaignDefinition) -> dg.AssetsDefinition:
    """The asset `<name>_sample`: always the same members for as long as they are members."""
    sync = campaign.sync
    identifier = quote_identifier(sync.rows.identifier)

    @flow_asset(
        sync,
        "sample",
        ins={"rows": dg.AssetIn(sync.key(), dagster_type=PARTITIONED_TABLE)},
        description=f"Up to {campaign.sample:,} members of {campaign.name} and what is sent to them. "
        "Personal data: a file, shown nowhere.",
        kinds={"parquet"},
        tags={"pii": "true"},
    )
    def sample(context: dg.AssetExecutionContext, rows: PartitionedTable) -> Any:
        def tables() -> Any:
            for key in sync.keys(context):
                with dagster_failures(), connect() as connection:
                    members = connection.sql(
                        f"SELECT * EXCLUDE (_error, _findings) FROM {rows.existing(key).sql(connection)} "
                        f"WHERE _error IS NULL ORDER BY md5({identifier}) LIMIT {campaign.sample}"
                    ).to_arrow_table()
                    yield key, TableOutput(members, metadata={"members": members.num_rows})

        return dg.MaterializeResult(value=tables())

    return sample

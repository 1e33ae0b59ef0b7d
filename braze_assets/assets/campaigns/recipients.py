"""Who was sent what by a campaign, for good: a table that only grows."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from braze_assets.assets.campaigns.definition import CampaignDefinition
from braze_assets.assets.flow import flow_asset
from braze_assets.assets.types import PARTITIONED_TABLE
from braze_assets.campaigns.recipients import RecipientsQuery
from braze_assets.io_managers import TableOutput, stored_table
from braze_assets.ledger import Ledger
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import connect
from braze_assets.storage.partitions import PartitionedTable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["build_recipients_asset"]


def build_recipients_asset(campaign: CampaignDefinition) -> dg.AssetsDefinition:
    """The asset `<name>_recipients`: those Braze accepted, from the receipts, and those who are control.

    A partition is what it was and what is new: a run again adds nothing twice, and receipts that were removed
    meanwhile take nothing away.
    """
    sync = campaign.sync
    tables = {
        name: source.asset
        for name, source in sync.sources.items()
        if source.asset and (name == campaign.customers or name in _members(campaign))
    }

    @flow_asset(
        sync,
        "recipients",
        ins={name: dg.AssetIn(key, dagster_type=PARTITIONED_TABLE) for name, key in tables.items()},
        deps=[sync.key("sync")],
        description=f"Who got what from {campaign.name}, and when; who is control got nothing.",
        kinds={"parquet"},
        tags={"pii": "true"},
        required_resource_keys={"storage"},
        pool=sync.name,
    )
    def recipients(context: dg.AssetExecutionContext, **inputs: PartitionedTable) -> Any:
        storage: StorageResource = context.resources.storage
        root = storage.storage()

        def tables() -> Any:
            for key in sync.keys(context):
                with dagster_failures(), connect() as connection:
                    views = {name: table.existing(key).sql(connection) for name, table in inputs.items()}
                    before = stored_table(root, sync.key("recipients"), sync.partitions, key)
                    kept = before.sql(connection) if before.exists() else None
                    rows = _rows(
                        connection, campaign, Ledger(root, sync.name, sync.rows.identifier), key, views
                    )
                    made = connection.sql(_grown(rows, kept)).to_arrow_table()
                    yield key, TableOutput(made, metadata=_facts(connection, made, kept))

        return dg.MaterializeResult(value=tables())

    return recipients


def _rows(
    connection: "DuckDBPyConnection",
    campaign: CampaignDefinition,
    ledger: Ledger,
    partition: str | None,
    views: dict[str, str],
) -> str:
    for name, table in views.items():
        connection.execute(f'CREATE OR REPLACE TEMP VIEW "{name}" AS SELECT * FROM {table}')
    sends = [
        entry
        for entry in ledger.journal.read().entries
        if entry.state == "begun" and entry.partition == partition
    ]
    launched = min((entry.time for entry in sends if entry.object_limit is None), default=None)
    query = RecipientsQuery(
        campaign=campaign.name,
        campaign_id=campaign.sync.rows.name,
        destination=campaign.sync.destination,
        segments=campaign.segments,
        audiences=campaign.audiences,
        array=campaign.array,
        customers=campaign.customers,
        key=campaign.key,
        identifier=campaign.sync.rows.identifier,
        partition=partition,
    )
    receipts = ledger.receipts.everything(connection) if sends else None
    return query.sql({entry.plan_id: entry.time for entry in sends}, launched, receipts)


def _grown(rows: str, kept: str | None) -> str:
    if kept is None:
        return rows
    return (
        f"SELECT * FROM {kept} UNION ALL BY NAME "
        f"SELECT * FROM ({rows}) WHERE pk NOT IN (SELECT pk FROM {kept})"
    )


def _facts(connection: "DuckDBPyConnection", made: Any, kept: str | None) -> dict[str, Any]:
    connection.register("made_recipients", made)
    [(control, rows)] = connection.sql(
        "SELECT count(*) FILTER (is_control), count(*) FROM made_recipients"
    ).fetchall()
    before = connection.sql(f"SELECT count(*) FROM {kept}").fetchall()[0][0] if kept else 0
    return {"recipients": rows - control, "control": control, "added": rows - before}


def _members(campaign: CampaignDefinition) -> set[str]:
    return {table for each in campaign.audiences.values() for table in (*each.include, *each.exclude)}

"""Users that Braze deleted or merged leave the ledger of a sync, hour by hour."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import dagster as dg

from braze_assets.assets.currents.events import event_asset_key
from braze_assets.assets.types import PARTITIONED_TABLE
from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.currents.departures import DEPARTURE_EVENTS
from braze_assets.io_managers import TableOutput, stored_table
from braze_assets.ledger import Ledger
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import Storage, StoredTable, connect
from braze_assets.storage.partitions import PartitionedTable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["build_departures_asset", "departures_asset_key"]

_COLUMNS = {
    "event_id": "The event of Currents.",
    "kind": "deleted, or merged into another profile.",
    "braze_id": "The profile that is gone.",
    "identifier": "By what the sync knows it; NULL where that could not be found.",
    "outcome": "released; not_held (the ledger did not have it); not_identified.",
}


def departures_asset_key(sync: str) -> dg.AssetKey:
    """`currents/<sync>_departures`."""
    return dg.AssetKey(["currents", f"{sync}_departures"])


def build_departures_asset(
    sync: str,
    identifier: IdentifierKind,
    event_types: Sequence[str],
    partitions: dg.TimeWindowPartitionsDefinition,
    identity_days: int,
) -> dg.AssetsDefinition:
    """The asset of the users that left one sync's ledger.

    Args:
        sync: The sync's name.
        identifier: What its users are known by.
        event_types: Those of the feed, with at least one of `DEPARTURE_EVENTS`.
        partitions: The feed's hours.
        identity_days: A deletion names the Braze id only: the external id is looked up in this many days
            of the feed's other events.
    """
    key = departures_asset_key(sync)
    types = {each.rpartition(".")[2].lower(): each for each in event_types if each in DEPARTURE_EVENTS}
    others = [each for each in event_types if each not in DEPARTURE_EVENTS]

    @dg.asset(
        key=key,
        ins={
            name: dg.AssetIn(event_asset_key(each), dagster_type=PARTITIONED_TABLE)
            for name, each in types.items()
        },
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={"storage"},
        description=f"Users that Braze deleted or merged, released from the ledger of `{sync}`: when they "
        "are still wanted, the next plan sends them anew. What others were merged into is sent again.",
        group_name="currents",
        kinds={"duckdb", "parquet"},
        tags={"pii": "true"},
        pool=sync,
    )
    def departures(context: dg.AssetExecutionContext, **hours: PartitionedTable) -> Any:
        storage: StorageResource = context.resources.storage
        root = storage.storage()

        def tables() -> Iterator[tuple[str, TableOutput]]:
            for name in context.partition_keys:
                with dagster_failures(), connect() as connection:
                    yield name, _hour(connection, root, name, hours)

        return dg.MaterializeResult(value=tables())

    def _hour(
        connection: "DuckDBPyConnection", root: Storage, name: str, hours: Mapping[str, PartitionedTable]
    ) -> TableOutput:
        from braze_assets.assets.currents.leaving import leave

        hour = partitions.time_window_for_partition_key(name).start.astimezone(timezone.utc)
        before = stored_table(root, key, partitions, name)
        found, figures = leave(
            connection,
            ledger=Ledger(root, sync, identifier),
            events={types[each]: hours[each].existing(name) for each in hours},
            before=before if before.exists() else None,
            identities=lambda: _identities(root, others, partitions, hour, identity_days),
            now=datetime.now(timezone.utc),
        )
        return TableOutput(found, metadata=figures, descriptions=_COLUMNS)

    return departures


def _identities(
    root: Storage,
    event_types: Sequence[str],
    partitions: dg.TimeWindowPartitionsDefinition,
    hour: datetime,
    days: int,
) -> Mapping[str, StoredTable]:
    """The stored hours of other events up to this hour."""
    first = partitions.start.astimezone(timezone.utc)
    hours = [hour - timedelta(hours=back) for back in range(days * 24)]
    names = [partitions.get_partition_key_for_timestamp(each.timestamp()) for each in hours if each >= first]
    found = {}
    for event_type in event_types:
        key = event_asset_key(event_type)
        table = PartitionedTable(
            key.to_user_string(), {name: stored_table(root, key, partitions, name) for name in names}
        )
        if stored := table.stored():
            found[event_type] = table.only(stored)
    return found

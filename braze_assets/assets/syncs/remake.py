"""A foreseen plan made again when its turn has come."""

from datetime import datetime, timezone

import dagster as dg

from braze_assets.assets.syncs.definition import SyncDefinition
from braze_assets.assets.syncs.earlier import rows_before
from braze_assets.assets.syncs.plan_facts import plan_output
from braze_assets.ledger import Ledger
from braze_assets.plan import PlanHeader, make_plan
from braze_assets.storage import StoredTable, connect, open_path, write_parquet

__all__ = ["remake_plan"]

_DATA_VERSION = "dagster/data_version"


def remake_plan(
    context: dg.AssetExecutionContext,
    sync: SyncDefinition,
    ledger: Ledger,
    foreseen: PlanHeader,
    plan: StoredTable,
) -> PlanHeader:
    """Make the plan against the ledger as it is, store it in place of the foreseen one, and show it there.

    So the plan's page and file tell what is really sent, whatever was refused meanwhile.

    Args:
        context: Of the send.
        sync: The sync.
        ledger: Its ledger.
        foreseen: The header of the plan that was foreseen.
        plan: Its file, which is written over.
    """
    with connect() as connection:
        made = make_plan(
            connection,
            sync=sync.name,
            rows=StoredTable(foreseen.rows),
            ledger=ledger,
            settings=sync.plan,
            partition=foreseen.partition,
            as_of=foreseen.as_of,
            now=datetime.now(timezone.utc),
            rewind=foreseen.rewind,
            allow=frozenset(foreseen.allow),
            rows_before=rows_before(context.resources.storage.storage(), sync, foreseen.partition),
        )
        output = plan_output(made, sync)
        written = write_parquet(open_path(plan.uris[0]), output.data, metadata=output.documents)
    context.log_event(
        dg.AssetMaterialization(
            sync.key("delta"),
            partition=foreseen.partition,
            metadata={
                **output.metadata,
                "dagster/partition_row_count": written.rows,
                "dagster/uri": written.uri,
                "foreseen_objects": foreseen.counts.objects,
            },
            tags=_data_version(context, sync, foreseen.partition),
        )
    )
    counts = made.header.counts
    context.log.info(
        f"{foreseen.partition}: {counts.objects:,} objects, {counts.data_points:,} data points to be sent; "
        f"foreseen were {foreseen.counts.objects:,} and {foreseen.counts.data_points:,}."
    )
    return made.header


def _data_version(
    context: dg.AssetExecutionContext, sync: SyncDefinition, partition: str | None
) -> dict[str, str]:
    """The one the plan had: with another, Dagster would call the send that is about to use it out of date."""
    of = dg.AssetRecordsFilter(sync.key("delta"), asset_partitions=[partition] if partition else None)
    records = context.instance.fetch_materializations(of, limit=1).records
    event = records[0].asset_materialization if records else None
    tags = (event.tags or {}) if event else {}
    return {name: text for name, text in tags.items() if name == _DATA_VERSION}

"""Segments as definitions: an asset each, one step for all of them, a job and a schedule."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from braze_assets.assets.segments.definition import SegmentDefinition, SegmentsDefinition, segment_key
from braze_assets.assets.segments.members import Members, computed_members
from braze_assets.assets.types import PARTITIONED_TABLE
from braze_assets.io_managers import TableOutput
from braze_assets.resources.failures import dagster_failures
from braze_assets.storage.partitions import PartitionedTable

__all__ = ["build_segments"]


def build_segments(definition: SegmentsDefinition) -> dg.Definitions:
    """An asset for the members of each segment; a run of many reads the tables once.

    The job makes all of them.
    """
    assets = _assets(definition)
    job = dg.define_asset_job(
        f"{definition.name}_job",
        selection=dg.AssetSelection.assets(*(segment_key(each.name) for each in definition.segments)),
        description=f"The members of the segments of {definition.name}, in one pass over their tables.",
    )
    return dg.Definitions(assets=[assets], jobs=[job])


def _assets(definition: SegmentsDefinition) -> dg.AssetsDefinition:
    tables = list(dict.fromkeys(table for each in definition.segments for table in each.tables))
    sources = {table: definition.source(table) for table in tables}
    inputs = {table: source.asset for table, source in sources.items() if source.asset}

    @dg.multi_asset(
        name=definition.name,
        outs={each.name: _out(each) for each in definition.segments},
        ins={table: dg.AssetIn(key, dagster_type=PARTITIONED_TABLE) for table, key in inputs.items()},
        internal_asset_deps={
            each.name: {inputs[table] for table in each.tables if table in inputs}
            for each in definition.segments
        },
        partitions_def=definition.partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        can_subset=True,
        group_name=definition.group,
    )
    # No return annotation: Dagster takes one for the type of a single output.
    def members_of_segments(context: dg.AssetExecutionContext, **tables: PartitionedTable):  # type: ignore[no-untyped-def]
        chosen = [
            each for each in definition.segments if segment_key(each.name) in context.selected_asset_keys
        ]
        keys = list(context.partition_keys) if definition.partitions else [None]
        rules = [each.segment for each in chosen]
        with dagster_failures(), computed_members(definition, rules, tables) as members:
            for each in chosen:
                yield dg.MaterializeResult(
                    asset_key=segment_key(each.name), value=_tables(definition, each, members, keys)
                )

    return members_of_segments


def _out(segment: SegmentDefinition) -> dg.AssetOut:
    return dg.AssetOut(
        key=segment_key(segment.name),
        description=segment.description,
        owners=list(segment.owners),
        kinds={"duckdb", "parquet"},
        is_required=False,
        tags={"pii": "true"},
    )


def _tables(
    definition: SegmentsDefinition,
    segment: SegmentDefinition,
    members: Members,
    keys: Sequence[str | None],
) -> Iterator[tuple[str | None, TableOutput]]:
    for key in keys:
        with dagster_failures(), definition.located():
            counted = members.counted(key)
            facts: dict[str, Any] = {
                "members": counted.members[segment.name],
                "share_of_customers": counted.members[segment.name] / max(counted.customers, 1),
                "sql": dg.MetadataValue.md(f"```sql\n{members.sql(segment.segment, key)}\n```"),
            }
            yield key, TableOutput(members.reader(segment.segment, key), metadata=facts)

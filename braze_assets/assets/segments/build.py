"""Segments as definitions: an asset each, one step for all of them, a job and a schedule."""

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

from braze_assets.assets.automation import started
from braze_assets.assets.flow_facts import segments_facts
from braze_assets.assets.segments.definition import SegmentDefinition, SegmentsDefinition, segment_key
from braze_assets.assets.segments.facts import segment_facts
from braze_assets.assets.segments.members import CONTACTABLE, Members, computed_members
from braze_assets.assets.types import PARTITIONED_TABLE
from braze_assets.io_managers import TableOutput, stored_table
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import Storage
from braze_assets.storage.partitions import PartitionedTable

__all__ = ["build_segments"]


def build_segments(definition: SegmentsDefinition) -> dg.Definitions:
    """An asset for the members of each segment; a run of many reads the tables once.

    The job makes all of them. Its schedule is stopped until somebody starts it.

    Raises:
        ConfigurationError: They cannot run when they are to; see `build_schedules`.
    """
    assets = _assets(definition)
    job = dg.define_asset_job(
        f"{definition.name}_job",
        selection=dg.AssetSelection.assets(*definition.leads),
        description=f"The members of the segments of {definition.name}, in one pass over their tables.",
    )
    return started(dg.Definitions(assets=[assets], jobs=[job]), definition, job, definition.leads)


def _assets(definition: SegmentsDefinition) -> dg.AssetsDefinition:
    tables = dict.fromkeys(table for each in definition.segments for table in each.tables)
    # Read as well where there is one, to tell how many members can be contacted.
    shown = {CONTACTABLE} & set(definition.tables.columns)
    sources = {table: definition.source(table) for table in (*tables, *sorted(shown - set(tables)))}
    inputs = {table: source.asset for table, source in sources.items() if source.asset}

    @dg.multi_asset(
        name=definition.name,
        outs={each.name: _out(each, segments_facts(definition)) for each in definition.segments},
        ins={table: dg.AssetIn(key, dagster_type=PARTITIONED_TABLE) for table, key in inputs.items()},
        internal_asset_deps={
            each.name: {inputs[table] for table in {*each.tables, *shown} if table in inputs}
            for each in definition.segments
        },
        partitions_def=definition.partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        can_subset=True,
        group_name=definition.group,
    )
    # No return annotation: Dagster takes one for the type of a single output.
    def members_of_segments(  # type: ignore[no-untyped-def]
        context: dg.AssetExecutionContext, storage: StorageResource, **tables: PartitionedTable
    ):
        chosen = [
            each for each in definition.segments if segment_key(each.name) in context.selected_asset_keys
        ]
        keys = list(context.partition_keys) if definition.partitions else [None]
        rules = [each.segment for each in chosen]
        with dagster_failures(), computed_members(definition, rules, tables) as members:
            for each in chosen:
                yield dg.MaterializeResult(
                    asset_key=segment_key(each.name),
                    value=_tables(definition, each, members, keys, storage.storage()),
                )

    return members_of_segments


def _out(segment: SegmentDefinition, facts: Mapping[str, object]) -> dg.AssetOut:
    return dg.AssetOut(
        key=segment_key(segment.name),
        description=segment.description,
        owners=list(segment.owners),
        kinds={"duckdb", "parquet"},
        is_required=False,
        tags={"pii": "true"},
        metadata={**facts, **_reference(segment)},
    )


def _reference(segment: SegmentDefinition) -> dict[str, object]:
    if segment.file is None:
        return {}
    reference = dg.LocalFileCodeReference(file_path=str(segment.file), line_number=segment.line)
    return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[reference])}


def _tables(
    definition: SegmentsDefinition,
    segment: SegmentDefinition,
    members: Members,
    keys: Sequence[str | None],
    storage: Storage,
) -> Iterator[tuple[str | None, TableOutput]]:
    for key in keys:
        with dagster_failures(), definition.located():
            facts = segment_facts(
                segment.name,
                members.counted(key),
                sql=members.sql(segment.segment, key),
                before=_members_before(definition, segment, key, storage),
            )
            yield key, TableOutput(members.reader(segment.segment, key), metadata=facts)


def _members_before(
    definition: SegmentsDefinition, segment: SegmentDefinition, key: str | None, storage: Storage
) -> int | None:
    """Members in the partition before this one; without partitions, what is stored now."""
    partitions = definition.partitions
    if partitions is None or key is None:
        table = stored_table(storage, segment_key(segment.name))
    else:
        window = partitions.get_prev_partition_window(partitions.time_window_for_partition_key(key).start)
        before = partitions.get_partition_keys_in_time_window(window) if window else []
        if not before:
            return None
        table = stored_table(storage, segment_key(segment.name), partitions, before[-1])
    return table.num_rows if table.exists() else None

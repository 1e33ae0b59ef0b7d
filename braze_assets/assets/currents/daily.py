"""Tables of a day made of event tables by the hour, and tables as of a day made of all days before it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import dagster as dg

from braze_assets.assets.currents.events import event_asset_key
from braze_assets.assets.schemas import DeclaredColumn, declared_schema
from braze_assets.assets.types import PARTITIONED_TABLE
from braze_assets.errors import StorageError
from braze_assets.io_managers import TableOutput
from braze_assets.resources.failures import dagster_failures
from braze_assets.storage import connect
from braze_assets.storage.partitions import PartitionedTable

__all__ = ["as_of_asset", "daily_asset"]

GROUP = "customer_360"
_BATCH = 122_880

_EVERY_DAY_BEFORE = dg.TimeWindowPartitionMapping(
    start_offset=-36_500, end_offset=0, allow_nonexistent_upstream_partitions=True
)


def daily_asset(
    key: dg.AssetKey,
    event_types: Sequence[str],
    partitions: dg.TimeWindowPartitionsDefinition,
    *,
    columns: Sequence[DeclaredColumn],
    sql: Callable[[Mapping[str, str]], str],
    description: str,
) -> dg.AssetsDefinition:
    """One table over several event types, by day. Each must have all 24 hours of the day.

    Args:
        key: The asset's key.
        event_types: Those it is made of.
        partitions: Days.
        columns: What `sql` yields.
        sql: The query, given the table expression of each event type.
        description: What it is.
    """
    # The whole type, as channels have words in common.
    types = {each.replace(".", "_").lower(): each for each in event_types}

    @dg.asset(
        key=key,
        ins={
            name: dg.AssetIn(event_asset_key(each), dagster_type=PARTITIONED_TABLE)
            for name, each in types.items()
        },
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        description=description,
        metadata=declared_schema(columns),
        group_name=GROUP,
        kinds={"duckdb", "parquet"},
        tags={"pii": "true"},
    )
    def day_of_events(context: dg.AssetExecutionContext, **hours: PartitionedTable) -> Any:
        def days() -> Iterator[tuple[str, TableOutput]]:
            for day in context.partition_keys:
                with dagster_failures(), connect() as connection:
                    sources = {}
                    for name, event_type in types.items():
                        keys = [each for each in hours[name] if each.startswith(day)]
                        sources[event_type] = hours[name].complete(keys).sql(connection)
                    reader = connection.sql(sql(sources)).to_arrow_reader(_BATCH)
                    yield day, TableOutput(reader, metadata=declared_schema(columns))

        return dg.MaterializeResult(value=days())

    return day_of_events


def as_of_asset(
    key: dg.AssetKey,
    events: dg.AssetKey,
    partitions: dg.TimeWindowPartitionsDefinition,
    *,
    columns: Sequence[DeclaredColumn],
    sql: Callable[[str, datetime], str],
    description: str,
) -> dg.AssetsDefinition:
    """A table as of the end of a day, made of the stored days of another up to then.

    Args:
        key: The asset's key.
        events: The table of events by day.
        partitions: Days.
        columns: What `sql` yields.
        sql: The query, given the table expression of the events and the end of the day.
        description: What it is.
    """

    @dg.asset(
        key=key,
        ins={
            "events": dg.AssetIn(events, partition_mapping=_EVERY_DAY_BEFORE, dagster_type=PARTITIONED_TABLE)
        },
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        description=f"{description} Made from the days of {events.path[-1]} that are stored.",
        metadata=declared_schema(columns),
        group_name=GROUP,
        kinds={"duckdb", "parquet"},
        tags={"pii": "true"},
    )
    def as_of_day(context: dg.AssetExecutionContext, events: PartitionedTable) -> Any:
        def days() -> Iterator[tuple[str, TableOutput]]:
            stored = events.stored()
            for day in context.partition_keys:
                with dagster_failures(), connect() as connection:
                    have = [each for each in stored if each <= day]
                    missing = _missing(events, have, day)
                    if missing:
                        context.log.warning(
                            "%s of %s lacks %s days of %s that were never materialized, %s the first",
                            *(key.path[-1], day, f"{len(missing):,}", events.name, missing[0]),
                        )
                    end = partitions.time_window_for_partition_key(day).end
                    table = f"(SELECT * FROM {events.only(have).sql(connection)})"
                    reader = connection.sql(sql(table, end)).to_arrow_reader(_BATCH)
                    figures = {
                        "days_of_events": len(have),
                        "days_missing": len(missing),
                        "first_day_of_events": have[0],
                    }
                    yield day, TableOutput(reader, metadata={**declared_schema(columns), **figures})

        return dg.MaterializeResult(value=days())

    return as_of_day


def _missing(events: PartitionedTable, have: Sequence[str], day: str) -> list[str]:
    """The days since the first that are not there.

    Raises:
        StorageError: None is there.
    """
    if not have:
        raise StorageError(
            f"No day of {events.name.rpartition('/')[2]} up to {day} was ever materialized.",
            place=events.name,
            remedy=f"Materialize {events.name} for {day} first, then run this again.",
        )
    return sorted({each for each in events if have[0] < each <= day} - set(have))

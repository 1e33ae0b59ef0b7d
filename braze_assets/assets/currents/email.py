"""What customers did with their emails: the events of a day in one table, and a summary per customer."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from braze_assets.assets.currents.events import event_asset_key
from braze_assets.assets.schemas import declared_schema
from braze_assets.assets.types import PARTITIONED_TABLE
from braze_assets.currents.email_events import EMAIL_EVENT_NAMES, EMAIL_EVENTS_COLUMNS, unified_sql
from braze_assets.currents.engagement import ENGAGEMENT_COLUMNS, engagement_sql
from braze_assets.errors import StorageError
from braze_assets.io_managers import TableOutput
from braze_assets.resources.failures import dagster_failures
from braze_assets.storage import connect
from braze_assets.storage.partitions import PartitionedTable

__all__ = ["EMAIL_EVENTS", "EMAIL_SUMMARY", "build_email_assets"]

EMAIL_EVENTS = dg.AssetKey(["customer_360", "unified_email_events"])
EMAIL_SUMMARY = dg.AssetKey(["customer_360", "email_engagement_summary"])

_EVERY_DAY_BEFORE = dg.TimeWindowPartitionMapping(
    start_offset=-36_500, end_offset=0, allow_nonexistent_upstream_partitions=True
)


def build_email_assets(
    event_types: Sequence[str], partitions: dg.TimeWindowPartitionsDefinition
) -> list[dg.AssetsDefinition]:
    """Both assets, for the email event types among those of the feed; none where there are none."""
    types = {
        event_type.rpartition(".")[2].lower(): event_type
        for event_type in event_types
        if event_type in EMAIL_EVENT_NAMES
    }
    if not types:
        return []

    @dg.asset(
        key=EMAIL_EVENTS,
        ins={
            name: dg.AssetIn(event_asset_key(each), dagster_type=PARTITIONED_TABLE)
            for name, each in types.items()
        },
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        description="Email events of one day (UTC, by the hour Braze queued them in), one row an event.",
        group_name="customer_360",
        kinds={"duckdb", "parquet"},
        tags={"pii": "true"},
    )
    def unified_email_events(context: dg.AssetExecutionContext, **hours: PartitionedTable) -> Any:
        return dg.MaterializeResult(value=_events_by_day(context.partition_keys, types, hours))

    @dg.asset(
        key=EMAIL_SUMMARY,
        ins={
            "events": dg.AssetIn(
                EMAIL_EVENTS, partition_mapping=_EVERY_DAY_BEFORE, dagster_type=PARTITIONED_TABLE
            ),
        },
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        description="What each customer did with their emails, as of the end of the day: counts over periods "
        "and latest times. Machine opens and suspected bot clicks do not count. Made from the days of "
        "unified_email_events that are stored.",
        group_name="customer_360",
        kinds={"duckdb", "parquet"},
        tags={"pii": "true"},
    )
    def email_engagement_summary(context: dg.AssetExecutionContext, events: PartitionedTable) -> Any:
        return dg.MaterializeResult(value=_summary_by_day(context, partitions, events))

    return [unified_email_events, email_engagement_summary]


def _events_by_day(
    days: Sequence[str], types: dict[str, str], hours: dict[str, PartitionedTable]
) -> Iterator[tuple[str, TableOutput]]:
    for day in days:
        with dagster_failures(), connect() as connection:
            sources = {}
            for name, event_type in types.items():
                keys = [key for key in hours[name] if key.startswith(day)]
                sources[event_type] = hours[name].complete(keys).sql(connection)
            reader = connection.sql(unified_sql(sources)).to_arrow_reader(122_880)
            yield day, TableOutput(reader, metadata=declared_schema(EMAIL_EVENTS_COLUMNS))


def _summary_by_day(
    context: dg.AssetExecutionContext,
    partitions: dg.TimeWindowPartitionsDefinition,
    events: PartitionedTable,
) -> Iterator[tuple[str, TableOutput]]:
    stored = events.stored()
    for day in context.partition_keys:
        with dagster_failures(), connect() as connection:
            days = [key for key in stored if key <= day]
            if not days:
                raise StorageError(
                    f"No day of unified_email_events up to {day} was ever materialized.",
                    place=events.name,
                    remedy=f"Materialize {events.name} for {day} first, then run this again.",
                )
            as_of = partitions.time_window_for_partition_key(day).end
            table = f"(SELECT * FROM {events.only(days).sql(connection)})"
            reader = connection.sql(engagement_sql(table, as_of=as_of)).to_arrow_reader(122_880)
            facts = {"days_of_events": len(days), "first_day_of_events": days[0]}
            yield day, TableOutput(reader, metadata={**declared_schema(ENGAGEMENT_COLUMNS), **facts})

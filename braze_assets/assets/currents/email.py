"""What customers did with their emails: events by day, a summary by customer, and that as attributes."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from braze_assets.assets.currents.daily import GROUP, as_of_asset, daily_asset
from braze_assets.assets.schemas import declared_schema
from braze_assets.assets.types import PARTITIONED_TABLE
from braze_assets.currents.email_events import (
    CONSENT,
    EMAIL_EVENT_NAMES,
    EMAIL_EVENTS_COLUMNS,
    unified_sql,
)
from braze_assets.currents.engagement import ENGAGEMENT_COLUMNS, engagement_sql
from braze_assets.currents.engagement_attributes import (
    ATTRIBUTES_COLUMNS,
    attributes_sql,
    require_customer_columns,
)
from braze_assets.io_managers import TableOutput
from braze_assets.resources.failures import dagster_failures
from braze_assets.storage import connect
from braze_assets.storage.partitions import PartitionedTable

__all__ = ["EMAIL_ATTRIBUTES", "EMAIL_EVENTS", "EMAIL_SUMMARY", "build_email_assets"]

EMAIL_EVENTS = dg.AssetKey(["customer_360", "unified_email_events"])
EMAIL_SUMMARY = dg.AssetKey(["customer_360", "email_engagement_summary"])
EMAIL_ATTRIBUTES = dg.AssetKey(["customer_360", "email_engagement_attributes"])


def build_email_assets(
    event_types: Sequence[str],
    partitions: dg.TimeWindowPartitionsDefinition,
    *,
    customers: dg.AssetKey | None = None,
) -> list[dg.AssetsDefinition]:
    """The assets for the email event types among those of the feed; none where there are none.

    Args:
        event_types: Those of the feed.
        partitions: Days.
        customers: A table with `amperity_id` and `external_id`; without it there are no attributes.
    """
    types = [each for each in event_types if each in EMAIL_EVENT_NAMES]
    if not types:
        return []
    types += [CONSENT] if CONSENT in event_types else []
    events = daily_asset(
        EMAIL_EVENTS,
        types,
        partitions,
        columns=EMAIL_EVENTS_COLUMNS,
        sql=unified_sql,
        description="Email events of one day (UTC, by the hour Braze queued them in), one row an event.",
    )
    summary = as_of_asset(
        EMAIL_SUMMARY,
        EMAIL_EVENTS,
        partitions,
        columns=ENGAGEMENT_COLUMNS,
        sql=lambda table, end: engagement_sql(table, as_of=end),
        description="What each customer did with their emails, as of the end of the day: counts over periods "
        "and latest times. Machine opens and suspected bot clicks do not count.",
    )
    return [events, summary, *([_attributes(customers, partitions)] if customers else [])]


def _attributes(
    customers_key: dg.AssetKey, partitions: dg.TimeWindowPartitionsDefinition
) -> dg.AssetsDefinition:
    @dg.asset(
        key=EMAIL_ATTRIBUTES,
        ins={
            "customers": dg.AssetIn(customers_key, dagster_type=PARTITIONED_TABLE),
            "summary": dg.AssetIn(EMAIL_SUMMARY, dagster_type=PARTITIONED_TABLE),
        },
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        description="The email engagement summary for each customer of the Customer 360, by Amperity ID. "
        "Customers that never had an email have counts of 0.",
        metadata=declared_schema(ATTRIBUTES_COLUMNS),
        group_name=GROUP,
        kinds={"duckdb", "parquet"},
        tags={"pii": "true"},
    )
    def email_engagement_attributes(
        context: dg.AssetExecutionContext, customers: PartitionedTable, summary: PartitionedTable
    ) -> Any:
        def days() -> Iterator[tuple[str, TableOutput]]:
            for day in context.partition_keys:
                with dagster_failures(), connect() as connection:
                    people = customers.existing(day)
                    require_customer_columns(people.schema.names, customers.name)
                    sql = attributes_sql(people.sql(connection), summary.existing(day).sql(connection))
                    reader = connection.sql(sql).to_arrow_reader(122_880)
                    yield day, TableOutput(reader, metadata=declared_schema(ATTRIBUTES_COLUMNS))

        return dg.MaterializeResult(value=days())

    return email_engagement_attributes

"""The sample Customer 360: the tables a brand would bring, made up. Replace them by your own."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date

import dagster as dg

from braze_assets.assets.partitions import daily_partitions, start_date
from braze_assets.assets.schemas import declared_schema
from braze_assets.assets.types import PARTITIONED_TABLE
from braze_assets.currents.email_events import SqlColumn
from braze_assets.customer_360 import TABLES, SampleSettings, SampleTable, TableCheck, build_table, checks_of
from braze_assets.errors import ConfigurationError
from braze_assets.io_managers import TableOutput, stored_table
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.sample import SampleResource
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import StoredTable, connect
from braze_assets.storage.partitions import PartitionedTable

__all__ = ["build_customer_360", "customer_360_key"]

_SEVERITIES = {"warn": dg.AssetCheckSeverity.WARN, "error": dg.AssetCheckSeverity.ERROR}


def customer_360_key(table: str) -> dg.AssetKey:
    """The asset key of a Customer 360 table."""
    return dg.AssetKey(["customer_360", table])


def build_customer_360(tables: Collection[str] = tuple(TABLES)) -> dg.Definitions:
    """An asset for each of these tables of the sample: a full snapshot as of the end of each day.

    The job makes the whole group, email engagement included. Its schedule is stopped until it is started.

    Args:
        tables: Names of tables; those of a brand's own are left out.

    Raises:
        ConfigurationError: The sample has no such table.
    """
    if unknown := sorted(set(tables) - set(TABLES)):
        raise ConfigurationError(
            f"The sample has no table {unknown[0]}.",
            place="tables",
            remedy=f"Choose among {', '.join(TABLES)}.",
        )
    if not tables:
        return dg.Definitions()
    partitions = daily_partitions()
    job = dg.define_asset_job(
        "customer_360_job",
        selection=dg.AssetSelection.groups("customer_360"),
        description="Makes every table of the Customer 360 for one day.",
    )
    # After the last hour of Currents has been read, before the syncs.
    schedule = dg.build_schedule_from_partitioned_job(job, hour_of_day=1, minute_of_hour=30)
    assets = [_build(TABLES[name], partitions) for name in TABLES if name in tables]
    return dg.Definitions(assets=assets, jobs=[job], schedules=[schedule])


def _build(table: SampleTable, partitions: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    key = customer_360_key(table.name)
    checks = checks_of(table.name)

    @dg.asset(
        key=key,
        ins={
            name: dg.AssetIn(customer_360_key(name), dagster_type=PARTITIONED_TABLE)
            for name in table.depends_on
        },
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[dg.AssetCheckSpec(c.name, asset=key, description=c.description) for c in checks],
        description=f"{table.description} Synthetic sample; a full snapshot as of the end of the day (UTC).",
        group_name="customer_360",
        kinds={"duckdb", "parquet"},
        tags={"pii": "true", "sample": "true"},
        code_version="1",
    )
    # No return annotation: with checks, Dagster takes one for the type of a single output.
    def snapshot(  # type: ignore[no-untyped-def]
        context: dg.AssetExecutionContext,
        sample: SampleResource,
        storage: StorageResource,
        **upstream: PartitionedTable,
    ):
        with dagster_failures():
            settings = sample.settings(start_date())
            yield dg.MaterializeResult(value=_snapshots(table, settings, context.partition_keys, upstream))
            days = {
                day: stored_table(storage.storage(), key, partitions, day) for day in context.partition_keys
            }
            for check, rows in _violations(checks, days, upstream):
                yield dg.AssetCheckResult(
                    check_name=check.name,
                    passed=rows == 0,
                    severity=_SEVERITIES[check.severity],
                    metadata={"rows": rows},
                )

    return snapshot


def _snapshots(
    table: SampleTable,
    settings: SampleSettings,
    days: Sequence[str],
    upstream: Mapping[str, PartitionedTable],
) -> Iterator[tuple[str, TableOutput]]:
    for day in days:
        with dagster_failures(), connect() as connection:
            sources = {name: each.existing(day).sql(connection) for name, each in upstream.items()}
            reader = build_table(
                connection, table.name, settings, day=date.fromisoformat(day), upstream=sources
            )
            yield day, TableOutput(reader, metadata=declared_schema(_columns(table)))


def _columns(table: SampleTable) -> list[SqlColumn]:
    return [SqlColumn(*column) for column in table.columns]


def _violations(
    checks: Sequence[TableCheck], days: Mapping[str, StoredTable], upstream: Mapping[str, PartitionedTable]
) -> Iterator[tuple[TableCheck, int]]:
    """How many rows, of all the days together, each check is not true of."""
    with connect() as connection:
        for check in checks:
            rows = 0
            for day, table in days.items():
                sources = {name: each[day].sql(connection) for name, each in upstream.items()}
                sql = check.sql(table.sql(connection), day=date.fromisoformat(day), upstream=sources)
                rows += int(connection.execute(sql).fetchall()[0][0])
            yield check, rows

"""The plan of a sync: what would be sent now, what it costs, and whether it may be sent."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timezone
from typing import Literal

import dagster as dg
from pydantic import Field

from braze_assets.assets.planning import guard_results, plan_asset
from braze_assets.assets.syncs.definition import SyncDefinition
from braze_assets.assets.syncs.earlier import rows_before
from braze_assets.assets.syncs.plan_facts import plan_output
from braze_assets.ledger import Ledger, Projection
from braze_assets.plan import GUARDS, Plan, PlanHeader, empty_plan, foresee_plans, make_plan
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import connect
from braze_assets.storage.partitions import PartitionedTable

__all__ = ["DeltaConfig", "build_delta_asset"]


class DeltaConfig(dg.Config):
    """What one run may do that a scheduled one must not."""

    rewind: bool = Field(
        default=False,
        description="Plan a partition older than the ledger, and so overwrite newer values in Braze.",
    )
    allow: list[str] = Field(default=[], description="Guards to waive for this one plan, by name.")
    replay: Literal["as configured", "collapse", "each"] = Field(
        default="as configured",
        description="For a range: collapse plans its newest state only, each plans every partition in order.",
    )


def build_delta_asset(sync: SyncDefinition) -> dg.AssetsDefinition:
    """The asset of the plan. A range of partitions is one run: collapsed into its last one, or replayed."""

    @plan_asset(
        sync,
        GUARDS,
        description=f"What `{sync.name}_sync` would send: for every user the attributes that differ from "
        "what Braze has acknowledged, with the old values, the cost and the guards' verdicts.",
    )
    # No return annotation: with checks, Dagster takes one for the type of a single output.
    def delta(  # type: ignore[no-untyped-def]
        context: dg.AssetExecutionContext,
        config: DeltaConfig,
        storage: StorageResource,
        rows: PartitionedTable,
    ):
        keys = sync.keys(context)
        now = datetime.now(timezone.utc)
        replay = sync.replay if config.replay == "as configured" else config.replay
        ledger = Ledger(storage.storage(), sync.name, sync.rows.identifier)
        with dagster_failures(), ExitStack() as open_until_stored:
            connection = open_until_stored.enter_context(connect())

            def make(partition: str | None, projection: Projection | None = None) -> Plan:
                plan = make_plan(
                    connection,
                    sync=sync.name,
                    rows=rows.existing(partition),
                    ledger=ledger,
                    settings=sync.plan,
                    partition=partition,
                    as_of=sync.as_of(partition, now),
                    now=now,
                    rewind=config.rewind,
                    allow=frozenset(config.allow),
                    projection=projection,
                    rows_before=rows_before(storage.storage(), sync, partition),
                )
                _log(context, plan.header)
                headers.append(plan.header)
                return plan

            headers: list[PlanHeader] = []
            if replay == "each" and len(keys) > 1:
                plans = foresee_plans(connection, ledger, keys, make, now=now)
            else:
                plans = _collapsed(sync, make(keys[-1]), keys, now)
            yield dg.MaterializeResult(
                value=((plan.header.partition, plan_output(plan, sync)) for plan in plans)
            )
            _log_sum(context, headers)
            yield from guard_results(GUARDS, headers)

    return delta


def _collapsed(sync: SyncDefinition, plan: Plan, keys: Sequence[str | None], now: datetime) -> Iterator[Plan]:
    """The plan of the last partition, and empty ones of those it covers."""
    for key in keys[:-1]:
        yield empty_plan(
            plan.header, partition=key, as_of=sync.as_of(key, now), status="collapsed", into=keys[-1]
        )
    yield plan


def _log(context: dg.AssetExecutionContext, header: PlanHeader) -> None:
    counts = header.counts
    context.log.info(
        "Plan %s%s (%s): %s objects, %s attributes, %s data points; %s left out. %s",
        header.plan_id,
        f" of {header.partition}" if header.partition else "",
        header.status,
        *(
            f"{number:,}"
            for number in (counts.objects, counts.attributes, counts.data_points, counts.left_out)
        ),
        header.note,
    )
    if header.status == "stale":
        context.log.warning(header.note)
    for verdict in header.blocking:
        context.log.error("%s: %s", verdict.guard, verdict.message)


def _log_sum(context: dg.AssetExecutionContext, headers: Sequence[PlanHeader]) -> None:
    if len(headers) > 1:
        objects = sum(header.counts.objects for header in headers)
        points = sum(header.counts.data_points for header in headers)
        context.log.info(
            f"Every partition is sent in order: {len(headers):,} plans, {objects:,} objects, "
            f"{points:,} data points in all."
        )

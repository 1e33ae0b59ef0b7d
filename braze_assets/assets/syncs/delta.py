"""The plan of a sync: what would be sent now, what it costs, and whether it may be sent."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timezone
from typing import Any

import dagster as dg
from pydantic import Field

from braze_assets.assets.previews import markdown_table
from braze_assets.assets.syncs.definition import SyncDefinition
from braze_assets.assets.types import PARTITIONED_TABLE
from braze_assets.io_managers import TableOutput
from braze_assets.ledger import Ledger
from braze_assets.plan import GUARDS, Plan, PlanHeader, empty_plan, make_plan, preview
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import connect
from braze_assets.storage.partitions import PartitionedTable

__all__ = ["DeltaConfig", "build_delta_asset"]

_COLUMNS = {
    "n": "Ordinal among the objects to be sent; NULL for a row that is left out.",
    "kind": "new, changed or unset; left_out for a row that is not sent.",
    "attributes": "The attributes that are sent.",
    "object": "The JSON object as it goes to Braze.",
    "previous": "The old values of these attributes, as the ledger holds them, as JSON.",
    "data_points": "What the object costs.",
    "reason": "Why the row is left out, or why an unchanged value is sent again.",
    "values": "The new values in their own types.",
}


class DeltaConfig(dg.Config):
    """What one run may do that a scheduled one must not."""

    rewind: bool = Field(
        default=False,
        description="Plan a partition older than the ledger, and so overwrite newer values in Braze.",
    )
    allow: list[str] = Field(default=[], description="Guards to waive for this one plan, by name.")


def build_delta_asset(sync: SyncDefinition) -> dg.AssetsDefinition:
    """The asset of the plan. A range of partitions is collapsed into one plan, of its last partition."""

    @dg.asset(
        key=sync.key("delta"),
        ins={"rows": dg.AssetIn(sync.key(), dagster_type=PARTITIONED_TABLE)},
        partitions_def=sync.partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[
            dg.AssetCheckSpec(guard.name, asset=sync.key("delta"), description=guard.description)
            for guard in GUARDS
        ],
        description=f"What `{sync.name}_sync` would send: for every user the attributes that differ from "
        "what Braze has acknowledged, with the old values, the cost and the guards' verdicts.",
        group_name=sync.group,
        kinds={"duckdb", "parquet"},
        owners=list(sync.owners),
        tags={"pii": "true"},
        pool=sync.name,
    )
    # No return annotation: with checks, Dagster takes one for the type of a single output.
    def delta(  # type: ignore[no-untyped-def]
        context: dg.AssetExecutionContext,
        config: DeltaConfig,
        storage: StorageResource,
        rows: PartitionedTable,
    ):
        keys = sync.keys(context)
        last = keys[-1]
        now = datetime.now(timezone.utc)
        with dagster_failures(), ExitStack() as open_until_stored:
            connection = open_until_stored.enter_context(connect())
            ledger = Ledger(storage.storage(), sync.name, sync.rows.identifier)
            plan = make_plan(
                connection,
                sync=sync.name,
                rows=rows.existing(last),
                ledger=ledger,
                settings=sync.plan,
                partition=last,
                as_of=sync.as_of(last, now),
                now=now,
                rewind=config.rewind,
                allow=frozenset(config.allow),
            )
            _log(context, plan.header)
            yield dg.MaterializeResult(value=_outputs(sync, plan, keys, now))
            for verdict in plan.header.verdicts:
                yield dg.AssetCheckResult(
                    check_name=verdict.guard,
                    passed=verdict.passed,
                    severity=dg.AssetCheckSeverity.WARN if verdict.allowed else dg.AssetCheckSeverity.ERROR,
                    description=verdict.message or None,
                )

    return delta


def _outputs(
    sync: SyncDefinition, plan: Plan, keys: list[str | None], now: datetime
) -> Iterator[tuple[str | None, TableOutput]]:
    for key in keys[:-1]:
        collapsed = empty_plan(
            plan.header, partition=key, as_of=sync.as_of(key, now), status="collapsed", into=keys[-1]
        )
        yield key, _output(collapsed, _facts(collapsed))
    facts = _facts(plan)
    facts["changes"] = markdown_table(
        ("n", "kind", "attributes"),
        preview(plan, include_values=sync.show_values),
        empty="Nothing would be sent.",
    )
    yield keys[-1], _output(plan, facts)


def _output(plan: Plan, facts: dict[str, Any]) -> TableOutput:
    identifier: dict[str, str] = {plan.header.identifier: "The identifier Braze knows the user by."}
    return TableOutput(
        plan.reader(),
        documents=plan.documents,
        metadata=facts,
        descriptions={**_COLUMNS, **identifier},
    )


def _log(context: dg.AssetExecutionContext, header: PlanHeader) -> None:
    counts = header.counts
    context.log.info(
        "Plan %s (%s): %s objects, %s attributes, %s data points; %s left out. %s",
        *(header.plan_id, header.status),
        *(
            f"{number:,}"
            for number in (counts.objects, counts.attributes, counts.data_points, counts.left_out)
        ),
        header.note,
    )
    for verdict in header.blocking:
        context.log.error("%s: %s", verdict.guard, verdict.message)


def _facts(plan: Plan) -> dict[str, Any]:
    header = plan.header
    counts = header.counts
    return {
        "status": header.status if not header.blocked else "blocked",
        "note": header.note or "-",
        "plan_id": header.plan_id,
        "objects": counts.objects,
        "new_users": counts.new,
        "changed_users": counts.changed,
        "unset_users": counts.unset,
        "left_out": counts.left_out,
        "attributes": counts.attributes,
        "data_points": counts.data_points,
        "data_points_if_resent": counts.data_points_if_resent,
        "guards": markdown_table(
            ("guard", "verdict", "message"),
            (
                (v.guard, "passed" if v.passed else "allowed" if v.allowed else "FAILED", v.message)
                for v in header.verdicts
            ),
            empty="No guard was asked: there is nothing to send.",
        ),
        "by_attribute": markdown_table(
            ("attribute", "set", "unset", "data points"),
            ((name, each.set, each.unset, each.data_points) for name, each in header.per_attribute.items()),
            empty="No attribute changes.",
        ),
    }

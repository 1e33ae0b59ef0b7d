"""The plan of a sync of events: what would be sent now, what it costs, and whether it may be sent."""

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import dagster as dg
from pydantic import Field

from braze_assets.assets.event_syncs.definition import EventSyncDefinition
from braze_assets.assets.planning import guard_results, guard_table, plan_asset
from braze_assets.assets.previews import markdown_table
from braze_assets.io_managers import TableOutput
from braze_assets.ledger.events import EventLedger
from braze_assets.plan.events import EVENT_GUARDS, EventPlan, EventPlanHeader, make_event_plan
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource
from braze_assets.rows.events import REASONS
from braze_assets.storage import connect
from braze_assets.storage.partitions import PartitionedTable

__all__ = ["EventDeltaConfig", "build_event_delta_asset"]

_COLUMNS = {
    "n": "Ordinal among the objects to be sent, by time; NULL for a row that is left out.",
    "event_id": "By this id the event is sent once.",
    "kind": "event or purchase; left_out for a row that is not sent.",
    "time": "When it happened.",
    "object": "The JSON object as it goes to Braze.",
    "data_points": "What the object costs.",
    "reason": "Why the row is left out.",
}


class EventDeltaConfig(dg.Config):
    """What one run may do that a scheduled one must not."""

    allow: list[str] = Field(default=[], description="Guards to waive for this run's plans, by name.")


def build_event_delta_asset(sync: EventSyncDefinition) -> dg.AssetsDefinition:
    """The asset of the plan: one for every partition, in whatever order they come."""

    @plan_asset(
        sync,
        EVENT_GUARDS,
        description=f"What `{sync.name}_sync` would send: the {sync.events.kind} of the partition that the "
        "ledger of ids does not know, with the cost and the guards' verdicts.",
    )
    # No return annotation: with checks, Dagster takes one for the type of a single output.
    def delta(  # type: ignore[no-untyped-def]
        context: dg.AssetExecutionContext,
        config: EventDeltaConfig,
        storage: StorageResource,
        rows: PartitionedTable,
    ):
        ledger = EventLedger(storage.storage(), sync.name)
        headers: list[EventPlanHeader] = []
        with dagster_failures():
            plans = _plans(sync, context, config, ledger, rows, headers)
            yield dg.MaterializeResult(value=plans)
        yield from guard_results(EVENT_GUARDS, headers)

    return delta


def _plans(
    sync: EventSyncDefinition,
    context: dg.AssetExecutionContext,
    config: EventDeltaConfig,
    ledger: EventLedger,
    rows: PartitionedTable,
    headers: list[EventPlanHeader],
) -> Iterator[tuple[str | None, TableOutput]]:
    for key in sync.keys(context):
        now = datetime.now(timezone.utc)
        with dagster_failures(), connect() as connection:
            plan = make_event_plan(
                connection,
                sync=sync.name,
                rows=rows.existing(key),
                ledger=ledger,
                settings=sync.plan,
                partition=key,
                as_of=sync.as_of(key, now),
                now=now,
                allow=frozenset(config.allow),
            )
            headers.append(plan.header)
            _log(context, plan.header)
            identifier: dict[str, str] = {plan.header.identifier: "The identifier Braze knows the user by."}
            facts = _facts(sync, plan)  # before the connection is busy with the rows
            yield (
                key,
                TableOutput(
                    plan.reader(),
                    documents=plan.documents,
                    metadata=facts,
                    descriptions={**_COLUMNS, **identifier},
                ),
            )


def _log(context: dg.AssetExecutionContext, header: EventPlanHeader) -> None:
    counts = header.counts
    context.log.info(
        f"Plan {header.plan_id} of {header.partition}: {counts.objects:,} {header.kind}, "
        f"{counts.known:,} sent before, {counts.left_out:,} left out. {header.note}"
    )
    for verdict in header.blocking:
        context.log.warning(f"{verdict.guard} blocks the plan: {verdict.message}")


def _facts(sync: EventSyncDefinition, plan: EventPlan) -> dict[str, Any]:
    header, counts = plan.header, plan.header.counts
    facts: dict[str, Any] = {
        "status": header.status,
        "note": header.note or "-",
        "plan_id": header.plan_id,
        "guarantee": header.guarantee,
        **{
            name: getattr(counts, name)
            for name in ("rows", "objects", "known", "users", "data_points", "bytes")
        },
        "left_out": counts.left_out,
        "blocked": header.blocked,
        "guards": guard_table(header),
        "left_out_reasons": markdown_table(
            ("reason", "rows", "meaning"),
            ((reason, rows, REASONS[reason]) for reason, rows in header.left_out.items()),
            empty="Nothing is left out.",
        ),
        "names": markdown_table(("what", "objects"), header.names.items(), empty="Nothing would be sent."),
    }
    if sync.show_values:
        facts["events"] = markdown_table(("time", "event"), plan.first(20), empty="Nothing would be sent.")
    return facts

"""The send of a sync of events: the plans delivered to Braze, their outcomes kept in the ledger of ids."""

from typing import TYPE_CHECKING, Any, Literal

import dagster as dg
from pydantic import Field

from braze_assets.assets.event_syncs.definition import EventSyncDefinition
from braze_assets.assets.previews import markdown_table
from braze_assets.assets.syncs.interrupts import interruptible
from braze_assets.assets.types import PARTITIONED_TABLE
from braze_assets.ledger.events import EventLedger
from braze_assets.resources.braze import BrazeResource
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource
from braze_assets.storage.partitions import PartitionedTable

if TYPE_CHECKING:
    from braze_assets.delivery import SendReport

__all__ = ["EventSendConfig", "build_event_send_asset"]


class EventSendConfig(dg.Config):
    """How far one run goes."""

    mode: Literal["as configured", "preview", "test", "live"] = Field(
        default="as configured",
        description="preview sends nothing, test the first `test_events` of a plan, live the whole plan.",
    )
    test_events: int = Field(default=0, description="0: as configured.")


def build_event_send_asset(sync: EventSyncDefinition) -> dg.AssetsDefinition:
    """The asset of the send; it stores nothing of its own: its outcomes are in the ledger."""
    key = sync.key("sync")

    @dg.asset(
        key=key,
        ins={"delta": dg.AssetIn(sync.key("delta"), dagster_type=PARTITIONED_TABLE)},
        partitions_def=sync.partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[
            dg.AssetCheckSpec(
                "every_event_accepted",
                asset=key,
                description="Braze accepted everything that was sent, and said so.",
            )
        ],
        required_resource_keys={"storage", sync.destination},
        description=f"The send: delivers the plans to Braze (`{sync.destination}`), every event once, and "
        "keeps what became of each. Refuses a plan whose guards failed.",
        group_name=sync.group,
        kinds={"braze"},
        owners=list(sync.owners),
        pool=sync.name,
    )
    # No return annotation: with checks, Dagster takes one for the type of a single output.
    def send(context: dg.AssetExecutionContext, config: EventSendConfig, delta: PartitionedTable):  # type: ignore[no-untyped-def]
        from braze_assets.delivery import send_events

        storage: StorageResource = context.resources.storage
        braze: BrazeResource = getattr(context.resources, sync.destination)
        asked = sync.mode if config.mode == "as configured" else config.mode
        mode = braze.allowed_mode(asked)
        if mode != asked:
            context.log.warning(f"This deployment goes no further than {mode}; {asked} was asked for.")
        keys = sync.keys(context)
        reports: list[SendReport] = []
        with dagster_failures(), interruptible() as interrupted:
            for key in keys:
                plan = delta.existing(key)
                report = send_events(
                    plan=plan,
                    plan_uri=plan.uris[0],
                    ledger=EventLedger(storage.storage(), sync.name),
                    client=braze.client if mode != "preview" else None,
                    limits=braze.limits(),
                    settings=braze.delivery(),
                    mode=mode,
                    test_events=config.test_events or sync.test_events,
                    progress=lambda progress: context.log.info(str(progress)),
                    cancelled=interrupted,
                )
                context.log.info(f"{key}: {report.summary()}" if key else report.summary())
                if report.state == "cancelled" or interrupted():
                    raise dg.DagsterExecutionInterruptedError
                reports.append(report)
                _keep(context, key, report, alone=len(keys) == 1)
        rejected, unknown = sum(each.rejected for each in reports), sum(each.unknown for each in reports)
        return dg.MaterializeResult(
            metadata=_facts(reports[0]) if len(keys) == 1 else None,
            check_results=[
                dg.AssetCheckResult(
                    check_name="every_event_accepted",
                    passed=not rejected and not unknown,
                    severity=dg.AssetCheckSeverity.WARN,
                    metadata={"rejected": rejected, "unknown": unknown},
                )
            ],
        )

    return send


def _keep(context: dg.AssetExecutionContext, key: str | None, report: "SendReport", *, alone: bool) -> None:
    """Show a partition of a range as soon as it is done, so that a failure later on does not hide it."""
    if alone:
        return
    facts = _facts(report)
    context.log_event(dg.AssetMaterialization(context.asset_key, partition=key, metadata=facts))
    # Also on the event that closes the step.
    context.add_asset_metadata(facts, asset_key=context.asset_key, partition_key=key)


def _facts(report: "SendReport") -> dict[str, Any]:
    return {
        **report.figures(),
        "note": report.note or "-",
        "reasons": markdown_table(
            ("reason", "events"),
            ((each.reason, each.objects) for each in report.reasons),
            empty="Nothing was refused.",
        ),
    }

"""The send of a sync: the plan delivered to Braze, its outcomes folded into the ledger."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import dagster as dg
from pydantic import Field

from braze_assets.assets.previews import markdown_table
from braze_assets.assets.syncs.definition import SyncDefinition
from braze_assets.assets.syncs.deliveries import Deliveries
from braze_assets.assets.syncs.interrupts import interruptible
from braze_assets.assets.syncs.remake import remake_plan
from braze_assets.assets.types import PARTITIONED_TABLE
from braze_assets.ledger import Ledger
from braze_assets.resources.braze import BrazeResource
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import StoredTable
from braze_assets.storage.partitions import PartitionedTable

if TYPE_CHECKING:
    from braze_assets.delivery import SendReport

__all__ = ["SendConfig", "build_send_asset"]


class SendConfig(dg.Config):
    """How far one run goes."""

    mode: Literal["as configured", "preview", "test", "live"] = Field(
        default="as configured",
        description="preview sends nothing, test the first `test_users` objects, live the whole plan.",
    )
    test_users: int = Field(default=0, description="0: as configured.")


def build_send_asset(sync: SyncDefinition) -> dg.AssetsDefinition:
    """The asset of the send; it stores nothing of its own: its outcomes are the ledger's receipts."""
    key = sync.key("sync")

    @dg.asset(
        key=key,
        ins={"delta": dg.AssetIn(sync.key("delta"), dagster_type=PARTITIONED_TABLE)},
        partitions_def=sync.partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[
            dg.AssetCheckSpec(
                "every_object_accepted",
                asset=key,
                description="Braze accepted every object that was sent; the receipts name the others.",
            )
        ],
        required_resource_keys={"storage", sync.destination},
        description=f"The send: delivers the plan to Braze (`{sync.destination}`) and moves the ledger by "
        "what Braze accepted. Refuses a plan whose guards failed.",
        group_name=sync.group,
        kinds={"braze"},
        owners=list(sync.owners),
        pool=sync.name,
    )
    # No return annotation: with checks, Dagster takes one for the type of a single output.
    def send(context: dg.AssetExecutionContext, config: SendConfig, delta: PartitionedTable):  # type: ignore[no-untyped-def]
        keys = sync.keys(context)
        reports: list[SendReport] = []
        with dagster_failures(), interruptible() as interrupted:
            for key, report in _deliveries(sync, context, config, delta, keys, interrupted).run():
                _advise(context, key, report)
                if report.state == "cancelled" or interrupted():
                    raise dg.DagsterExecutionInterruptedError
                reports.append(report)
                _keep(context, key, report, alone=len(keys) == 1)
        rejected = sum(report.rejected for report in reports)
        unknown = sum(report.unknown for report in reports)
        return dg.MaterializeResult(
            metadata=_facts(reports[0]) if len(keys) == 1 else None,
            check_results=[
                dg.AssetCheckResult(
                    check_name="every_object_accepted",
                    passed=not rejected and not unknown,
                    severity=dg.AssetCheckSeverity.WARN,
                    metadata={"rejected": rejected, "unknown": unknown},
                )
            ],
        )

    return send


def _deliveries(
    sync: SyncDefinition,
    context: dg.AssetExecutionContext,
    config: SendConfig,
    delta: PartitionedTable,
    keys: list[str | None],
    interrupted: Callable[[], bool],
) -> Deliveries:
    # Late, as in the audit: whoever loads the definitions needs no HTTP.
    from braze_assets.delivery import send_plan

    storage: StorageResource = context.resources.storage
    braze: BrazeResource = getattr(context.resources, sync.destination)
    asked = sync.mode if config.mode == "as configured" else config.mode
    mode = braze.allowed_mode(asked)
    if mode != asked:
        context.log.warning(f"This deployment goes no further than {mode}; {asked} was asked for.")
    ledger = Ledger(storage.storage(), sync.name, sync.rows.identifier)
    settings = braze.delivery()
    sent = False

    def send(plan: StoredTable) -> "SendReport":
        nonlocal sent
        if sent and settings.settling_time:
            context.log.info(f"Up to {settings.settling_time:g} s pass for what was sent to settle.")
        report = send_plan(
            plan=plan,
            plan_uri=plan.uris[0],
            ledger=ledger,
            client=braze.client if mode != "preview" else None,
            limits=braze.limits(),
            settings=settings,
            mode=mode,
            test_users=config.test_users or sync.test_users,
            progress=lambda progress: context.log.info(str(progress)),
            cancelled=interrupted,
        )
        sent = sent or report.requests > 0
        return report

    return Deliveries(
        plans=delta,
        keys=keys,
        ledger=ledger,
        send=send,
        remake=partial(remake_plan, context, sync, ledger),
        preview=mode == "preview",
    )


def _keep(context: dg.AssetExecutionContext, key: str | None, report: "SendReport", *, alone: bool) -> None:
    """Show a partition of a range as soon as it is done, so that a failure later on does not hide it."""
    if alone:
        return
    facts = _facts(report)
    context.log_event(dg.AssetMaterialization(context.asset_key, partition=key, metadata=facts))
    # Also on the event that closes the step.
    context.add_asset_metadata(facts, asset_key=context.asset_key, partition_key=key)


def _advise(context: dg.AssetExecutionContext, key: str | None, report: "SendReport") -> None:
    context.log.info(f"{key}: {report.summary()}" if key else report.summary())
    if report.state == "preview" and report.objects:
        context.log.info(
            "To send them, set `mode: live` in the sync's YAML, or launch this asset with that configuration."
        )
    if report.state == "cancelled":
        context.log.warning(
            "The send was stopped on request. What Braze accepted is in the ledger; run this asset again to "
            "send the rest."
        )


def _facts(report: "SendReport") -> dict[str, Any]:
    return {
        "mode": report.mode,
        "summary": report.summary(),
        "plan_id": report.plan_id,
        **report.figures(),
        "reasons": markdown_table(
            ("reason", "objects"),
            ((each.reason, each.objects) for each in report.reasons),
            empty="Nothing was refused.",
        ),
    }

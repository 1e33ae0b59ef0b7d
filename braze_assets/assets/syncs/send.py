"""The send of a sync: the plan delivered to Braze, its outcomes folded into the ledger."""

from typing import TYPE_CHECKING, Any, Literal

import dagster as dg
from pydantic import Field

from braze_assets.assets.previews import markdown_table
from braze_assets.assets.syncs.definition import SyncDefinition
from braze_assets.assets.types import PARTITIONED_TABLE
from braze_assets.ledger import Ledger
from braze_assets.plan import read_plan_header
from braze_assets.resources.braze import BrazeResource
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import StoredTable
from braze_assets.storage.partitions import PartitionedTable

if TYPE_CHECKING:
    from braze_assets.delivery import Progress, SendReport

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
        # Late, as in the audit: whoever loads the definitions needs no HTTP.
        from braze_assets.delivery import send_plan

        storage: StorageResource = context.resources.storage
        braze: BrazeResource = getattr(context.resources, sync.destination)
        asked = sync.mode if config.mode == "as configured" else config.mode
        mode = braze.allowed_mode(asked)
        if mode != asked:
            context.log.warning(f"This deployment goes no further than {mode}; {asked} was asked for.")
        with dagster_failures():
            plan = _newest_plan(delta, sync.keys(context))
            report = send_plan(
                plan=plan,
                plan_uri=plan.uris[0],
                ledger=Ledger(storage.storage(), sync.name, sync.rows.identifier),
                client=braze.client if mode != "preview" else None,
                limits=braze.limits(),
                settings=braze.delivery(),
                mode=mode,
                test_users=config.test_users or sync.test_users,
                progress=lambda progress: _show(context, progress),
            )
        _advise(context, report)
        return dg.MaterializeResult(
            metadata=_facts(report),
            check_results=[
                dg.AssetCheckResult(
                    check_name="every_object_accepted",
                    passed=not report.rejected and not report.unknown,
                    severity=dg.AssetCheckSeverity.WARN,
                    metadata={"rejected": report.rejected, "unknown": report.unknown},
                )
            ],
        )

    return send


def _newest_plan(delta: PartitionedTable, keys: list[str | None]) -> StoredTable:
    """The last plan of the range that was not collapsed into a later one; else the last."""
    for key in reversed(keys):
        plan = delta.existing(key)
        if read_plan_header(plan).status != "collapsed":
            return plan
    return delta.existing(keys[-1])


def _show(context: dg.AssetExecutionContext, progress: "Progress") -> None:
    context.log.info(str(progress))


def _advise(context: dg.AssetExecutionContext, report: "SendReport") -> None:
    context.log.info(report.summary())
    if report.mode == "preview" and report.objects:
        context.log.info(
            "To send them, set `mode: live` in the sync's YAML, or launch this asset with that configuration."
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

"""The send of a sync: the plan delivered to Braze, its outcomes folded into the ledger."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Literal

import dagster as dg
from pydantic import Field

from braze_assets.assets.sending import allowed_mode, send_asset, send_each
from braze_assets.assets.syncs.definition import SyncDefinition
from braze_assets.assets.syncs.deliveries import Deliveries
from braze_assets.assets.syncs.remake import remake_plan
from braze_assets.ledger import Ledger
from braze_assets.resources.braze import BrazeResource
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

    @send_asset(
        sync,
        "object",
        accepted="Braze accepted every object that was sent; the receipts name the others.",
        description=f"The send: delivers the plan to Braze (`{sync.destination}`) and moves the ledger by "
        "what Braze accepted. Refuses a plan whose guards failed.",
    )
    # No return annotation: with checks, Dagster takes one for the type of a single output.
    def send(context: dg.AssetExecutionContext, config: SendConfig, delta: PartitionedTable):  # type: ignore[no-untyped-def]
        def deliver(interrupted: Callable[[], bool]) -> Iterator[tuple[str | None, "SendReport"]]:
            return _deliveries(sync, context, config, delta, interrupted).run()

        return send_each(context, sync, "object", deliver)

    return send


def _deliveries(
    sync: SyncDefinition,
    context: dg.AssetExecutionContext,
    config: SendConfig,
    delta: PartitionedTable,
    interrupted: Callable[[], bool],
) -> Deliveries:
    # Late, as in the audit: whoever loads the definitions needs no HTTP.
    from braze_assets.delivery import send_plan

    storage: StorageResource = context.resources.storage
    braze: BrazeResource = getattr(context.resources, sync.destination)
    mode = allowed_mode(context, sync, config.mode)
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
            once=sync.plan.guards.one_off,
            progress=lambda progress: context.log.info(str(progress)),
            cancelled=interrupted,
        )
        sent = sent or report.requests > 0
        return report

    return Deliveries(
        plans=delta,
        keys=sync.keys(context),
        ledger=ledger,
        send=send,
        remake=partial(remake_plan, context, sync, ledger),
        preview=mode == "preview",
    )

"""What the sends of all flows have in common: how far they may go, how they are stopped, what they tell."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal

import dagster as dg

from braze_assets.assets.flow import AssetDecorator, Flow, Mode, Part, flow_asset
from braze_assets.assets.flow_facts import facts_of
from braze_assets.assets.previews import markdown_table
from braze_assets.assets.types import PARTITIONED_TABLE
from braze_assets.errors import PlanRefusedError
from braze_assets.resources.braze import BrazeResource
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.interrupts import interruptible

if TYPE_CHECKING:
    from braze_assets.delivery import SendReport

__all__ = ["Deliver", "allowed_mode", "require_active", "send_asset", "send_each"]

Deliver = Callable[[Callable[[], bool]], Iterable[tuple[str | None, "SendReport"]]]
"""Sends partition after partition, each with its report as soon as that is known. It is given the question
whether somebody wants the run to stop."""


def send_asset(flow: Flow, noun: str, *, accepted: str, description: str) -> AssetDecorator:
    """`dg.asset` for the send of a flow's plans, given as `delta`; its body is `send_each`.

    Args:
        flow: What is sent.
        noun: What one object is called: "object", "event".
        accepted: What the check says that all of them were accepted.
        description: Of the asset.
    """
    return flow_asset(
        flow,
        "sync",
        ins={"delta": dg.AssetIn(flow.key("delta"), dagster_type=PARTITIONED_TABLE)},
        check_specs=[
            dg.AssetCheckSpec(f"every_{noun}_accepted", asset=flow.key("sync"), description=accepted)
        ],
        required_resource_keys={"storage", flow.destination},
        description=description,
        kinds={"braze"},
        metadata=facts_of(flow),
        pool=flow.name,
    )


def require_active(flow: Flow, part: Part = "sync") -> None:
    """Refuse to deliver what a draft asks for.

    Raises:
        PlanRefusedError: The query is a draft.
    """
    if flow.held_back:
        raise PlanRefusedError(
            flow.held_back,
            place=f"{flow.name}_{part}",
            remedy="Look at the preview; then set `status: active` at the top of the SQL file.",
        )


def allowed_mode(
    context: dg.AssetExecutionContext,
    flow: Flow,
    asked: Literal["as configured"] | Mode,
    part: Part = "sync",
) -> Mode:
    """How far this run goes: as asked for, or as far as the deployment lets it.

    Raises:
        Failure: It would send, and the destination is disabled or the query a draft.
    """
    braze: BrazeResource = getattr(context.resources, flow.destination)
    wanted = flow.mode if asked == "as configured" else asked
    mode = braze.allowed_mode(wanted)
    if mode != "preview":
        with dagster_failures():
            braze.require_enabled()
            require_active(flow, part)
    if mode != wanted:
        context.log.warning(f"This deployment goes no further than {mode}; {wanted} was asked for.")
    return mode


def send_each(
    context: dg.AssetExecutionContext, flow: Flow, noun: str, deliver: Deliver
) -> dg.MaterializeResult[Any]:
    """Send every partition of the run, and show each as soon as it is done.

    Args:
        context: Of the send asset.
        flow: What is sent.
        noun: What one object is called: "object", "event".
        deliver: Sends them.
    """
    alone = len(flow.keys(context)) == 1
    reports: list[SendReport] = []
    with dagster_failures(), interruptible() as interrupted:
        for key, report in deliver(interrupted):
            _advise(context, key, report)
            if report.state == "cancelled" or interrupted():
                raise dg.DagsterExecutionInterruptedError
            reports.append(report)
            if not alone:
                _keep(context, key, _facts(report, noun))
    rejected = sum(report.rejected for report in reports)
    unknown = sum(report.unknown for report in reports)
    return dg.MaterializeResult(
        metadata=_facts(reports[0], noun) if alone else None,
        check_results=[
            dg.AssetCheckResult(
                check_name=f"every_{noun}_accepted",
                passed=not rejected and not unknown,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"rejected": rejected, "unknown": unknown},
            )
        ],
    )


def _keep(context: dg.AssetExecutionContext, key: str | None, facts: dict[str, Any]) -> None:
    """Show a partition of a range as soon as it is done, so that a failure later on does not hide it."""
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


def _facts(report: "SendReport", noun: str) -> dict[str, Any]:
    first = {"mode": report.mode, "summary": report.summary(), "plan_id": report.plan_id}
    return {
        **first,
        **report.figures(),
        "note": report.note or "-",
        "reasons": markdown_table(
            ("reason", f"{noun}s"),
            ((each.reason, each.objects) for each in report.reasons),
            empty="Nothing was refused.",
        ),
    }

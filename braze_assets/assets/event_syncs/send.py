"""The send of a sync of events: the plans delivered to Braze, their outcomes kept in the ledger of ids."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

import dagster as dg
from pydantic import Field

from braze_assets.assets.event_syncs.definition import EventSyncDefinition
from braze_assets.assets.sending import allowed_mode, send_asset, send_each
from braze_assets.ledger.events import EventLedger
from braze_assets.resources.braze import BrazeResource
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

    @send_asset(
        sync,
        "event",
        accepted="Braze accepted everything that was sent, and said so.",
        description=f"The send: delivers the plans to Braze (`{sync.destination}`), every event once, and "
        "keeps what became of each. Refuses a plan whose guards failed.",
    )
    # No return annotation: with checks, Dagster takes one for the type of a single output.
    def send(context: dg.AssetExecutionContext, config: EventSendConfig, delta: PartitionedTable):  # type: ignore[no-untyped-def]
        def deliver(interrupted: Callable[[], bool]) -> Iterator[tuple[str | None, "SendReport"]]:
            from braze_assets.delivery import send_events

            storage: StorageResource = context.resources.storage
            braze: BrazeResource = getattr(context.resources, sync.destination)
            mode = allowed_mode(context, sync, config.mode)
            for key in sync.keys(context):
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
                yield key, report

        return send_each(context, sync, "event", deliver)

    return send

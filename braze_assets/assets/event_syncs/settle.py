"""The job that settles a review, from the launchpad."""

from datetime import datetime, timezone

import dagster as dg
from pydantic import Field

from braze_assets.assets.event_syncs.definition import EventSyncDefinition
from braze_assets.ledger.events import EventLedger, Settlement, Word, propose_settlement, settle_events
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import connect

__all__ = ["SettleConfig", "build_settle_job"]

_WORDS: dict[str, Word] = {"sent": "sent", "not-sent": "not_sent"}


class SettleConfig(dg.Config):
    """What is said of events in doubt."""

    word: str = Field(description="sent: Braze has them. not-sent: it has not, and they go again.")
    event_ids: list[str] = Field(default=[], description="Which events; all in doubt when empty.")
    reason: str = Field(default="", description="Who says so, or why; kept in the ledger.")
    confirm: str = Field(
        default="", description="The code that the run without one gave: until then nothing is changed."
    )


def build_settle_job(sync: EventSyncDefinition) -> dg.JobDefinition:
    """Without a code it says how many events are meant, and gives one; with it, it settles them."""

    @dg.op(
        name=f"settle_{sync.name}",
        description=f"Say of events of {sync.name} that are in doubt whether Braze has them.",
        pool=sync.name,
    )
    def settle(context: dg.OpExecutionContext, config: SettleConfig, storage: StorageResource) -> None:
        if config.word not in _WORDS:
            raise dg.Failure(f"word is {config.word!r}: write sent or not-sent.", allow_retries=False)
        ledger = EventLedger(storage.storage(), sync.name)
        word, ids = _WORDS[config.word], config.event_ids or None
        with dagster_failures(), connect() as connection:
            if not config.confirm:
                proposed = propose_settlement(ledger, connection, word, ids)
                _say(context, proposed)
                return
            done = settle_events(
                ledger,
                connection,
                word,
                ids=ids,
                reason=config.reason,
                confirm=config.confirm,
                now=datetime.now(timezone.utc),
            )
            _say(context, done)

    @dg.job(
        name=f"{sync.name}_settle",
        description=f"Settles the review of {sync.name}: run it without a code for the size, then with "
        "the code.",
    )
    def job() -> None:
        settle()

    return job


def _say(context: dg.OpExecutionContext, settlement: Settlement) -> None:
    figures = settlement.figures()
    context.add_output_metadata(figures)
    done = "" if settlement.done else f" Nothing was changed yet: confirm it with {settlement.code}."
    word = settlement.word.replace("_", "-")
    stray = f"; {settlement.not_in_doubt:,} named ones are not in doubt" if settlement.not_in_doubt else ""
    context.log.info(f"{settlement.events:,} events {word}{stray}.{done}")

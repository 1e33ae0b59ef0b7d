"""What a person says of events in doubt: Braze has them, or has not. The size first, then the change."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from braze_assets.errors import LedgerError, LedgerMovedError
from braze_assets.ledger.delta import CommitConflict
from braze_assets.ledger.events.event_ids import IdsVersion
from braze_assets.ledger.events.schemas import EVENT_IDS_SCHEMA

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from braze_assets.ledger.events.ledger import EventLedger

__all__ = ["Settlement", "Word", "propose_settlement", "settle_events"]

Word = Literal["sent", "not_sent"]
"""`sent`: Braze has it, it never goes again. `not_sent`: it has not, it goes with the next plan."""

_ATTEMPTS = 8


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What a person's word would change, or has changed. It names no event."""

    word: Word
    events: int
    """Events in doubt that are meant."""
    not_in_doubt: int = 0
    """Ids that were named but are not in doubt (any more)."""
    code: str
    """Confirms it: of this word, these events, this state of the ledger."""
    done: bool = False

    def figures(self) -> dict[str, int | str]:
        """All of it by name."""
        return {
            "word": self.word,
            "events": self.events,
            "not_in_doubt": self.not_in_doubt,
            "done": str(self.done).lower(),
            "code": self.code,
        }


def propose_settlement(
    ledger: "EventLedger", connection: "DuckDBPyConnection", word: Word, ids: Collection[str] | None = None
) -> Settlement:
    """How many events are meant, and the code that confirms it. Nothing is changed.

    Args:
        ledger: The sync's ledger.
        connection: A DuckDB connection.
        word: What is true of them.
        ids: Which ones; all in doubt when None.
    """
    return _proposed(ledger, connection, word, ids)[0]


def settle_events(
    ledger: "EventLedger",
    connection: "DuckDBPyConnection",
    word: Word,
    *,
    ids: Collection[str] | None = None,
    reason: str = "",
    confirm: str | None = None,
    now: datetime,
) -> Settlement:
    """Write down what a person says of events in doubt.

    An event that was not sent goes with the next plan of its partition, or when its own plan is sent again.

    Args:
        ledger: The sync's ledger.
        connection: A DuckDB connection.
        word: What is true of them.
        ids: Which ones; all in doubt when None.
        reason: Who says so, or why.
        confirm: The code `propose_settlement` gave; None where nobody needs to be asked.
        now: The current time.

    Raises:
        LedgerMovedError: The code is of another state of the ledger. Nothing was changed.
        LedgerError: A send has not finished: what it leaves in doubt is not known yet.
    """
    for _ in range(_ATTEMPTS):
        if not ledger.position().settled:
            raise LedgerError(
                "A send of this sync has not finished; nothing was changed.",
                place=ledger.uri,
                remedy="Let it finish. If its process is dead, make the plan again: that settles it.",
            )
        proposed, rows, version = _proposed(ledger, connection, word, ids)
        if confirm is not None and confirm != proposed.code:
            raise LedgerMovedError(
                f"The code {confirm} is not of this settlement as it would be made now: {proposed.events:,} "
                f"events {word}.",
                place=ledger.uri,
                remedy=f"Look at the review; if it is meant, confirm it with {proposed.code}.",
            )
        if not rows.num_rows:
            return replace(proposed, done=True)
        try:
            ledger.ids.append(version, _said(rows, word, reason, version.step + 1, now))
        except CommitConflict:
            continue
        return replace(proposed, done=True)
    raise LedgerMovedError(
        "Other runs write to this ledger at the same time.",
        place=ledger.uri,
        remedy="Let them finish, then settle again.",
    )


def _proposed(
    ledger: "EventLedger", connection: "DuckDBPyConnection", word: Word, ids: Collection[str] | None
) -> tuple[Settlement, pa.Table, IdsVersion]:
    version = ledger.ids.now()
    where = ""
    if ids is not None:
        connection.register("review_ids", pa.table({"id": pa.array(sorted(set(ids)), pa.string())}))
        where = "WHERE event_id IN (SELECT id FROM review_ids)"
    rows = connection.sql(
        "SELECT event_id, plan_id, partition, as_of, n "
        f"FROM {ledger.review.sql(connection, version)} {where} ORDER BY event_id"
    ).to_arrow_table()
    decisive = [ledger.sync, word, version.step, rows.column("event_id").to_pylist()]
    digest = hashlib.sha256(json.dumps(decisive).encode()).hexdigest()
    named = rows.num_rows if ids is None else len(set(ids))
    settlement = Settlement(
        word=word,
        events=rows.num_rows,
        not_in_doubt=named - rows.num_rows,
        code=f"{word.replace('_', '-')}-{version.step}-{digest[:6]}",
    )
    return settlement, rows, version


def _said(rows: pa.Table, word: Word, reason: str, step: int, now: datetime) -> pa.Table:
    same = {
        "outcome": word,
        "reason": reason or None,
        "object": None,
        "send": None,
        "step": step,
        "time": now,
    }
    columns = [
        pa.array([same[field.name]] * rows.num_rows, field.type)
        if field.name in same
        else rows.column(field.name).cast(field.type)
        for field in EVENT_IDS_SCHEMA
    ]
    return pa.table(columns, schema=EVENT_IDS_SCHEMA)

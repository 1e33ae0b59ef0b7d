"""An operation proposed, confirmed, and done: the fence first, then one commit."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from braze_assets.errors import LedgerError, LedgerMovedError
from braze_assets.ledger.delta import CommitConflict
from braze_assets.ledger.journal import Entry, JournalState
from braze_assets.ledger.operations.commit import commit_change
from braze_assets.ledger.operations.operation import Operation, Size
from braze_assets.ledger.under_way import operated_until

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from braze_assets.ledger.ledger import Ledger

__all__ = ["Outcome", "operate", "propose"]

_ATTEMPTS = 8


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """An operation that was proposed or done."""

    operation: str
    """What it does."""
    code: str
    """The code that confirms it: of this operation, these arguments, this size, this state of the ledger."""
    size: Size
    done: bool = False
    note: str = ""
    after: Mapping[str, int | str] = field(default_factory=dict)
    """Figures of how it is now."""

    def figures(self) -> dict[str, int | str]:
        """All of it by name; it names nobody."""
        after = {f"{name}_now": value for name, value in self.after.items()}
        return {
            "operation": self.operation,
            "done": str(self.done).lower(),
            **self.size.figures(),
            **after,
            "code": self.code,
            "note": self.note or "-",
        }


def propose(ledger: "Ledger", operation: Operation, connection: "DuckDBPyConnection") -> Outcome:
    """The size of an operation, and the code that confirms it. Nothing is changed.

    Raises:
        LedgerError: It cannot be done to this ledger.
    """
    state = ledger.journal.read()
    size = operation.size(ledger, ledger.acknowledged(), connection)
    notes = []
    if size.nothing:
        notes.append("There is nothing to do.")
    elif operation.fenced and not state.position.settled:
        notes.append(
            "A send has not finished. Let it finish first; if its process is dead, have it settled "
            "(--settle, or `settle: true`)."
        )
    code = _code(ledger, operation, state, size, connection)
    return Outcome(operation=operation.summary, code=code, size=size, note=" ".join(notes))


def operate(
    ledger: "Ledger",
    operation: Operation,
    connection: "DuckDBPyConnection",
    *,
    now: datetime,
    confirm: str | None = None,
    settle: bool = False,
) -> Outcome:
    """Do an operation. Run again after it died, it does what is left to do.

    Args:
        ledger: The ledger.
        operation: What to do.
        connection: A DuckDB connection.
        now: The current time.
        confirm: The code `propose` gave; None where nobody needs to be asked.
        settle: Settle a send that has not finished, instead of refusing. If it is still going on it stops.

    Raises:
        LedgerMovedError: The code is of another state, or another run came in between. Nothing was changed.
        LedgerError: A send has not finished; or the ledger cannot be read or written.
    """
    state = ledger.journal.read()
    last = state.last
    if confirm is not None and last is not None and last.plan_id == confirm and last.state != "restoring":
        # Confirmed before. If its commit was made there may be files left to remove; else it never happened.
        if last.state == "emptied" or operated_until(ledger.acknowledged().table) >= last.sequence:
            after = operation.finish(ledger, connection, last.time)
            return Outcome(
                operation=operation.summary, code=confirm, size=Size(), done=True, note="Done.", after=after
            )
        ledger.settle(now, connection)
    proposed = propose(ledger, operation, connection)
    if confirm is not None and confirm != proposed.code:
        figures = ", ".join(f"{name} {value}" for name, value in proposed.size.figures().items())
        raise LedgerMovedError(
            f"The code {confirm} is not of this operation as it would be done now. Its size now: {figures}.",
            place=ledger.uri,
            remedy=f"Look at the size; if it is meant, confirm it with {proposed.code}.",
        )
    if operation.fenced and not ledger.position().settled:
        if not settle:
            raise _unfinished(ledger, now)
        ledger.settle(now, connection)
        proposed = replace(propose(ledger, operation, connection), code=proposed.code)
    if proposed.size.nothing:
        return proposed
    if not operation.fenced:
        after = operation.finish(ledger, connection, now)
        return replace(proposed, done=True, after=after)
    step = _move_fence(ledger, operation, proposed, connection, now, settle=settle)
    _commit(ledger, operation, connection, step, now)
    after = operation.finish(ledger, connection, now)
    return replace(proposed, done=True, after=after)


def _code(
    ledger: "Ledger",
    operation: Operation,
    state: JournalState,
    size: Size,
    connection: "DuckDBPyConnection",
) -> str:
    decisive = [
        *(ledger.sync, ledger.identifier, operation.name, state.sequence),
        *(operation.arguments(connection), size.figures()),
    ]
    digest = hashlib.sha256(json.dumps(decisive, sort_keys=True, default=str).encode()).hexdigest()
    return f"{operation.name}-{state.sequence}-{digest[:6]}"


def _move_fence(
    ledger: "Ledger",
    operation: Operation,
    proposed: Outcome,
    connection: "DuckDBPyConnection",
    now: datetime,
    *,
    settle: bool,
) -> Entry:
    """From here on nothing that was planned or begun before may go on."""
    ledger.migrate()
    for _ in range(_ATTEMPTS):
        state = ledger.journal.read()
        if not state.position.settled and not settle:
            raise _unfinished(ledger, now)
        ledger.settle(now, connection)
        state = ledger.journal.read()
        if not state.position.settled:
            continue
        step = Entry(
            sequence=state.sequence + 1,
            plan_id=proposed.code,
            partition=None,
            as_of=now,
            plan_uri="",
            state="operated",
            operation=operation.summary,
            users=proposed.size.users,
            time=now,
        )
        try:
            ledger.journal.append(state, step)
            return step
        except CommitConflict:
            continue
    raise _moved(ledger)


def _commit(
    ledger: "Ledger", operation: Operation, connection: "DuckDBPyConnection", step: Entry, now: datetime
) -> None:
    for _ in range(_ATTEMPTS):
        held = ledger.acknowledged()
        if operated_until(held.table) >= step.sequence:
            raise _moved(ledger)
        change = operation.change(held, connection, now)
        if change is None:
            ledger.settle(now, connection)
            return
        try:
            commit_change(connection, held, ledger.held_table, change, step.sequence)
            return
        except CommitConflict:
            continue
    raise _moved(ledger)


def _unfinished(ledger: "Ledger", now: datetime) -> LedgerError:
    begun = ledger.journal.read().begun
    return LedgerError(
        f"A send that began at {begun.time if begun else now:%Y-%m-%d %H:%M} UTC has not finished; nothing "
        "was changed.",
        place=ledger.uri,
        remedy="Let it finish. If its process is dead, run the sync again, or have it settled here "
        "(--settle, or `settle: true`): what it has no receipt for is sent again by the next plan.",
    )


def _moved(ledger: "Ledger") -> LedgerMovedError:
    return LedgerMovedError(
        "Another run came in between; nothing was changed.",
        place=ledger.uri,
        remedy="Let it finish, and run this again.",
    )

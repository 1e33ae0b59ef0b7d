"""An operation that was begun: done, or still under way, or ended because its process is gone.

An operation first moves the fence (a step of the journal) and then makes one commit on `acknowledged` that
carries the step's number. Between the two it is under way. Whoever comes then ends it without effect: a
commit with the same number, after which the operation's own commit fails.
"""

from typing import TYPE_CHECKING

from braze_assets.errors import LedgerError
from braze_assets.ledger.delta import CommitConflict, LedgerTable, delta_errors, once
from braze_assets.ledger.journal import Entry, JournalState

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from braze_assets.ledger.ledger import Ledger

__all__ = [
    "check_order",
    "end_operation",
    "is_under_way",
    "numbers_after",
    "operated_until",
    "steps_of",
]


def operated_until(table: "DeltaTable | None") -> int:
    """The last step of the journal whose operation was done, or ended; 0 for none."""
    return 0 if table is None else table.transaction_version("braze_assets.operation") or 0


def is_under_way(state: JournalState, acknowledged: LedgerTable) -> bool:
    """Whether the last step is an operation that was neither done nor ended."""
    last = state.last
    if last is None or last.state != "operated":
        return False
    return operated_until(acknowledged.open()) < last.sequence


def check_order(state: JournalState, acknowledged: LedgerTable) -> None:
    """Refuse a journal that knows less than the table it moves: steps of it were lost.

    Raises:
        LedgerError: They were.
    """
    table = acknowledged.open()
    if table is not None and steps_of(table) > state.sequence:
        raise LedgerError(
            f"The journal of this ledger ends at step {state.sequence}, but its table has seen step "
            f"{steps_of(table)}: an older copy of the journal was put back, or its last commits were lost.",
            place=f"{acknowledged.uri.rpartition('/')[0]}/sends",
            remedy=f"Put the newer files back. If they are gone: braze-assets ledger restore "
            f"{acknowledged.uri.split('/')[-3]} has everything sent again.",
        )


def steps_of(table: "DeltaTable") -> int:
    """The last step of the journal that the table has seen."""
    names = ("fold", "operation")
    return max(table.transaction_version(f"braze_assets.{name}") or 0 for name in names)


def end_operation(last: Entry, ledger: "Ledger") -> None:
    """Have an operation that was not finished end without effect; one that was done stays done.

    Raises:
        LedgerError: It may not end so: a damaged table is being restored.
    """
    from deltalake import write_deltalake

    if last.state == "restoring":
        raise LedgerError(
            f"A damaged table of this ledger has been in repair since {last.time:%Y-%m-%d %H:%M} UTC.",
            place=ledger.uri,
            remedy=f"Finish it: braze-assets ledger restore {ledger.sync}.",
        )
    if last.state != "operated":
        return
    while True:
        table = ledger.held_table.open_or_create()
        if operated_until(table) >= last.sequence:
            return
        try:
            with delta_errors(ledger.held_table.uri):
                write_deltalake(
                    table,
                    ledger.held_table.schema.empty_table(),
                    mode="append",
                    schema_mode="merge",
                    commit_properties=once(**numbers_after(table, last.sequence)),
                )
        except CommitConflict:
            continue


def numbers_after(table: "DeltaTable", sequence: int) -> dict[str, int]:
    """What the commit of an operation says: its step, and the fold it follows.

    The fold's names are in it so that of a fold and an operation at the same time one fails.
    """
    names = ("fold", "receipts")
    before = {name: table.transaction_version(f"braze_assets.{name}") or 0 for name in names}
    return {"operation": sequence, **before}

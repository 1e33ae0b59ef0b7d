"""Folding the last send of a ledger, unless that was done."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from braze_assets.errors import LedgerError
from braze_assets.ledger.fold import Fold
from braze_assets.ledger.journal import Entry, FoldResult, JournalState
from braze_assets.ledger.under_way import operated_until

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from braze_assets.ledger.ahead import FoldAhead
    from braze_assets.ledger.ledger import Ledger

__all__ = ["fold_once"]


def fold_once(
    ledger: "Ledger",
    connection: "DuckDBPyConnection",
    state: JournalState,
    begun: Entry,
    now: datetime,
    ahead: "FoldAhead | None" = None,
) -> tuple[FoldResult | None, int]:
    """Commit the fold unless this very fold, or a newer one, is committed already.

    Raises:
        CommitConflict: Another run moved the ledger meanwhile.
        LedgerError, StorageError: Plan, receipts or ledger cannot be read or written.
    """
    import duckdb

    try:
        return _fold(ledger, connection, state, begun, now, ahead)
    except duckdb.Error as error:
        raise LedgerError(
            f"The send cannot be folded: {type(error).__name__}.",
            place=ledger.uri,
            remedy="Check the storage; nothing was changed, and the next run folds it again.",
        ) from None  # It quotes the cell it fails on.


def _fold(
    ledger: "Ledger",
    connection: "DuckDBPyConnection",
    state: JournalState,
    begun: Entry,
    now: datetime,
    ahead: "FoldAhead | None",
) -> tuple[FoldResult | None, int]:
    done, reach = state.done(begun.plan_id), state.reach(begun.plan_id)
    receipts = ledger.receipts.count(connection, begun.plan_id)
    # The version is fixed before anything is read: the commit fails if another one came meanwhile.
    held = ledger.acknowledged()
    if done is None or (reach is not None and done >= reach):
        return replace(state.outcome(begun.plan_id), version=held.version), receipts
    fold = Fold(
        plan=ledger.kept.table(begun.plan_id, begun.plan_uri),
        receipts=ledger.receipts.of_plan(connection, begun.plan_id),
        done=done,
        reach=reach,
        now=now,
    )
    if ahead is not None and ahead.fits(fold, held.version, receipts):
        result = ahead.count()
    else:
        ahead, fold = None, fold.gathered(connection)
        result = fold.count(connection)
    numbers = {"fold": begun.sequence, "receipts": receipts}
    if held.table is not None:
        before = [held.table.transaction_version(f"braze_assets.{name}") or 0 for name in numbers]
        if max(before[0], operated_until(held.table)) > begun.sequence:
            return None, receipts  # A newer plan was folded: the journal has moved, read it again.
        if before == list(numbers.values()):
            return replace(result, version=held.version), receipts
    if not result.accepted and not result.unknown:
        return replace(result, version=held.version), receipts
    if ahead is None or not ahead.commit(**numbers):
        fold.gathered(connection).commit(connection, held, ledger.held_table, **numbers)
    return replace(
        result, users=result.accepted + result.unknown, version=ledger.acknowledged().version
    ), receipts

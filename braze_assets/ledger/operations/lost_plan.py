"""A send whose plan is gone: nobody can fold it, so that nothing counts as certain any more."""

from datetime import datetime
from typing import TYPE_CHECKING

from braze_assets.errors import LedgerError
from braze_assets.ledger.acknowledged import Acknowledged
from braze_assets.ledger.journal import FOLDS, OPERATIONS, Entry, JournalState
from braze_assets.ledger.operations.cells import BOOKKEEPING, marked, none_sql
from braze_assets.ledger.operations.operation import Rewrite
from braze_assets.storage import quote_identifier, quote_literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from braze_assets.ledger.ledger import Ledger

__all__ = ["LOST", "everything_unknown", "lost_plan", "open_send"]

LOST = "repair of a lost plan"
"""The step's word in the journal."""


def open_send(state: JournalState) -> Entry | None:
    """The last send, while nobody has folded it."""
    begun = state.begun
    if begun is None or any(each.sequence > begun.sequence and each.state in FOLDS for each in state.entries):
        return None
    return begun


def lost_plan(ledger: "Ledger", connection: "DuckDBPyConnection") -> Entry | None:
    """The last send, where it is still to be folded and its plan is gone."""
    state = ledger.journal.read()
    begun, last = state.begun, state.last
    if begun is None or last is None or last.state in OPERATIONS:
        return None
    if last.state in FOLDS and ledger.receipts.count(connection, begun.plan_id) <= (last.receipts or 0):
        return None
    try:
        ledger.kept.table(begun.plan_id, begun.plan_uri)
    except LedgerError:
        return begun
    return None


def everything_unknown(
    ledger: "Ledger", held: Acknowledged, connection: "DuckDBPyConnection", begun: Entry, now: datetime
) -> Rewrite:
    """All rows with all attributes marked, and rows of users that only the send's receipts know.

    Also attributes without a value: the send may have set them, so that they may have to be unset.
    """
    identifier = quote_identifier(held.identifier)
    columns = held.columns or {held.identifier: "VARCHAR", **BOOKKEEPING}
    names = ", ".join(quote_literal(name) for name in held.types())
    every = f"CASE WHEN h.{identifier} IS NOT NULL THEN [{names}]::VARCHAR[] END"
    unknown = marked("h._unknown", every, "s.names")
    own = {
        held.identifier: f"coalesce(h.{identifier}, s.identifier)",
        "_unknown": unknown,
        "_plan_id": f"coalesce(h._plan_id, {quote_literal(begun.plan_id)})",
        "_acknowledged_at": f"coalesce(h._acknowledged_at, TIMESTAMPTZ {quote_literal(now.isoformat())})",
    }
    cells = ", ".join(
        f"{own.get(name, 'h.' + quote_identifier(name))} AS {quote_identifier(name)}" for name in columns
    )
    try:
        receipts = ledger.receipts.of_plan(connection, begun.plan_id)
    except LedgerError:
        receipts = None  # They are damaged as well.
    sent = (
        "(SELECT identifier, list_filter(flatten(list(json_keys(object))), "
        f"lambda x: x <> {quote_literal(held.identifier)} AND NOT starts_with(x, '_')) AS names "
        f"FROM {receipts} WHERE outcome <> 'rejected' GROUP BY 1)"
        if receipts
        else "(SELECT NULL::VARCHAR AS identifier, NULL::VARCHAR[] AS names WHERE false)"
    )
    rows = held.sql(connection) or none_sql(columns)
    return Rewrite(f"SELECT {cells} FROM {rows} AS h FULL JOIN {sent} AS s ON s.identifier = h.{identifier}")

"""Fewer and smaller files in a ledger of events. No id and nothing in doubt is lost."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from braze_assets.errors import ConfigurationError
from braze_assets.ledger.delta import data_files, delta_errors
from braze_assets.ledger.events.send import receipts_id

if TYPE_CHECKING:
    from braze_assets.ledger.delta import LedgerTable
    from braze_assets.ledger.events.ledger import EventLedger

__all__ = ["compact_events", "stored_events"]


def stored_events(ledger: "EventLedger") -> dict[str, int]:
    """Data files and their bytes by table, those of older versions included."""
    from braze_assets.ledger.operations.compact import stored

    found: dict[str, int] = {}
    for name, table in _tables(ledger).items():
        files, size = stored(table.uri)
        found |= {f"{name}_files": files, f"{name}_bytes_with_history": size}
    return found


def compact_events(
    ledger: "EventLedger", *, now: datetime, history_days: int = 30, receipt_days: int = 30
) -> dict[str, int]:
    """Join small files; remove old receipts, and the files that only older versions need.

    The receipts of the last send stay: a fold may need them. Harmless beside a send.

    Raises:
        ConfigurationError: Days are negative.
        LedgerError: The ledger cannot be read or written.
    """
    from braze_assets.ledger.operations.compact import remove_history

    if min(history_days, receipt_days) < 0:
        raise ConfigurationError("Days cannot be negative.", remedy="Give 0 or more.")
    begun = ledger.journal.read().begun
    if ledger.receipts.table.open() is not None:
        last = receipts_id(begun.plan_id, begun.sequence) if begun else None
        ledger.receipts.forget(now - timedelta(days=receipt_days), but=last)
    for name, table in _tables(ledger).items():
        opened = table.open()
        if opened is not None and len(data_files(opened)) > 1:
            with delta_errors(table.uri):
                opened.optimize.compact()
        if name != "sends":
            remove_history(table, days=history_days)
    return stored_events(ledger)


def _tables(ledger: "EventLedger") -> "dict[str, LedgerTable]":
    return {
        "event_ids": ledger.ids.table,
        "receipts": ledger.receipts.table,
        "reserved": ledger.reserved.table,
        "sends": ledger.journal.table,
    }

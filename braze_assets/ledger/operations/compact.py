"""Fewer and smaller files: small ones are joined, those of older versions and old receipts removed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from braze_assets.errors import ConfigurationError
from braze_assets.ledger.acknowledged import Acknowledged
from braze_assets.ledger.delta import LedgerTable, data_files, delta_errors
from braze_assets.ledger.operations.operation import Size
from braze_assets.storage import open_path, storage_errors

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from braze_assets.ledger.ledger import Ledger

__all__ = ["Compact", "remove_history", "stored"]

_WHOLE_DAY = 24


@dataclass(frozen=True)
class Compact:
    """Join small files, and remove what is older than it needs to be.

    What the ledger needs is never removed: the newest version of each table, the journal, and the receipts of
    the last plan.

    Args:
        history_days: How long "what did Braze hold then" can be answered.
        receipt_days: How long receipts are kept.
    """

    history_days: int = 30
    receipt_days: int = 30
    fenced: ClassVar[bool] = False
    name: ClassVar[str] = "compact"

    @property
    def summary(self) -> str:
        """What it does."""
        return f"compaction (history of {self.history_days} days, receipts of {self.receipt_days} days)"

    def arguments(self, connection: "DuckDBPyConnection") -> Mapping[str, Any]:
        """What decides what it does."""
        return {"history_days": self.history_days, "receipt_days": self.receipt_days}

    def size(self, ledger: "Ledger", held: Acknowledged, connection: "DuckDBPyConnection") -> Size:
        """Files and bytes as they are."""
        if min(self.history_days, self.receipt_days) < 0:
            raise ConfigurationError("Days cannot be negative.", remedy="Give 0 or more.")
        return Size(users=held.users, bytes=held.bytes, more=dict(_stored(ledger)))

    def change(self, held: Acknowledged, connection: "DuckDBPyConnection", now: datetime) -> None:
        """Nothing: what the ledger says stays as it is."""

    def finish(
        self, ledger: "Ledger", connection: "DuckDBPyConnection", now: datetime
    ) -> Mapping[str, int | str]:
        """All of it."""
        begun = ledger.journal.read().begun
        if ledger.receipts.table.open() is not None:
            until = now - timedelta(days=self.receipt_days)
            ledger.receipts.forget(until, but=begun.plan_id if begun else None)
        for table in (ledger.held_table, ledger.receipts.table, ledger.journal.table):
            opened = table.open()
            if opened is None:
                continue
            if len(data_files(opened)) > 1:
                with delta_errors(table.uri):
                    opened.optimize.compact()
            if table is not ledger.journal.table:
                remove_history(table, days=self.history_days)
        return _stored(ledger)


def remove_history(table: LedgerTable, *, days: int) -> None:
    """Remove the files that only older versions need."""
    opened = table.open()
    if opened is None:
        return
    hours = days * 24
    with delta_errors(table.uri):
        # Files that no version names may be those of a commit that is being made right now.
        opened.vacuum(
            retention_hours=hours,
            dry_run=False,
            enforce_retention_duration=False,
            full=hours >= _WHOLE_DAY,
        )


def _stored(ledger: "Ledger") -> dict[str, int]:
    found: dict[str, int] = {}
    for name, table in (("ledger", ledger.held_table), ("receipts", ledger.receipts.table)):
        files, size = stored(table.uri)
        found |= {f"{name}_files": files, f"{name}_bytes_with_history": size}
    return found


def stored(uri: str) -> tuple[int, int]:
    """Data files and their bytes under a table's folder, those of older versions included."""
    path = open_path(uri)
    with storage_errors(uri):
        if not path.exists():
            return 0, 0
        sizes = [
            int(info["size"])
            for name, info in path.fs.find(path.path, detail=True).items()
            if name.endswith(".parquet") and "/_delta_log/" not in name
        ]
    return len(sizes), sum(sizes)

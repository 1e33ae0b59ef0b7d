"""The reservation: how far a send may have come, written down before it gets there.

Every step is a compare-and-swap. So a run that is overtaken cannot reserve another object, whatever its clock
says and however long it slept: the run that takes over closes the reservation first, and then knows for good
which objects may have been sent.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from braze_assets.errors import LedgerMovedError
from braze_assets.ledger.delta import CommitConflict, LedgerTable, delta_errors, once
from braze_assets.ledger.events.schemas import RESERVED_SCHEMA
from braze_assets.storage import Storage

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = ["Reservation", "Reserved"]

_ATTEMPTS = 8
_CLOCK = "braze_assets.reserved"


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """The one row of the table."""

    send: int = 0
    mark: int = 0
    state: str = "closed"

    @property
    def doubtful(self) -> int:
        """Objects with a smaller ordinal and no receipt may have been sent."""
        return 0 if self.state == "released" else self.mark


class Reserved:
    """The `reserved` table of an event ledger."""

    def __init__(self, storage: Storage, uri: str) -> None:
        self.table = LedgerTable(storage, uri, RESERVED_SCHEMA)
        self._held: tuple[DeltaTable, Reservation] | None = None

    def read(self) -> Reservation:
        """Where it stands."""
        table = self.table.open()
        return Reservation() if table is None else self._row(table)

    def open(self, send: int, now: datetime) -> None:
        """Begin a send's reservation, of nothing yet.

        Raises:
            LedgerMovedError: Another run has taken over in the same moment.
        """
        for _ in range(_ATTEMPTS):
            table = self.table.open_or_create()
            if self._row(table).send >= send:
                break
            if self._write(table, Reservation(send=send, state="open"), now):
                return
        raise self._moved()

    def move(self, send: int, now: datetime, *, mark: int | None = None) -> None:
        """Move the mark of the send that `open` began here; without a mark, release what is reserved.

        Raises:
            LedgerMovedError: Another run has closed the reservation: nothing more may be sent.
        """
        for _ in range(_ATTEMPTS):
            table, row = self._held or self._opened()
            if row.send != send or row.state != "open":
                break
            new = Reservation(
                send=send,
                mark=max(row.mark, mark or 0),  # never back: what was reserved may have been sent
                state="released" if mark is None else "open",
            )
            if self._write(table, new, now):
                return
        raise self._moved()

    def close(self, send: int, now: datetime) -> Reservation:
        """The last word on a send's reservation: from now on its run cannot reserve more.

        Raises:
            LedgerMovedError: A newer send has begun.
        """
        for _ in range(_ATTEMPTS):
            table = self.table.open_or_create()
            row = self._row(table)
            if row.send > send:
                break
            if row.send == send and row.state != "open":
                return row
            # A run that died before it reserved anything has no row of its own.
            closed = Reservation(send=send, mark=row.mark if row.send == send else 0)
            if self._write(table, closed, now):
                return closed
        raise self._moved()

    def _opened(self) -> "tuple[DeltaTable, Reservation]":
        table = self.table.open_or_create()
        return table, self._row(table)

    def _row(self, table: "DeltaTable") -> Reservation:
        with delta_errors(self.table.uri):
            rows = table.to_pyarrow_table().to_pylist()
        return (
            Reservation(send=rows[-1]["send"], mark=rows[-1]["mark"], state=rows[-1]["state"])
            if rows
            else Reservation()
        )

    def _write(self, table: "DeltaTable", new: Reservation, now: datetime) -> bool:
        """Whether nobody else wrote since `table` was opened."""
        from deltalake import write_deltalake

        row = {"send": new.send, "mark": new.mark, "state": new.state, "time": now}
        self._held = None
        try:
            with delta_errors(self.table.uri):
                write_deltalake(
                    table,
                    pa.Table.from_pylist([row], schema=RESERVED_SCHEMA),
                    mode="overwrite",
                    commit_properties=once(reserved=(table.transaction_version(_CLOCK) or 0) + 1),
                )
        except CommitConflict:
            return False
        self._held = (table, new)
        return True

    def _moved(self) -> LedgerMovedError:
        return LedgerMovedError(
            "Another run has taken this send over: what it had reserved is settled, and nothing more may go.",
            place=self.table.uri,
            remedy="Let that run finish. Keep the sync's pool limit at 1 so that two runs do not meet.",
        )

"""One send of a plan of events: what is still to be sent, what came of it, and its end."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from braze_assets.ledger.events.schemas import Guarantee
from braze_assets.ledger.journal import FoldResult
from braze_assets.ledger.schemas import PLAN_KEY
from braze_assets.storage import StoredTable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from braze_assets.ledger.events.ledger import EventLedger

__all__ = ["EventSend", "Pending"]


@dataclass(frozen=True)
class Pending:
    """What a send has to do.

    Args:
        count: Objects to be sent.
        end: One more than the ordinal of the last of them.
        known: Objects of the plan that were sent since it was made, or earlier by this same plan.
        identifier: The plan's identifier column.
    """

    count: int
    end: int
    known: int
    identifier: str
    _mask: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
    _plan: StoredTable

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """The objects in the plan's order: n, identifier, object, data_points."""
        if not self.count:
            return
        columns = ["n", self.identifier, "object", "data_points"]
        scanner = self._plan.dataset().scanner(
            columns=columns, batch_size=rows, batch_readahead=2, fragment_readahead=1
        )
        for batch in scanner.to_batches():
            ordinals = batch.column("n")
            if ordinals.null_count:
                batch = batch.filter(ordinals.is_valid())  # what is left out stands at the end
                ordinals = batch.column("n")
            n = ordinals.to_numpy(zero_copy_only=False)
            if len(n) and int(n[0]) >= self.end:
                return
            n = n[n < self.end]
            wanted = self._mask[n]
            batch = batch.slice(0, len(n)).rename_columns(["n", "identifier", "object", "data_points"])
            yield batch if wanted.all() else batch.filter(pa.array(wanted))


@dataclass(frozen=True, kw_only=True)
class EventSend:
    """A begun send. It may go on for as long as no other run takes over.

    Args:
        ledger: The ledger it moves.
        plan_id: The plan it sends.
        sequence: Its number in the ledger's journal: the fence.
        object_limit: Only this many first objects of the plan are sent (a test); None for all.
        guarantee: What the plan was made with.
        plan: The ledger's own copy of the plan.
    """

    ledger: "EventLedger"
    plan_id: str
    sequence: int
    object_limit: int | None
    guarantee: Guarantee
    plan: StoredTable

    @property
    def receipts_id(self) -> str:
        """The `plan_id` of this send's receipts: a plan can be sent several times, each with its own."""
        return receipts_id(self.plan_id, self.sequence)

    def pending(self, connection: "DuckDBPyConnection") -> Pending:
        """What is to be sent now: not what the ledger knows, whichever plan it came with."""
        source = self.plan.sql(connection)
        limit = "" if self.object_limit is None else f"WHERE n < {self.object_limit}"
        [(end,)] = connection.sql(f"SELECT coalesce(max(n) + 1, 0) FROM {source} {limit}").fetchall()
        mask = np.ones(int(end), bool)
        excluded = self.ledger.ids.now().excluded(
            connection,
            f"SELECT event_id FROM {source} WHERE n < {end}",
            plan_id=self.plan_id,
            guarantee=self.guarantee,
        )
        reader = connection.sql(
            f"SELECT n FROM {source} WHERE n < {end} AND event_id IN (SELECT event_id FROM {excluded})"
        ).to_arrow_reader(100_000)
        for batch in reader:
            mask[batch.column(0).to_numpy()] = False
        count = int(mask.sum())
        last = int(np.flatnonzero(mask)[-1]) + 1 if count else 0
        identifier = (self.plan.document(PLAN_KEY) or {})["identifier"]
        return Pending(count, last, int(end) - count, identifier, mask, self.plan)

    def reserve(self, mark: int, now: datetime) -> None:
        """Write down that objects before `mark` may be sent. When this returns, it is durable.

        Raises:
            LedgerMovedError: Another run has taken over: they may not.
        """
        self.ledger.reserved.move(self.sequence, now, mark=mark)

    def release(self, now: datetime) -> None:
        """Write down that everything that was sent has its receipt.

        Raises:
            LedgerMovedError: Another run has taken over, and has settled what it found.
        """
        self.ledger.reserved.move(self.sequence, now)

    def record(self, receipts: pa.Table) -> None:
        """Append receipts (`RECEIPTS_SCHEMA`, with `receipts_id`). When this returns they are durable.

        Raises:
            LedgerMovedError: Another run has taken over; nothing was appended. Stop sending.
            LedgerError: The receipts cannot be written.
        """
        self.check()
        self.ledger.receipts.append(receipts)

    def check(self) -> None:
        """Raise if another run has taken over.

        Raises:
            LedgerMovedError: It has. Stop sending.
        """
        self.ledger.check_fence(self.sequence)

    def finish(self, connection: "DuckDBPyConnection", now: datetime) -> FoldResult:
        """Fold what came of the send into the ids. Idempotent, and safe to be killed in.

        Raises:
            LedgerMovedError: Another run has taken over.
            LedgerError: The fold failed; the next `settle` does it again.
        """
        self.check()
        return self.ledger.fold_last(connection, now, sequence=self.sequence)


def receipts_id(plan_id: str, sequence: int) -> str:
    """What the receipts of one send are filed under."""
    return f"{plan_id}.{sequence}"

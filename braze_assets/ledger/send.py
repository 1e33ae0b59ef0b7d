"""One send of a plan: what is still to be sent, what came of it, and its end."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from braze_assets.errors import LedgerError
from braze_assets.ledger.fold import outcomes_sql
from braze_assets.ledger.journal import FoldResult
from braze_assets.ledger.schemas import PLAN_KEY
from braze_assets.storage import StoredTable, quote_identifier

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from braze_assets.ledger.ahead import FoldAhead
    from braze_assets.ledger.ledger import Ledger

__all__ = ["Send"]

_BATCH = 10_000


@dataclass(kw_only=True)
class Send:
    """A begun send. It may go on for as long as no other run begins one.

    Args:
        ledger: The ledger it moves.
        plan_id: The plan it sends.
        sequence: Its number in the ledger's journal: the fence.
        resumed: Whether the plan was begun before: some of its objects may have been sent already.
        object_limit: Only this many first objects of the plan are sent (a test); None for all.
        done: This many first objects were answered and folded by earlier sends; None for all.
        plan: The ledger's own copy of the plan.
    """

    ledger: "Ledger"
    plan_id: str
    sequence: int
    resumed: bool
    object_limit: int | None
    done: int | None
    plan: StoredTable
    _ahead: "FoldAhead | None" = field(default=None, init=False, repr=False)

    @contextmanager
    def folding_ahead(self, now: datetime) -> Iterator[None]:
        """Prepare the fold in the background, from what `record` is given, until `finish` makes it count."""
        from braze_assets.ledger.ahead import FoldAhead

        self._ahead = FoldAhead.of(self, now)
        try:
            yield
        finally:
            ahead, self._ahead = self._ahead, None
            if ahead is not None:
                ahead.close()

    def pending_sql(self, connection: "DuckDBPyConnection", plan: StoredTable | None = None) -> str:
        """A SQL table expression of the plan's rows that are still to be sent.

        Those are the first `object_limit` objects without an accepted or a rejected receipt.

        Raises:
            LedgerError: `plan` is another plan.
        """
        plan = plan or self.plan
        if (plan.document(PLAN_KEY) or {}).get("plan_id") != self.plan_id:
            raise LedgerError(
                f"The file is not the plan {self.plan_id} that was begun.",
                place=", ".join(plan.uris),
                remedy="Give the plan that was begun, or begin this one.",
            )
        source = plan.sql(connection)
        if self.done is None:
            return f"(SELECT * FROM {source} WHERE false)"
        where = f"n >= {self.done}"
        if self.object_limit is not None:
            where += f" AND n < {self.object_limit}"
        receipts = self.ledger.receipts.of_plan(connection, self.plan_id) if self.resumed else None
        if receipts is not None:
            answered = f"SELECT n FROM {outcomes_sql(receipts)} WHERE accepted OR rejected"
            where += f" AND NOT EXISTS (SELECT 1 FROM ({answered}) AS a WHERE a.n = p.n)"
        return f"(SELECT * FROM {source} AS p WHERE {where})"

    def pending(
        self, connection: "DuckDBPyConnection", plan: StoredTable | None = None
    ) -> pa.RecordBatchReader:
        """Stream what is still to be sent: n, identifier, object.

        The connection is busy until the stream is read to its end. The order is any.
        """
        identifier = quote_identifier(self.ledger.identifier)
        return connection.sql(
            f"SELECT n, {identifier} AS identifier, object FROM {self.pending_sql(connection, plan)}"
        ).to_arrow_reader(_BATCH)

    def pending_count(self, connection: "DuckDBPyConnection") -> int:
        """How many objects are still to be sent; as the plan's header says where nothing was sent yet."""
        counts = (self.plan.document(PLAN_KEY) or {}).get("counts", {})
        if self.done == 0 and not self.resumed and "objects" in counts:
            objects = int(counts["objects"])
            return objects if self.object_limit is None else min(objects, self.object_limit)
        return int(connection.sql(f"SELECT count(*) FROM {self.pending_sql(connection)}").fetchall()[0][0])

    def record(self, receipts: pa.Table) -> None:
        """Append receipts (`RECEIPTS_SCHEMA`). When this returns they are durable.

        Raises:
            LedgerMovedError: Another run has taken over; nothing was appended. Stop sending.
            LedgerError: The receipts cannot be written.
        """
        self.check()
        self.ledger.receipts.append(receipts)
        if self._ahead is not None:
            self._ahead.add(receipts)

    def check(self) -> None:
        """Raise if another run has taken over.

        Raises:
            LedgerMovedError: It has. Stop sending.
        """
        self.ledger.check_fence(self.sequence)

    def finish(self, connection: "DuckDBPyConnection", now: datetime) -> FoldResult:
        """Fold what came of the send into `acknowledged`. Idempotent, and safe to be killed in.

        Raises:
            LedgerMovedError: Another run has taken over.
            LedgerError: The fold failed; the next `settle` does it again.
        """
        self.check()
        if self._ahead is not None:
            self._ahead.hurry()
        return self.ledger.fold_last(connection, now, sequence=self.sequence, ahead=self._ahead)

"""The ledger of one sync of events or purchases: what was sent, and who may send."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from braze_assets.ledger.base import ATTEMPTS, BaseLedger
from braze_assets.ledger.delta import CommitConflict
from braze_assets.ledger.events.event_ids import EventIds
from braze_assets.ledger.events.fold import EventFold
from braze_assets.ledger.events.reserved import Reserved
from braze_assets.ledger.events.review import Review
from braze_assets.ledger.events.send import EventSend, receipts_id
from braze_assets.ledger.journal import FOLDS, Entry, FoldResult, JournalState, Position
from braze_assets.storage import Storage, connect

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["EventLedger"]


class EventLedger(BaseLedger):
    """The ledger of one sync of events, under `<storage>/ledger/<sync>/events/`.

    A send is `begin`, any number of `reserve` and `record`, then `release` and `finish`. Whatever instant it
    dies in, the next `settle` puts the ledger right: objects with a receipt have their outcome, objects that
    were reserved and have none are unknown, and all others were certainly not sent.

    Args:
        storage: Where.
        sync: The sync's name.
    """

    def __init__(self, storage: Storage, sync: str) -> None:
        super().__init__(storage, sync, "events")
        self.ids = EventIds(storage, f"{self.uri}/event_ids")
        self.reserved = Reserved(storage, f"{self.uri}/reserved")
        self.review = Review(self.ids, f"{self.uri}/event_ids")

    def position(self) -> Position:
        """Where the ledger stands."""
        return self.journal.read().position

    def rows_before(self, partition: str | None, state: JournalState | None = None) -> list[int]:
        """How many rows each other partition had when it was last sent."""
        by_partition: dict[str | None, int] = {}
        for entry in (state or self.journal.read()).entries:
            if entry.state in ("begun", "resumed") and entry.users is not None:
                by_partition[entry.partition if entry.partition is not None else entry.plan_id] = entry.users
        return [rows for key, rows in by_partition.items() if key != partition]

    def settle(self, now: datetime, connection: "DuckDBPyConnection | None" = None) -> FoldResult | None:
        """Fold the last send if it did not finish, so that another can be made. Idempotent.

        Returns:
            What was folded; None when nothing was left over.

        Raises:
            LedgerError: The plan of the unfinished send is gone, or the ledger cannot be written.
        """
        state = self.journal.read()
        begun, last = state.begun, state.last
        if begun is None or last is None:
            return None
        if connection is None:
            with connect() as own:
                return self.settle(now, own)
        filed = receipts_id(begun.plan_id, begun.sequence)
        if last.state in FOLDS and self.receipts.count(connection, filed) <= (last.receipts or 0):
            return None
        return self.fold_last(connection, now)

    def begin(
        self,
        *,
        plan_id: str,
        partition: str | None,
        as_of: datetime,
        plan_uri: str,
        object_limit: int | None = None,
        now: datetime,
    ) -> EventSend:
        """Write down that the plan is sent from now on; before that nothing may be sent.

        A plan does not grow stale: what other plans sent since it was made is left out of it. A send that did
        not finish is settled first.

        Args:
            plan_id: The plan's id.
            partition: The plan's partition; None for a sync without.
            as_of: The end of that partition.
            plan_uri: The plan's file; the ledger keeps a copy until a newer plan begins.
            object_limit: Only this many first objects will be sent; None for all.
            now: The current time.

        Raises:
            LedgerMovedError: Other runs begin sends of this sync at the same time.
            LedgerError: The file is another plan.
            StorageError: The file is not there.
        """
        for _ in range(ATTEMPTS):
            self.settle(now)
            state = self.journal.read()
            if not state.position.settled:
                continue
            plan, document = self.kept.keep(plan_id, plan_uri)
            again = any(entry.plan_id == plan_id for entry in state.entries)
            entry = Entry(
                sequence=state.sequence + 1,
                plan_id=plan_id,
                partition=partition,
                as_of=as_of,
                plan_uri=plan_uri,
                state="resumed" if again else "begun",
                object_limit=object_limit,
                users=document.get("counts", {}).get("rows"),
                time=now,
            )
            self.receipts.create()
            try:
                self.journal.append(state, entry)
            except CommitConflict:
                continue
            self.reserved.open(entry.sequence, now)
            self._tidy(plan_id)
            return EventSend(
                ledger=self,
                plan_id=plan_id,
                sequence=entry.sequence,
                object_limit=object_limit,
                guarantee=document["guarantee"],
                plan=plan,
            )
        raise self._contended()

    def fold_last(
        self, connection: "DuckDBPyConnection", now: datetime, *, sequence: int | None = None
    ) -> FoldResult:
        """Fold the last begun plan and write that into the journal.

        Args:
            connection: A DuckDB connection.
            now: The current time.
            sequence: Do so only while this is the fence: the send's own run says so. Another run settles.

        Raises:
            LedgerMovedError: It is not the fence any more.
        """
        return self._fold_begun(lambda state, begun: self._fold(connection, begun, now), now, sequence)

    def _fold(self, connection: "DuckDBPyConnection", begun: Entry, now: datetime) -> tuple[FoldResult, int]:
        reservation = self.reserved.close(begun.sequence, now)
        filed = receipts_id(begun.plan_id, begun.sequence)
        receipts = self.receipts.count(connection, filed)
        fold = EventFold(
            plan=self.kept.table(begun.plan_id, begun.plan_uri),
            receipts=self.receipts.of_plan(connection, filed),
            send=begun.sequence,
            doubtful=reservation.doubtful,
            reach=begun.object_limit,
            ids=self.ids.now(),
            now=now,
        )
        result = fold.compute(connection)
        return replace(result, users=fold.commit(connection, self.ids)), receipts

    def _compact(self) -> None:
        super()._compact()
        self.ids.compact()

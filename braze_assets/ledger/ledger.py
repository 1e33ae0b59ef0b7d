"""The ledger of one sync: what Braze has acknowledged, and who may move that."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.errors import LedgerMovedError, PlanRefusedError
from braze_assets.ledger.acknowledged import Acknowledged, acknowledged_table
from braze_assets.ledger.base import ATTEMPTS, BaseLedger
from braze_assets.ledger.delta import CommitConflict, format_of
from braze_assets.ledger.folding import fold_once
from braze_assets.ledger.journal import FOLDS, OPERATIONS, Entry, FoldResult, Position
from braze_assets.ledger.launches import launched_text, retired_by
from braze_assets.ledger.schemas import FORMAT
from braze_assets.ledger.send import Send
from braze_assets.ledger.under_way import check_order, end_operation, is_under_way
from braze_assets.storage import Storage, connect

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from braze_assets.ledger.ahead import FoldAhead

__all__ = ["Ledger"]


class Ledger(BaseLedger):
    """The ledger of one sync and identifier kind, under `<storage>/ledger/<sync>/<identifier kind>/`.

    A send is `begin`, any number of `Send.record`, and `Send.finish`. Whatever instant it dies in, the next
    `settle` puts the ledger right: accepted objects move values, and objects whose outcome is not known leave
    their attributes marked as unknown.

    Args:
        storage: Where.
        sync: The sync's name: two destinations are two syncs and have two ledgers.
        identifier: The kind of identifier, which names the column.
    """

    def __init__(self, storage: Storage, sync: str, identifier: IdentifierKind) -> None:
        super().__init__(storage, sync, identifier)
        self.identifier = identifier
        self.held_table = acknowledged_table(storage, f"{self.uri}/acknowledged", identifier)

    def position(self) -> Position:
        """Where the ledger stands.

        While an operation is under way it is the step before: what is planned from it is refused later.
        """
        state = self.journal.read()
        position = state.position
        if is_under_way(state, self.held_table):
            return replace(position, sequence=state.sequence - 1, settled=False)
        return position

    def launched(self, partition: str | None) -> str | None:
        """When this was launched, and for which partition, where it is sent once; None if it was not."""
        launch = self.journal.read().launched(partition)
        return launched_text(launch) if launch else None

    def retired(self) -> frozenset[str]:
        """The attributes that somebody retired by hand."""
        return retired_by(self.journal.read())

    def acknowledged(self, as_of: datetime | int | None = None) -> Acknowledged:
        """What Braze has acknowledged: now, at a Delta version, or as it was at a time."""
        return Acknowledged.at(self.held_table, self.identifier, as_of)

    def settle(self, now: datetime, connection: "DuckDBPyConnection | None" = None) -> FoldResult | None:
        """Fold the last send if it did not finish, so that a plan can be made. Idempotent.

        Returns:
            What was folded; None when nothing was left over.

        Raises:
            LedgerError: The plan of the unfinished send is gone, or the ledger cannot be written.
        """
        state = self.journal.read()
        check_order(state, self.held_table)
        begun, last = state.begun, state.last
        if last is not None and last.state in OPERATIONS:
            end_operation(last, self)
            return None
        if begun is None or last is None:
            return None
        if connection is None:
            with connect() as own:
                return self.settle(now, own)
        if last.state in FOLDS and self.receipts.count(connection, begun.plan_id) <= (last.receipts or 0):
            return None
        return self.fold_last(connection, now)

    def begin(
        self,
        *,
        plan_id: str,
        partition: str | None,
        as_of: datetime,
        plan_uri: str,
        expected_position: int,
        object_limit: int | None = None,
        once: bool = False,
        now: datetime,
    ) -> Send:
        """Write down that the plan is sent from now on; before that nothing may be sent.

        A plan that was the last one begun is resumed. Empty plans are begun and finished as well: that is how
        the ledger learns which partition it stands at.

        Args:
            plan_id: The plan's id.
            partition: The plan's partition; None for a sync without.
            as_of: The end of that partition.
            plan_uri: The plan's file; the ledger keeps a copy until a newer plan begins.
            expected_position: The position the plan was made at (`PlanHeader.ledger_position`).
            object_limit: Only this many first objects will be sent; None for all.
            once: Refuse when there was a launch already, see `JournalState.launched`.
            now: The current time.

        Raises:
            PlanRefusedError: There was a launch already.
            LedgerMovedError: Another plan began, or an earlier one was folded, since this plan was made.
            LedgerError: The file is another plan.
            StorageError: The file is not there.
        """
        for _ in range(ATTEMPTS):
            state = self.journal.read()
            if state.table is not None and format_of(state.table) < FORMAT:
                self.migrate()
                continue
            begun = state.begun
            # After an operation nothing goes on as before.
            resumed = begun is not None and begun.plan_id == plan_id and begun.sequence == state.fence
            if not resumed and (state.sequence != expected_position or not state.position.settled):
                raise LedgerMovedError(
                    f"The plan was made when the ledger stood at step {expected_position}; it stands at "
                    f"step {state.sequence} now.",
                    place=self.uri,
                    remedy="Make the plan again (materialize the delta), then send it.",
                )
            launch = state.launched(partition) if once and not resumed else None
            if launch is not None:
                # Of the state that the step below is appended to: of two at once, one comes to see the other.
                raise PlanRefusedError(
                    f"This is sent once only, and it was {launched_text(launch)}.",
                    place=self.uri,
                    remedy="Nothing was sent. For another launch make another campaign.",
                )
            plan, document = self.kept.keep(plan_id, plan_uri)
            counts = document.get("counts", {})
            entry = Entry(
                sequence=state.sequence + 1,
                plan_id=plan_id,
                partition=partition,
                as_of=as_of,
                plan_uri=plan_uri,
                state="resumed" if resumed else "begun",
                object_limit=object_limit,
                users=counts.get("users"),
                vanished=counts.get("vanished"),
                time=now,
            )
            self.receipts.create()
            try:
                self.journal.append(state, entry)
            except CommitConflict:
                continue
            self._tidy(plan_id)
            return Send(
                ledger=self,
                plan_id=plan_id,
                sequence=entry.sequence,
                resumed=resumed,
                object_limit=object_limit,
                done=state.done(plan_id),
                plan=plan,
            )
        raise self._contended()

    def fold_last(
        self,
        connection: "DuckDBPyConnection",
        now: datetime,
        *,
        sequence: int | None = None,
        ahead: "FoldAhead | None" = None,
    ) -> FoldResult:
        """Fold the last begun plan and write that into the journal.

        Args:
            connection: A DuckDB connection.
            now: The current time.
            sequence: Do so only while this is the fence: the send's own run says so. Another run settles.
            ahead: What is prepared of this fold.

        Raises:
            LedgerMovedError: It is not the fence any more.
        """
        return self._fold_begun(
            lambda state, begun: fold_once(self, connection, state, begun, now, ahead), now, sequence
        )

    def lookup(self, connection: "DuckDBPyConnection", identifier: str) -> pa.Table:
        """Everything that was sent for one user, oldest first, with the partition it was sent for.

        Args:
            connection: A DuckDB connection.
            identifier: The identifier as it stands in the table; an alias as its JSON.
        """
        rows = self.receipts.of_user(connection, identifier)
        partitions = {entry.plan_id: entry.partition for entry in self.journal.read().entries}
        names = [partitions.get(plan_id) for plan_id in rows.column("plan_id").to_pylist()]
        return rows.append_column("partition", pa.array(names, pa.string()))

    def migrate(self) -> None:
        """Mark the tables of a ledger that an older version made; what they hold can be read as it is."""
        for table in (self.receipts.table, self.held_table, self.journal.table):
            table.migrate()

"""The journal of sends: which plan moves the ledger, and who may."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from braze_assets.ledger.delta import CommitConflict, LedgerTable, data_files, delta_errors, once
from braze_assets.ledger.schemas import SENDS_SCHEMA
from braze_assets.storage import Storage

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = ["FOLDS", "OPERATIONS", "Entry", "FoldResult", "Journal", "JournalState", "Position"]

_COMPACT_FROM = 100
FOLDS = ("folded", "settled")
"""States of a step that ends a send: by its own run, or by another run in its place."""
_SENDS = ("begun", "resumed")
OPERATIONS = ("operated", "emptied", "restoring")
"""States of a step that is no send but moves the fence as one does."""


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where a ledger stands: the last step of its journal, and the last plan that was begun."""

    sequence: int = 0
    plan_id: str | None = None
    partition: str | None = None
    as_of: datetime | None = None
    settled: bool = True
    """False while the last plan's outcomes are not yet folded into `acknowledged`."""
    users: int | None = None
    """Rows of the wanted table that plan was made from."""
    vanished: int | None = None
    """Users that were in the ledger but not in that table."""


@dataclass(frozen=True, kw_only=True)
class FoldResult:
    """How a send ended, in objects, and how many rows of `acknowledged` that wrote."""

    plan_id: str
    accepted: int = 0
    rejected: int = 0
    unknown: int = 0
    users: int = 0
    version: int | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row of the journal."""

    sequence: int
    plan_id: str
    partition: str | None
    as_of: datetime
    plan_uri: str
    state: str
    object_limit: int | None = None
    users: int | None = None
    vanished: int | None = None
    accepted: int | None = None
    rejected: int | None = None
    unknown: int | None = None
    receipts: int | None = None
    operation: str | None = None
    time: datetime


@dataclass(frozen=True)
class JournalState:
    """The journal at one version; `append` succeeds only if nobody appended since."""

    table: "DeltaTable | None"
    entries: tuple[Entry, ...]

    @property
    def last(self) -> Entry | None:
        """The last step."""
        return self.entries[-1] if self.entries else None

    @property
    def begun(self) -> Entry | None:
        """The last `begun` or `resumed` step of the ledger as it is; None when it was emptied since."""
        for entry in reversed(self.entries):
            if entry.state == "emptied":
                return None
            if entry.state in _SENDS:
                return entry
        return None

    @property
    def fence(self) -> int:
        """The sequence of the last step that said who may go on; 0 when there is none."""
        return next((entry.sequence for entry in reversed(self.entries) if entry.state not in FOLDS), 0)

    @property
    def abandoned(self) -> bool:
        """Whether another run settled the last send: the run that began it may still be alive."""
        states = (entry.state for entry in reversed(self.entries) if entry.state not in OPERATIONS)
        return next(states, None) == "settled"

    def overtook(self, plan_id: str) -> datetime | None:
        """When the plan was begun, if that was in place of a send whose own run did not end it."""
        before = ""
        for entry in self.entries:
            if entry.plan_id == plan_id and entry.state == "begun" and before == "settled":
                return entry.time
            if entry.state not in OPERATIONS:
                before = entry.state
        return None

    @property
    def sequence(self) -> int:
        """The last number given; 0 when there is none."""
        return self.entries[-1].sequence if self.entries else 0

    @property
    def position(self) -> Position:
        """Where that puts the ledger."""
        begun, last = self.begun, self.last
        settled = last is None or last.state in (*FOLDS, "operated", "emptied")
        if begun is None:
            return Position(sequence=self.sequence, settled=settled)
        return Position(
            sequence=self.sequence,
            plan_id=begun.plan_id,
            partition=begun.partition,
            as_of=begun.as_of,
            settled=settled,
            users=begun.users,
            vanished=begun.vanished,
        )

    def launched(self, partition: str | None) -> Entry | None:
        """The first send of a whole plan: of another partition, or one that was finished.

        Tests are none, nor are empty tables. A launch that was stopped may go on, by a plan of its partition.
        Nothing that was forgotten or restored since makes a launch undone.
        """
        whole = [e for e in self.entries if e.state in _SENDS and e.object_limit is None and e.users != 0]
        if not whole:
            return None
        folds = [e for e in self.entries if e.plan_id == whole[-1].plan_id and e.state in FOLDS]
        unfinished = not folds or folds[-1].unknown != 0
        return None if unfinished and all(e.partition == partition for e in whole) else whole[0]

    def reach(self, plan_id: str) -> int | None:
        """How many of the plan's first objects may have been sent; None for all, 0 for none."""
        limits = [e.object_limit for e in self.entries if e.plan_id == plan_id and e.state in _SENDS]
        known = [limit for limit in limits if limit is not None]
        return None if len(known) < len(limits) else max(known, default=0)

    def done(self, plan_id: str) -> int | None:
        """How many of the plan's first objects are known to be answered and folded; None for all."""
        done: int | None = 0
        for number, entry in enumerate(self.entries):
            if entry.plan_id == plan_id and entry.state in FOLDS and entry.unknown == 0:
                done = JournalState(None, self.entries[:number]).reach(plan_id)
        return done

    def outcome(self, plan_id: str) -> FoldResult:
        """How the plan's last folded send ended; all zero when there is none."""
        for entry in reversed(self.entries):
            if entry.plan_id == plan_id and entry.state in FOLDS:
                return FoldResult(
                    plan_id=plan_id,
                    accepted=entry.accepted or 0,
                    rejected=entry.rejected or 0,
                    unknown=entry.unknown or 0,
                )
        return FoldResult(plan_id=plan_id)


class Journal:
    """The `sends` table of a ledger.

    A step is appended by compare-and-swap: its sequence is one more than the last one read, and of two
    writers that read the same journal one fails.
    """

    def __init__(self, storage: Storage, uri: str) -> None:
        # Always read whole: statistics would only take time.
        self.table = LedgerTable(storage, uri, SENDS_SCHEMA, {"delta.dataSkippingNumIndexedCols": "0"})
        self._watched: tuple[DeltaTable, int] | None = None
        self._known: tuple[tuple[str, int], tuple[Entry, ...]] | None = None  # by table and version

    def read(self, version: int | None = None) -> JournalState:
        """All steps, oldest first: now, or as of an older version of the table."""
        table = self.table.open(version)
        if table is None:
            return JournalState(None, ())
        this = (str(table.metadata().id), table.version())
        known = self._known
        if known is None or known[0] != this:
            with delta_errors(self.table.uri):
                rows = table.to_pyarrow_table().sort_by("sequence").to_pylist()
            names = [column.name for column in fields(Entry)]
            entries = (Entry(**{name: row.get(name) for name in names}) for row in rows)
            self._known = known = this, tuple(entries)
        return JournalState(table, known[1])

    def fence(self) -> int:
        """`JournalState.fence` now; cheap while nothing moves."""
        if self._watched is not None:
            table, fence = self._watched
            version = table.version()
            with delta_errors(self.table.uri):
                table.update_incremental()
            if table.version() == version:
                return fence
        state = self.read()
        fence = state.fence
        self._watched = None if state.table is None else (state.table, fence)
        return fence

    def append(self, state: JournalState, entry: Entry) -> None:
        """Append the step after `state`.

        Raises:
            CommitConflict: Somebody appended since `state` was read.
        """
        from deltalake import write_deltalake

        table = state.table
        if table is None:
            table = self.table.open_or_create()
            if table.version() > 0:
                # A commit onto this version would conflict with nobody: the first step is to be won as well.
                raise CommitConflict("The journal was made and written to by another run.")
        row = {column.name: getattr(entry, column.name) for column in fields(Entry)}
        with delta_errors(self.table.uri):
            write_deltalake(
                table,
                pa.Table.from_pylist([row], schema=SENDS_SCHEMA),
                mode="append",
                schema_mode="merge",  # A journal of format 1 has fewer columns.
                commit_properties=once(sends=entry.sequence),
            )

    def compact(self, state: JournalState) -> None:
        """Join its small files when there are many; harmless beside other writers."""
        if state.table is not None and len(data_files(state.table)) >= _COMPACT_FROM:
            with delta_errors(self.table.uri):
                state.table.optimize.compact()

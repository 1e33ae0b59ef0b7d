"""A damaged ledger made whole: the last good version of each table, and nothing taken for certain.

The order makes it safe to die in at any instant: `restoring` in the journal, or the damaged journal itself,
keeps everybody out until the rows are marked unknown. Run again, it goes on.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from braze_assets.errors import LedgerError
from braze_assets.ledger.acknowledged import Acknowledged
from braze_assets.ledger.damage import Damage, data_damage, find_damage, set_aside, whole_version
from braze_assets.ledger.delta import LedgerTable
from braze_assets.ledger.journal import Entry, JournalState
from braze_assets.ledger.operations.cells import BOOKKEEPING, none_sql
from braze_assets.ledger.operations.commit import commit_change
from braze_assets.ledger.operations.lost_plan import LOST, everything_unknown, lost_plan, open_send
from braze_assets.ledger.operations.operation import Rewrite
from braze_assets.ledger.operations.resync import Resync
from braze_assets.ledger.under_way import operated_until, steps_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from braze_assets.ledger.ledger import Ledger

__all__ = ["Damaged", "diagnose", "repair"]

REPAIR = "repair of a damaged table"


@dataclass(frozen=True)
class Damaged:
    """A table that cannot be relied on."""

    table: LedgerTable
    damage: Damage
    whole: int | None
    """The version it goes back to; None when none is whole, and it starts anew."""

    @property
    def name(self) -> str:
        """Which one."""
        return self.table.uri.rpartition("/")[2]

    @property
    def only_repeats(self) -> bool:
        """Whether nothing is lost with the file: a checkpoint repeats what the commits say."""
        in_log = self.damage.file.startswith("_delta_log/")
        return in_log and not self.damage.file.endswith(".json") and self.whole is not None


def diagnose(ledger: "Ledger") -> list[Damaged]:
    """The damaged tables of a ledger.

    Raises:
        LedgerError: A table cannot be opened, and no damaged file can be found.
    """
    tables = (ledger.journal.table, ledger.receipts.table, ledger.held_table)
    found = [each for table in tables if (each := _damaged(table, ledger)) is not None]
    if not found:
        table = ledger.held_table.open()
        state = ledger.journal.read()
        if table is not None and steps_of(table) > state.sequence:
            damage = Damage("_delta_log", "its last steps are lost", state.sequence)
            version = None if state.table is None else int(state.table.version())
            found.append(Damaged(ledger.journal.table, damage, version))
    return found


def _damaged(table: LedgerTable, ledger: "Ledger") -> Damaged | None:
    try:
        opened = table.open()
    except LedgerError:
        damage = find_damage(table.uri)
        if damage is None:
            raise
        return Damaged(table, damage, whole_version(table.uri, damage))
    if opened is None or table is not ledger.held_table:
        return None
    held = ledger.acknowledged()
    missing = data_damage(held.uri, held.files, held.version or 0)
    if missing is None:
        return None
    for version in range((held.version or 0) - 1, -1, -1):
        try:
            before = ledger.acknowledged(version)
        except LedgerError:
            break
        if data_damage(before.uri, before.files, version) is None:
            return Damaged(table, missing, version)
    return Damaged(table, missing, None)


def repair(ledger: "Ledger", connection: "DuckDBPyConnection", *, now: datetime) -> list[Damaged]:
    """Go back to the last whole version of each damaged table; every value held is marked unknown.

    So is everything where the plan of a send that is not folded is gone; then no table is damaged.

    The damaged files are kept under `damaged/` of the ledger.

    Returns:
        What was damaged; nothing was done when that is empty.
    """
    found = diagnose(ledger)
    place = f"{ledger.uri}/damaged/{now:%Y%m%dT%H%M%S}"
    if only_repeats := [each for each in found if each.only_repeats]:
        for each in only_repeats:
            set_aside(each.table.uri, each.whole, f"{place}/{each.name}")
        return [*only_repeats, *repair(ledger, connection, now=now)]
    by_name = {each.name: each for each in found}
    state = _journal(ledger, by_name.get("sends"))
    lost = None if found else lost_plan(ledger, connection)
    if not found and lost is None and not (state.last is not None and state.last.state == "restoring"):
        return []
    if set(by_name) == {"receipts"}:
        # What has no receipt is sent again; nothing else depends on them.
        set_aside(by_name["receipts"].table.uri, by_name["receipts"].whole, f"{place}/receipts")
        ledger.receipts.reopen()
        return found
    if "sends" not in by_name and (state.last is None or state.last.state != "restoring"):
        state = _restoring(ledger, state, now, LOST if lost is not None else REPAIR)
    held = _rows_of(ledger, by_name.get("acknowledged"), place)
    last = max(state.sequence, 0 if held.table is None else steps_of(held.table))
    sequence = last + 1 + _lost(by_name.get("sends"))
    if operated_until(held.table) < sequence:
        _mark(ledger, by_name.get("acknowledged"), held, connection, sequence, now, _unfolded(state))
    for name in ("receipts", "sends"):
        if name in by_name:
            set_aside(by_name[name].table.uri, by_name[name].whole, f"{place}/{name}")
    ledger.receipts.reopen()
    state = ledger.journal.read()
    ledger.journal.append(state, _entry(sequence, "operated", now))
    return found


def _unfolded(state: JournalState) -> Entry | None:
    """The send that the repair ends, of whose values nobody knows which Braze has."""
    last = state.last
    return state.begun if last is not None and last.operation == LOST else open_send(state)


def _journal(ledger: "Ledger", damaged: Damaged | None) -> JournalState:
    if damaged is None:
        return ledger.journal.read()
    return JournalState(None, ()) if damaged.whole is None else ledger.journal.read(damaged.whole)


def _lost(damaged: Damaged | None) -> int:
    """More steps than the damaged part of the journal can have had."""
    return 0 if damaged is None else 1000


def _entry(sequence: int, state: str, now: datetime, operation: str = REPAIR) -> Entry:
    return Entry(
        sequence=sequence,
        plan_id=f"restore-{sequence}",
        partition=None,
        as_of=now,
        plan_uri="",
        state=state,
        operation=operation,
        time=now,
    )


def _restoring(ledger: "Ledger", state: JournalState, now: datetime, operation: str) -> JournalState:
    ledger.journal.append(state, _entry(state.sequence + 1, "restoring", now, operation))
    return ledger.journal.read()


def _rows_of(ledger: "Ledger", damaged: Damaged | None, place: str) -> Acknowledged:
    """`acknowledged` as it can be read: the version it goes back to."""
    if damaged is None:
        return ledger.acknowledged()
    if damaged.damage.file.startswith("_delta_log"):
        set_aside(damaged.table.uri, damaged.whole, f"{place}/acknowledged")
        return ledger.acknowledged()
    return ledger.acknowledged(damaged.whole) if damaged.whole is not None else ledger.acknowledged()


def _mark(
    ledger: "Ledger",
    damaged: Damaged | None,
    held: Acknowledged,
    connection: "DuckDBPyConnection",
    sequence: int,
    now: datetime,
    begun: Entry | None,
) -> None:
    change: Rewrite | None = None
    if damaged is None or damaged.whole is not None:
        change = (
            Resync().change(held, connection, now)
            if begun is None
            else everything_unknown(ledger, held, connection, begun, now)
        )
    empty = Rewrite(f"FROM {none_sql({held.identifier: 'VARCHAR', **BOOKKEEPING})}")
    # A version without its data files can be read no more, but the next one can be written onto it.
    commit_change(connection, ledger.acknowledged(), ledger.held_table, change or empty, sequence)

"""What a ledger holds, and what it held."""

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from braze_assets.errors import LedgerError
from braze_assets.ledger.acknowledged import Acknowledged
from braze_assets.ledger.delta import format_of
from braze_assets.ledger.journal import Entry, Position
from braze_assets.ledger.operations.compact import stored
from braze_assets.storage import open_path

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from braze_assets.ledger.ledger import Ledger

__all__ = ["Overview", "Version", "held_on", "overview", "versions"]


@dataclass(frozen=True)
class Version:
    """One version of `acknowledged`."""

    version: int
    time: datetime


@dataclass(frozen=True, kw_only=True)
class Overview:
    """A ledger in figures; it names nobody."""

    position: Position
    users: int
    unknown_users: int
    """Users with at least one value whose outcome is not known."""
    attributes: tuple[str, ...]
    bytes: int
    bytes_with_history: int
    receipts_bytes: int
    format: int
    steps: tuple[Entry, ...]
    """The last steps of the journal, oldest first."""


def overview(ledger: "Ledger", connection: "DuckDBPyConnection", *, steps: int = 10) -> Overview:
    """The ledger now.

    Raises:
        LedgerError: It cannot be read.
    """
    state, held = ledger.journal.read(), ledger.acknowledged()
    unknown = 0
    if (source := held.sql(connection)) is not None:
        [(unknown,)] = connection.sql(f"SELECT count(*) FROM {source} WHERE len(_unknown) > 0").fetchall()
    return Overview(
        position=ledger.position(),
        users=held.users,
        unknown_users=unknown,
        attributes=tuple(held.types()),
        bytes=held.bytes,
        bytes_with_history=stored(ledger.held_table.uri)[1],
        receipts_bytes=stored(ledger.receipts.table.uri)[1],
        format=1 if held.table is None else format_of(held.table),
        steps=state.entries[-steps:],
    )


def versions(ledger: "Ledger") -> list[Version]:
    """The versions of `acknowledged` that its log still knows, oldest first."""
    table = ledger.acknowledged().table
    if table is None:
        return []
    found = [
        Version(int(each["version"]), datetime.fromtimestamp(each["timestamp"] / 1000, tz=timezone.utc))
        for each in table.history()
    ]
    return sorted(found, key=lambda each: each.version)


def held_on(ledger: "Ledger", when: datetime | int) -> Acknowledged:
    """What Braze had acknowledged at a time, or at a version.

    Raises:
        LedgerError: The ledger did not exist then, or the files of that version were removed.
    """
    known = versions(ledger)
    if isinstance(when, datetime):
        before = [each for each in known if each.time <= when]
        if not before:
            first = f"{known[0].time:%Y-%m-%d %H:%M:%S} UTC" if known else "never: it is empty"
            raise LedgerError(
                f"The ledger does not know of that time. It goes back to: {first}.",
                place=ledger.held_table.uri,
                remedy="Ask for a later time.",
            )
        when = before[-1].version
    elif when not in [each.version for each in known]:
        reach = f"{known[0].version} to {known[-1].version}" if known else "none"
        raise LedgerError(
            f"The ledger has no version {when}. It has: {reach}.",
            place=ledger.held_table.uri,
            remedy="Ask for one of these.",
        )
    held = ledger.acknowledged(when)
    missing = [path for path in held.files if not open_path(f"{held.uri}/{path}").exists()]
    if missing:
        raise LedgerError(
            f"The files of version {when} were removed ({len(missing)} of {len(held.files)}): `compact` "
            "keeps history for a number of days only.",
            place=f"{held.uri}/{missing[0]}",
            remedy="Ask for a later time, or restore the files from a backup or from older object versions.",
        )
    return held

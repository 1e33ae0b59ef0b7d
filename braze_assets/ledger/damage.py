"""Which file of a Delta table is damaged, and how far back the table is whole."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from upath import UPath

from braze_assets.errors import LedgerError
from braze_assets.storage import open_path, storage_errors

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = ["Damage", "check_newest", "damaged_error", "find_damage", "log_files"]

_COMMIT = re.compile(r"^(\d{20})\.json$")
_CHECKPOINT = re.compile(r"^(\d{20})\.checkpoint.*\.parquet$")


@dataclass(frozen=True)
class Damage:
    """One file of a table that is not what it should be."""

    file: str
    """Its name below the table."""
    problem: str
    version: int
    """The first version of the table that needs it."""


def check_newest(table: "DeltaTable", uri: str) -> None:
    """Refuse a table whose newest commit did not reach the disk whole.

    Delta Lake takes an empty commit file, which a power failure may leave, for a commit of nothing: what it
    said would be forgotten in silence.

    Raises:
        LedgerError: It did not.
    """
    damage = _commit_damage(open_path(f"{uri}/_delta_log/{table.version():020}.json"), table.version())
    if damage is not None:
        raise damaged_error(uri, damage)


def find_damage(uri: str) -> Damage | None:
    """The oldest damage of a table's log, for a table that cannot be opened; None where nothing is found."""
    commits = dict(sorted(log_files(uri, _COMMIT)))
    checkpoints = dict(sorted(log_files(uri, _CHECKPOINT)))
    for version, path in checkpoints.items():
        if not _is_parquet(path):
            return Damage(f"_delta_log/{path.name}", "it is not a Parquet file", version)
    if not commits:
        return Damage("_delta_log", "it has no commits", 0)
    first = min([*commits, *checkpoints])
    if first > 0 and not checkpoints:
        return Damage("_delta_log", f"the commits before {first} and their checkpoint are gone", first)
    start = min(commits)
    for version in range(start, max(commits) + 1):
        if version not in commits:
            return Damage(f"_delta_log/{version:020}.json", "it is gone", version)
        damage = _commit_damage(commits[version], version)
        if damage is not None:
            return damage
    return None


def damaged_error(uri: str, damage: Damage) -> LedgerError:
    """What a reader is told."""
    *_, sync, _kind, _table = uri.split("/")
    return LedgerError(
        f"The ledger is damaged: {damage.problem} ({damage.file}).",
        place=f"{uri}/{damage.file}",
        remedy="Restore that file from a backup or an older object version; nothing was changed. If that "
        f"cannot be done: braze-assets ledger restore {sync} goes back to the last version that is whole.",
    )


def log_files(uri: str, pattern: "re.Pattern[str]" = _COMMIT) -> Iterator[tuple[int, UPath]]:
    """Version and path of the commits, or of other files of the log, in any order."""
    folder = open_path(f"{uri}/_delta_log")
    with storage_errors(uri):
        names = list(folder.iterdir()) if folder.exists() else []
    for path in names:
        if match := pattern.match(path.name):
            yield int(match.group(1)), path


def _commit_damage(path: UPath, version: int) -> Damage | None:
    file = f"_delta_log/{path.name}"
    with storage_errors(str(path)):
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return None  # Cleaned up behind a checkpoint.
    try:
        actions = [json.loads(line) for line in text.decode().splitlines() if line.strip()]
    except ValueError:
        return Damage(file, "a line of it is not JSON", version)
    if not actions:
        return Damage(file, "it is empty", version)
    return None


def _is_parquet(path: UPath) -> bool:
    with storage_errors(str(path)), path.open("rb") as file:
        head = file.read(4)
        if head != b"PAR1":
            return False
        file.seek(-4, 2)
        return bool(file.read(4) == b"PAR1")

"""Which file of a Delta table is damaged, and how far back the table is whole."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from upath import UPath

from braze_assets.errors import LedgerError
from braze_assets.storage import atomic_writer, open_path, storage_errors

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = [
    "Damage",
    "check_newest",
    "damaged_error",
    "data_damage",
    "find_damage",
    "log_files",
    "set_aside",
    "whole_version",
]

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
    hint = open_path(f"{uri}/_delta_log/_last_checkpoint")
    if commits and not checkpoints and hint.exists():
        return Damage("_delta_log/_last_checkpoint", "the checkpoint it names is gone", max(commits))
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


def data_damage(uri: str, paths: Iterable[str], version: int) -> Damage | None:
    """The first data file of a table that is not there, or is no Parquet file."""
    for name in paths:
        path = open_path(f"{uri}/{name}")
        if not path.exists():
            return Damage(name, "a data file is gone", version)
        if not _is_parquet(path):
            return Damage(name, "a data file is not a Parquet file", version)
    return None


def whole_version(uri: str, damage: Damage) -> int | None:
    """The last version before a damage of the log; None when there is none."""
    commits = [version for version, _ in log_files(uri, _COMMIT)]
    if not damage.file.endswith(".json"):
        # A checkpoint only repeats what the commits say, as long as they are all there.
        return max(commits) if commits and sorted(commits) == list(range(max(commits) + 1)) else None
    return damage.version - 1 if damage.version - 1 in commits else None


def set_aside(uri: str, beyond: int | None, place: str) -> int:
    """Move the log of later versions, and all checkpoints that may know of them, out of the way.

    From the last to the first: until all are gone the table stays one that cannot be opened.

    Args:
        uri: The table.
        beyond: The version that stays the last; None when none stays.
        place: Where the files are kept.

    Returns:
        How many versions that were.
    """
    last = -1 if beyond is None else beyond
    hint = open_path(f"{uri}/_delta_log/_last_checkpoint")
    files = [hint] if hint.exists() else []
    files += [path for _, path in log_files(uri, _CHECKPOINT)]
    commits = sorted(((v, path) for v, path in log_files(uri, _COMMIT) if v > last), reverse=True)
    for path in [*files, *(path for _, path in commits)]:
        kept = open_path(f"{place}/{path.name}")
        with storage_errors(place), atomic_writer(kept) as copy:
            copy.write(path.read_bytes())
        with storage_errors(uri):
            path.unlink()
    return len(commits)


def damaged_error(uri: str, damage: Damage) -> LedgerError:
    """What a reader is told."""
    *_, sync, kind, _table = uri.split("/")
    without = (
        "Nothing of this sync is sent until then: only these files know which events were."
        if kind == "events"
        else f"If that cannot be done: braze-assets ledger restore {sync} goes back to the last version that "
        "is whole."
    )
    return LedgerError(
        f"The ledger is damaged: {damage.problem} ({damage.file}).",
        place=f"{uri}/{damage.file}",
        remedy="Restore that file from a backup or an older object version; nothing was changed. " + without,
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

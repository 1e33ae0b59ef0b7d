"""What is known of the files of a drop: how far each version is, and which contents were imported.

Small files under `<storage>/csv_drops/<name>/`. The ledger knows what was sent; this says what is to be asked
for.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args
from urllib.parse import quote, unquote

from upath import UPath

from braze_assets.storage import Storage, atomic_writer, storage_errors, written_at

__all__ = ["FINAL", "Known", "Progress", "State", "forgettable"]

State = Literal["previewed", "tested", "continue", "replaced", "failed", "done"]
"""How far a version is; the later word counts where two are found."""

FINAL: tuple[State, ...] = ("replaced", "failed", "done")
"""States after which a version is never asked for again."""

_ORDER: tuple[State, ...] = get_args(State)


@dataclass(frozen=True)
class Known:
    """How far a version is, and since when."""

    state: State
    since: datetime


def forgettable(known: Mapping[str, Known], there: Collection[str], before: datetime) -> list[str]:
    """Partitions of versions that nobody will ask for again.

    Args:
        known: What is known, by partition.
        there: Partitions of the versions in the folder: those are never forgotten, as they would come again.
        before: Since when a version must have been as it is.
    """
    return [
        partition
        for partition, each in known.items()
        if each.state != "continue" and each.since < before and partition not in there
    ]


@dataclass(frozen=True)
class Progress:
    """The progress of one drop.

    Args:
        storage: Where it is kept.
        name: The drop's name.
    """

    storage: Storage
    name: str

    def known(self) -> dict[str, Known]:
        """What is known of each version, by partition; found with one listing."""
        folder = self._path("states")
        found: dict[str, Known] = {}
        with storage_errors(str(folder)):
            listed = folder.fs.find(folder.path, detail=True)
        for path, facts in listed.items():
            partition, _, rest = path.rpartition("/")[2].rpartition("~")
            state = rest.removesuffix(".json")
            if state in _ORDER:
                key, each = unquote(partition), Known(state, written_at(facts))
                if key not in found or _ORDER.index(found[key].state) < _ORDER.index(state):
                    found[key] = each
        return found

    def put(self, partition: str, state: State, now: datetime, **facts: Any) -> None:
        """Say how far a version is."""
        self._write(self._state(partition, state), {"time": now.isoformat(), **facts})
        self._drop(partition, (other for other in _ORDER if other != state))

    def forget(self, partitions: Iterable[str]) -> None:
        """Know nothing of some versions any more; that their contents were imported stays known."""
        for partition in partitions:
            self._drop(partition, _ORDER)

    def imported_as(self, digest: str) -> str | None:
        """The partition under which a content was imported, or None."""
        path = self._path("contents", f"{digest}.json")
        with storage_errors(str(path)):
            if not path.exists():
                return None
            return str(json.loads(path.read_text())["partition"])

    def imported(self, digest: str, partition: str, now: datetime) -> None:
        """Say that a content was imported."""
        if self.imported_as(digest) is None:
            path = self._path("contents", f"{digest}.json")
            self._write(path, {"partition": partition, "time": now.isoformat()})

    def _drop(self, partition: str, states: Iterable[State]) -> None:
        for state in states:
            path = self._state(partition, state)
            with storage_errors(str(path)):
                path.unlink(missing_ok=True)

    def _state(self, partition: str, state: State) -> UPath:
        return self._path("states", f"{quote(partition, safe='')}~{state}.json")

    def _path(self, *parts: str) -> UPath:
        return self.storage.path("csv_drops", self.name, *parts)

    def _write(self, path: UPath, document: Mapping[str, Any]) -> None:
        with atomic_writer(path) as sink:
            sink.write(json.dumps(document).encode())

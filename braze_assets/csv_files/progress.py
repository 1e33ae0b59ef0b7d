"""What is known of the files of a drop: how far each version is, and which contents were imported.

Small files under `<storage>/csv_drops/<name>/`. The ledger knows what was sent; this says what is to be asked
for.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args
from urllib.parse import quote, unquote

from upath import UPath

from braze_assets.storage import Storage, atomic_writer, storage_errors

__all__ = ["FINAL", "Progress", "State"]

State = Literal["previewed", "tested", "continue", "replaced", "failed", "done"]
"""How far a version is; the later word counts where two are found."""

FINAL: tuple[State, ...] = ("replaced", "failed", "done")
"""States after which a version is never asked for again."""

_ORDER: tuple[State, ...] = get_args(State)


@dataclass(frozen=True)
class Progress:
    """The progress of one drop.

    Args:
        storage: Where it is kept.
        name: The drop's name.
    """

    storage: Storage
    name: str

    def states(self) -> dict[str, State]:
        """How far each version is, by partition; found with one listing."""
        folder = self._path("states")
        found: dict[str, State] = {}
        with storage_errors(str(folder)):
            names = [each.name for each in folder.iterdir()] if folder.exists() else []
        for name in names:
            partition, _, rest = name.rpartition("~")
            state = rest.removesuffix(".json")
            if state in _ORDER:
                key = unquote(partition)
                found[key] = max(found.get(key, _ORDER[0]), state, key=_ORDER.index)
        return found

    def put(self, partition: str, state: State, now: datetime, **facts: Any) -> None:
        """Say how far a version is."""
        self._write(self._state(partition, state), {"time": now.isoformat(), **facts})
        for other in _ORDER:
            if other != state:
                path = self._state(partition, other)
                with storage_errors(str(path)):
                    path.unlink(missing_ok=True)

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

    def _state(self, partition: str, state: State) -> UPath:
        return self._path("states", f"{quote(partition, safe='')}~{state}.json")

    def _path(self, *parts: str) -> UPath:
        return self.storage.path("csv_drops", self.name, *parts)

    def _write(self, path: UPath, document: Mapping[str, Any]) -> None:
        with atomic_writer(path) as sink:
            sink.write(json.dumps(document).encode())

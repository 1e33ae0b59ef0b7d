"""The UUIDs of an hour in order, as many at a time as fit into memory: equal ones stand beside each other."""

import itertools
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from braze_assets.currents.uuids import Keys

__all__ = ["GatheredKeys", "SortedKeys"]

_AT_ONCE = 8 << 20
"""Keys that are sorted at a time, by all workers: about 80 bytes of memory each."""
_WORTH = 1 << 18
"""Keys for which it is worth the trouble to share them among workers."""
_IN_MEMORY = 1 << 20
"""Keys that wait in memory before they wait on disk."""

Positions = npt.NDArray[np.int64]
Span = tuple[int, int]
"""The first and the last key of a span."""


@dataclass
class SortedKeys:
    """The keys of a span, ordered by key and position."""

    key: npt.NDArray[np.uint64]
    low: npt.NDArray[np.uint64]
    position: Positions

    def __post_init__(self) -> None:
        self.again: npt.NDArray[np.bool_] = np.zeros(len(self.key), dtype=bool)
        """Which repeat the one before them."""
        self.known: npt.NDArray[np.bool_] = np.zeros(len(self.key), dtype=bool)
        """Which are among those of other hours."""
        if len(self.key) > 1:
            alike = self.key[1:] == self.key[:-1]
            if alike.any():
                self._order(alike)
                self.again[1:] = (self.key[1:] == self.key[:-1]) & (self.low[1:] == self.low[:-1])

    def _order(self, alike: npt.NDArray[np.bool_]) -> None:
        """Those with the same first number by their second and their position. As a rule that are few."""
        run = np.zeros(len(self.key), dtype=bool)
        run[1:] |= alike
        run[:-1] |= alike
        places = np.flatnonzero(run)
        order = places[np.lexsort((self.position[places], self.low[places], self.key[places]))]
        self.low, self.position = self.low.copy(), self.position.copy()
        self.low[places], self.position[places] = self.low[order], self.position[order]

    @property
    def distinct(self) -> Keys:
        """Every key once."""
        return self.key[~self.again], self.low[~self.again]

    def find(self, keys: Keys) -> bool:
        """Mark those that are among some keys, which are in order too; and say whether there are any."""
        key, low = keys
        if not len(key) or not len(self.key):
            return False
        start, end = np.searchsorted(self.key, key[0]), np.searchsorted(self.key, key[-1], side="right")
        mine = self.key[start:end]
        place = np.searchsorted(key, mine)
        alike = key[place] == mine
        same = alike & (low[place] == self.low[start:end])
        for each in np.flatnonzero(alike & ~same).tolist():
            # Two ids with the same first number, which next to never happens: the other may come behind.
            last = np.searchsorted(key, mine[each], side="right")
            same[each] = self.low[start + each] in low[place[each] : last]
        self.known[start:end] |= same
        return bool(same.any())


class GatheredKeys:
    """Keys and the positions of their events, as they come."""

    def __init__(self) -> None:
        self._here: list[npt.NDArray[np.uint64]] = []
        self._waiting = 0
        self._file: Any = None
        self._count = 0

    def __enter__(self) -> "GatheredKeys":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, keys: Keys, positions: Positions) -> None:
        """Add some."""
        self._here.append(np.stack((*keys, positions.view(np.uint64))))
        self._waiting += len(positions)
        self._count += len(positions)
        if self._waiting >= _IN_MEMORY:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="braze-assets-")  # noqa: SIM115
            np.concatenate(self._here, axis=1).T.tofile(self._file)
            self._here, self._waiting = [], 0

    def spans(self, workers: int = 1) -> list[Span]:
        """Spans that hold all keys among them, in their order.

        Args:
            workers: How many are sorted at a time.
        """
        spans = max(-(-self._count * workers // _AT_ONCE), workers if self._count > _WORTH else 1)
        edges = [round(edge) for edge in np.linspace(0, 2.0**64, spans + 1).tolist()]
        return [(first, last - 1) for first, last in itertools.pairwise(edges)]

    def sorted(self, span: Span) -> SortedKeys:
        """The keys of a span. Several may be asked for at a time, once all are added."""
        first, last = map(np.uint64, span)
        whole = span == (0, 2**64 - 1)
        found = [rows if whole else rows[:, (rows[0] >= first) & (rows[0] <= last)] for rows in self._all()]
        rows = np.concatenate(found, axis=1) if found else np.empty((3, 0), np.uint64)
        del found
        order = np.argsort(rows[0])
        return SortedKeys(rows[0][order], rows[1][order], rows[2][order].view(np.int64))

    def _all(self) -> Iterable[npt.NDArray[np.uint64]]:
        if self._file is not None:
            place, size = 0, 24 * _IN_MEMORY
            # Not by the file's own place, which several workers would move.
            while data := os.pread(self._file.fileno(), size, place):
                yield np.frombuffer(data, np.uint64).reshape(-1, 3).T
                place += len(data)
        yield from self._here

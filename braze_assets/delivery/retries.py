"""Batches that are to be sent again, each from a certain moment on."""

import heapq
import itertools

from braze_assets.delivery.batches import Batch

__all__ = ["Retries"]


class Retries:
    """A queue by time; of two that are due, the one that came first."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Batch]] = []
        self._order = itertools.count()

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, due: float, batch: Batch) -> None:
        """To be sent at `due` (monotonic seconds) or later."""
        heapq.heappush(self._heap, (due, next(self._order), batch))

    def ready(self, now: float) -> bool:
        """Whether one is due."""
        return bool(self._heap) and self._heap[0][0] <= now

    def wait(self, now: float, longest: float) -> float:
        """Seconds until one is due, `longest` at most."""
        return min(longest, self._heap[0][0] - now) if self._heap else longest

    def take(self) -> Batch:
        """The first one."""
        return heapq.heappop(self._heap)[2]

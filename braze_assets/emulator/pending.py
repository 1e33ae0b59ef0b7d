"""Accepted changes that have not reached the profiles yet: Braze answers first and applies later."""

import heapq
import random
from collections.abc import Callable

__all__ = ["Pending"]


class Pending:
    """Changes waiting for their time, in an order that need not be the order of acceptance.

    Documented: the order in which requests are processed is not guaranteed.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, change: Callable[[], None], *, now: float, delay: float, reorder: float) -> float:
        """Let a change happen in `delay` seconds, and up to `reorder` seconds later still; returns when."""
        if not (delay or reorder or self._heap):
            change()
            return now
        due = now + delay + (self._chance.uniform(0, reorder) if reorder else 0)
        self._number += 1
        heapq.heappush(self._heap, (due, self._number, change))
        return due

    def settle(self, now: float) -> None:
        """Apply what is due."""
        while self._heap and self._heap[0][0] <= now:
            heapq.heappop(self._heap)[2]()

    def clear(self) -> None:
        """Forget everything that waits."""
        self._heap.clear()

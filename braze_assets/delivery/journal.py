"""The journal's own thread: receipts go to the ledger about every second, and never hold up the sender."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

import pyarrow as pa

from braze_assets.delivery.outcomes import Settled, receipts

__all__ = ["Journal", "JournalThread", "pace"]

_LOOKS = 4
"""Looks at the fence in one lease."""
_LONG = 10
"""Intervals a send has taken before its end is looked out for."""
_DENSER = 5
"""Writes come this much faster at the very end."""


class Journal(Protocol):
    """Where receipts are kept; the ledger's `Send` is one."""

    def record(self, receipts: pa.Table) -> None:
        """Append receipts, or raise: then nothing more may be sent."""

    def check(self) -> None:
        """Raise if another run has taken the send over."""


def pace(interval: float, *, passed: float, settled: int, total: int) -> float:
    """Seconds between two writes: the interval, or less once a long send will end within two of them.

    Args:
        interval: The setting.
        passed: Seconds since the send began.
        settled: Objects that have their outcome.
        total: Objects that will have one.
    """
    if not settled or passed < _LONG * interval:
        return interval
    left = passed * max(0, total - settled) / settled
    return min(interval, max(interval / _DENSER, left / 2))


class JournalThread:
    """Gathers settled batches and writes them in order.

    Args:
        journal: Where they go.
        plan_id: The plan they belong to.
        interval: Seconds from the start of one write to the start of the next. Towards the end of a long send
            they come faster, so that little is left to be written and folded after the last reply.
        total: Objects that will be settled, as far as is known.
        lease: Seconds after a look at the fence during which requests may leave; 0 for no such limit.
        clock: Monotonic seconds.
        on_failure: Called once, from the thread, when a write failed.
    """

    def __init__(
        self,
        journal: Journal,
        plan_id: str,
        *,
        interval: float,
        total: int = 0,
        on_failure: Callable[[], None],
        lease: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.failure: Exception | None = None
        self._journal = journal
        self._plan_id = plan_id
        self._interval = min(interval, lease / _LOOKS) if lease else interval
        self._write_every = interval
        self._total = total
        self._started = float("inf")
        self._lease, self._clock = lease, clock
        self._checked = float("-inf")
        self._wrote = float("-inf")
        self._on_failure = on_failure
        self._settled: deque[Settled] = deque()
        self._added = 0
        self._written = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="braze-journal", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def backlog(self) -> int:
        """Objects settled and not yet written."""
        return self._added - self._written

    def holds(self, now: float) -> bool:
        """Whether a request may leave at `now`, a reading of the clock: the fence was seen a moment ago."""
        return not self._lease or now - self._checked < self._lease

    def add(self, settled: Settled) -> None:
        """Hand over; returns at once. One thread only."""
        self._added += settled.rows.num_rows
        self._settled.append(settled)

    def close(self) -> None:
        """Write what is left and stop.

        Raises:
            Exception: What the journal raised, now or earlier.
        """
        self._closing.set()
        self._thread.join()
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        try:
            self._look()
            self._started = self._clock()
            while not self._closing.wait(min(self._interval, self._every())):
                if self._clock() - self._wrote >= self._every():
                    self._write()
                else:
                    self._look()
            self._write()
        except Exception as error:
            self.failure = error
            self._on_failure()

    def _every(self) -> float:
        passed = self._clock() - self._started
        return pace(self._write_every, passed=passed, settled=self._added, total=self._total)

    def _look(self) -> None:
        if self._lease:
            # The lease runs from before the look: what happens after it does not prolong it.
            before = self._clock()
            self._journal.check()
            self._checked = before

    def _write(self) -> None:
        before = self._wrote = self._clock()
        settled = [self._settled.popleft() for _ in range(len(self._settled))]
        if settled:
            table = receipts(self._plan_id, settled)
            self._journal.record(table)  # looks at the fence first
            self._written += table.num_rows
            self._checked = before
        elif not self._closing.is_set():
            self._look()

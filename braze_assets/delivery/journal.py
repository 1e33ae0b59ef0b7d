"""The journal's own thread: receipts go to the ledger about every second, and never hold up the sender."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

import pyarrow as pa

from braze_assets.delivery.outcomes import Settled, receipts

__all__ = ["Journal", "JournalThread"]


class Journal(Protocol):
    """Where receipts are kept; the ledger's `Send` is one."""

    def record(self, receipts: pa.Table) -> None:
        """Append receipts, or raise: then nothing more may be sent."""


class JournalThread:
    """Gathers settled batches and writes them in order.

    Args:
        journal: Where they go.
        plan_id: The plan they belong to.
        interval: Seconds from the start of one write to the start of the next.
        on_failure: Called once, from the thread, when a write failed.
    """

    def __init__(
        self, journal: Journal, plan_id: str, *, interval: float, on_failure: Callable[[], None]
    ) -> None:
        self.failure: Exception | None = None
        self._journal = journal
        self._plan_id = plan_id
        self._interval = interval
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
            while not self._closing.wait(self._interval):
                self._write()
            self._write()
        except Exception as error:
            self.failure = error
            self._on_failure()

    def _write(self) -> None:
        settled = [self._settled.popleft() for _ in range(len(self._settled))]
        if settled:
            table = receipts(self._plan_id, settled)
            self._journal.record(table)
            self._written += table.num_rows

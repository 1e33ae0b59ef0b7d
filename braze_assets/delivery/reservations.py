"""Reservations: what may have been sent is written down before it is sent.

After a crash, objects below the mark without a receipt may have been sent, and those above it were certainly
not. The mark is moved by a thread of its own, about a second's worth ahead, so that the sender does not wait
for it and little is left in doubt.
"""

import threading
import time
from collections.abc import Callable

from braze_assets.delivery.batches import Batch

__all__ = ["Reservations", "Unreserved"]

_AHEAD_SECONDS = 1.0
_LEAST = 600
"""Objects, eight requests: the first step, and the smallest one."""
_MOST = 150_000
_PREFETCH = 0.5


class Unreserved:
    """Everything may be sent at once: sending it twice does no harm."""

    failure: Exception | None = None

    def start(self, wake: Callable[[], None]) -> None:
        """Nothing to begin."""

    def allows(self, batch: Batch) -> bool:
        """Always."""
        return True

    def close(self) -> None:
        """Nothing to end."""


class Reservations(Unreserved):
    """The high-water mark of the objects that may be sent.

    Args:
        reserve: Makes a mark durable, or raises: then nothing above the old one may be sent.
        total: One more than the last object's ordinal.
        clock: Monotonic seconds.
    """

    def __init__(
        self, reserve: Callable[[int], None], *, total: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.failure: Exception | None = None
        self._reserve, self._total, self._clock = reserve, total, clock
        self._mark = 0
        self._ahead = _LEAST
        self._wanted = -1
        self._last = (0, float("-inf"))
        self._closing = False
        self._changed = threading.Condition()
        self._wake: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._run, name="braze-reservations", daemon=True)

    @property
    def mark(self) -> int:
        """Objects with a smaller ordinal may be sent."""
        return self._mark

    def start(self, wake: Callable[[], None]) -> None:
        """Begin; `wake` is called from the thread when the mark has moved, and on failure."""
        self._wake = wake
        self._thread.start()

    def allows(self, batch: Batch) -> bool:
        """Whether these objects may be sent now; if not, `wake` is called when they may."""
        n = batch.last
        if n + self._ahead * _PREFETCH >= self._mark < self._total:
            with self._changed:
                self._wanted = max(self._wanted, n)
                self._changed.notify()
        return n < self._mark

    def close(self) -> None:
        """Stop, and wait for the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            while (wanted := self._next()) is not None:
                mark = min(self._total, wanted + 1 + self._step(wanted))
                if mark <= self._mark:
                    continue  # Slower than before: what is reserved is far enough ahead, and stays reserved.
                self._reserve(mark)
                self._mark = mark
                self._wake()
        except Exception as error:
            self.failure = error
            self._wake()

    def _next(self) -> int | None:
        """The object that is asked for, once one is that needs another mark."""
        with self._changed:
            while not self._closing:
                wanted, self._wanted = self._wanted, -1
                if wanted >= 0 and wanted + self._ahead * _PREFETCH >= self._mark < self._total:
                    return wanted
                self._changed.wait()
            return None

    def _step(self, wanted: int) -> int:
        """A second's worth of objects at the speed since the last mark."""
        now = self._clock()
        before, since = self._last
        self._last = (wanted, now)
        speed = (wanted - before) / max(now - since, 1e-3)
        self._ahead = int(min(_MOST, max(_LEAST, speed * _AHEAD_SECONDS)))
        return self._ahead

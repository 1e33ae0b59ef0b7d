"""How many requests should be in flight: as many as fill the rate limit at the measured latency, no more."""

import math
from collections import deque

__all__ = ["Concurrency"]

_STEP = 0.25
"""Seconds between two looks, at least; with slow replies two latencies."""
_BETTER = 1.05
"""Growth is kept only if it brought this much: on a busy machine more threads bring nothing."""
_COOL = 12
"""Looks to wait after growth brought nothing."""
_SPARE = 1.25
_LOOKS = 16
"""Looks whose best rate says what fills the limit: more than a window of the documented one. In its last part
little is sent, for the limit is used up; the next window needs as many in flight as this one did."""


class Concurrency:
    """Grows while more requests in flight bring more replies a second; shrinks when the limit is what holds.

    Args:
        start: Requests in flight at first.
        maximum: And at most.
    """

    def __init__(self, *, start: int, maximum: int) -> None:
        self.maximum = maximum
        self.target = min(start, maximum)
        self.latency = 0.0
        """Moving average, seconds."""
        self._since: float | None = None
        self._count = 0
        self._short = False
        self._limited = False
        self._before: tuple[int, float] | None = None
        self._cool = 0
        self._rates: deque[float] = deque(maxlen=_LOOKS)

    def completed(self, latency: float) -> None:
        """A reply came after so many seconds."""
        self._count += 1
        self.latency = latency if self.latency == 0.0 else 0.95 * self.latency + 0.05 * latency

    def short(self) -> None:
        """A batch is ready, and everything that may fly is in flight."""
        self._short = True

    def limited(self) -> None:
        """A batch is ready, and the rate limit holds it."""
        self._limited = True

    def look(self, now: float) -> None:
        """Adapt; to be called often, it acts when there is enough to judge by."""
        if self._since is None:
            self._since = now
            return
        elapsed = now - self._since
        if elapsed < max(_STEP, 2 * self.latency) or self._count == 0:
            return
        self._judge(self._count / elapsed)
        self._since, self._count, self._short, self._limited = now, 0, False, False

    def _judge(self, rate: float) -> None:
        self._rates.append(rate)
        if self._limited:
            # Little's law: in flight = rate x latency.
            enough = math.ceil(max(self._rates) * self.latency * _SPARE) + 2
            self.target = max(min(enough, self.maximum), math.ceil(self.target * 0.8), 1)
            self.target = min(self.target, self.maximum)
            self._before = None
        elif self._before is not None:
            target, earlier = self._before
            self._before = None
            if rate < earlier * _BETTER:
                self.target, self._cool = target, _COOL
            elif self._short:
                self._grow(rate)
        elif self._cool > 0:
            self._cool -= 1
        elif self._short:
            self._grow(rate)

    def _grow(self, rate: float) -> None:
        if self.target < self.maximum:
            self._before = (self.target, rate)
            self.target = min(self.target * 2, self.maximum)

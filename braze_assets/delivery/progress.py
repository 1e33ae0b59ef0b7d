"""How far a send is."""

from collections.abc import Callable
from dataclasses import dataclass

from braze_assets.delivery.report import Tally

__all__ = ["Progress", "ProgressCallback", "ProgressMeter"]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A moment of a send."""

    done: int
    """Objects with an outcome, of `total` to be sent."""
    total: int
    rejected: int
    unknown: int
    requests: int
    in_flight: int
    """Requests."""
    rate: float
    """Objects a second, lately."""
    seconds: float
    """Since the first request."""
    eta_seconds: float | None
    """None while it cannot be told."""

    def __str__(self) -> str:
        left = "" if self.eta_seconds is None else f", {self.eta_seconds:.0f} s left"
        return f"{self.done:,} of {self.total:,} objects, {self.rate:,.0f} a second{left}"


ProgressCallback = Callable[[Progress], None]


class ProgressMeter:
    """Calls back at most every so many seconds, and once at the end.

    Args:
        callback: Who wants to know; None for nobody.
        total: Objects to be sent.
        interval: Seconds.
        start: Monotonic seconds at which the send began.
    """

    def __init__(
        self, callback: ProgressCallback | None, *, total: int, interval: float, start: float
    ) -> None:
        self._callback, self._total, self._interval = callback, total, interval
        self._start = self._last = start
        self._last_done = 0
        self._rate = 0.0

    def due(self, now: float) -> bool:
        """Whether it is time to tell again."""
        return self._callback is not None and now - self._last >= self._interval

    def tell(self, now: float, tally: Tally, *, in_flight: int) -> None:
        """Tell."""
        if self._callback is None:
            return
        if (elapsed := now - self._last) > 0:
            lately = (tally.done - self._last_done) / elapsed
            self._rate = lately if self._rate == 0.0 else 0.5 * self._rate + 0.5 * lately
        self._last, self._last_done = now, tally.done
        self._callback(
            Progress(
                done=tally.done,
                total=self._total,
                rejected=tally.rejected,
                unknown=tally.unknown,
                requests=tally.requests,
                in_flight=in_flight,
                rate=self._rate,
                seconds=now - self._start,
                eta_seconds=(self._total - tally.done) / self._rate if self._rate > 0 else None,
            )
        )

"""How a send slows down when Braze says so."""

from braze_assets.braze.rate_headers import RateHeaders

__all__ = ["Brake"]

_SLOWEST = 0.05
_RECOVERY = 0.125
_LEAST = 0.1
"""Windows to wait after a 429 at least: headers count in whole seconds, and say 0 for the last of them."""
_DOUBLINGS = 6


class Brake:
    """Pauses, and the part of the limit that is used after a 429.

    Args:
        seconds: Length of the window.
    """

    def __init__(self, seconds: float) -> None:
        self.until = float("-inf")
        """Nothing is sent before."""
        self.factor = 1.0
        """Part of the limit to use."""
        self._seconds = seconds
        self._since = float("-inf")
        self._refusals = 0

    def refused(self, rate: RateHeaders, *, now: float, jitter: float, longest: float) -> None:
        """A 429: pause, and go on at half the speed. Those that were in flight together count once."""
        if now >= self.until:
            self._refusals += 1
        least = self._seconds * _LEAST * 2.0 ** min(self._refusals - 1, _DOUBLINGS)
        told = self._seconds if rate.wait is None else rate.wait
        wait = min(max(told, least), longest)
        self.pause(now + wait + jitter)
        if now - self._since >= self._seconds or self.factor == 1.0:
            self.factor = max(_SLOWEST, self.factor / 2)
            self._since = now + wait

    def answered(self) -> None:
        """A reply that was no 429."""
        self._refusals = 0

    def pause(self, until: float) -> None:
        """Send nothing before."""
        self.until = max(self.until, until)

    def recover(self, now: float) -> None:
        """An eighth faster every window."""
        if self.factor < 1.0 and now - self._since >= self._seconds:
            self.factor = min(1.0, self.factor + _RECOVERY)
            self._since = now

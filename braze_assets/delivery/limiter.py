"""The rate limit of one destination, obeyed exactly.

Nobody here can see when Braze counts a request: some time between its departure and its reply. So a request
takes a slot when it leaves, and gives it back one window after its reply came. Then no stretch of time as
long as the window, wherever it begins, can hold more counted requests than there are slots. Proof: let N + 1
requests be counted within one window, and look at the one that left last, at s. Each of the others was
counted less than a window before s or later, so its reply came less than a window before s or later, so it
still holds its slot at s: N slots are taken, and the last one cannot leave.
"""

import threading
from collections import Counter, deque
from collections.abc import Hashable
from dataclasses import dataclass, field

from braze_assets.braze.limits import Limits
from braze_assets.braze.rate_headers import RateHeaders

__all__ = ["Permit", "RateLimiter"]

_HOUR = 3_600
_POLL = 0.02
"""Seconds after which to ask again when nobody knows when a slot comes free."""
_WANTING = 0.25
"""Seconds for which a share that was turned away counts as waiting."""
_DRIFT = 0.001
"""Seconds by which two clocks may disagree about the length of a window."""
_SLOWEST = 0.05
_RECOVERY = 0.125


@dataclass(eq=False)
class Permit:
    """The right to send one request; to be given back by `RateLimiter.done`."""

    share: Hashable
    wall: float
    hours: set[int] = field(default_factory=set)
    """Clock hours the request is counted in."""


class RateLimiter:
    """Requests per window, an optional budget per clock hour, and shares between the sends that use it.

    It keeps no time of its own and never sleeps: every call is told `now` (a monotonic clock, seconds) and
    `wall` (epoch seconds). Safe for several threads.

    Args:
        requests: Requests in any stretch of `seconds`.
        seconds: Length of the window.
        per_hour: Requests in one clock hour; None for no such budget. It is counted by this process only.
        skew: Seconds by which Braze's clock and ours may differ at the turn of the hour.
    """

    def __init__(
        self, *, requests: int, seconds: float, per_hour: int | None = None, skew: float = 2.0
    ) -> None:
        if requests < 1 or seconds <= 0 or (per_hour is not None and per_hour < 1):
            raise ValueError("a rate limit must allow at least one request")
        self.requests = requests
        self.seconds = seconds
        self.per_hour = per_hour
        self._skew = skew
        self._lock = threading.Lock()
        self._open = 0
        self._held: Counter[Hashable] = Counter()
        self._releases: deque[tuple[float, Hashable]] = deque()
        self._wanting: dict[Hashable, float] = {}
        self._paused_until = float("-inf")
        self._factor = 1.0
        self._factor_since = float("-inf")
        self._hourly: Counter[int] = Counter()
        self._hourly_open: Counter[int] = Counter()

    @classmethod
    def of(cls, limits: Limits) -> "RateLimiter":
        """The limiter for a destination's limits."""
        return cls(
            requests=limits.requests_per_window,
            seconds=limits.window_seconds,
            per_hour=limits.requests_per_hour,
        )

    @property
    def allowed(self) -> int:
        """Requests per window at the moment: fewer than the setting after a 429."""
        return max(1, int(self.requests * self._factor))

    def acquire(self, share: Hashable, *, now: float, wall: float) -> Permit | float:
        """A permit to send at once, or the seconds (above 0) after which to ask again.

        Args:
            share: Who asks. Slots are divided evenly among those who want them.
            now: Monotonic seconds.
            wall: Epoch seconds.
        """
        with self._lock:
            wait = self._wait(share, now, wall)
            if wait > 0:
                self._wanting[share] = now
                return wait
            if share in self._wanting:
                # One that had to wait will ask for more at once: keep its place for a moment.
                self._wanting[share] = now - _WANTING + _POLL
            permit = Permit(share, wall)
            self._open += 1
            self._held[share] += 1
            if self.per_hour is not None:
                permit.hours = self._hours(wall, wall)
                self._hourly.update(permit.hours)
                self._hourly_open.update(permit.hours)
            return permit

    def done(self, permit: Permit, *, now: float, wall: float) -> None:
        """The request was answered, or given up; its slot comes free one window from now."""
        with self._lock:
            self._open -= 1
            self._releases.append((now + self.seconds + _DRIFT, permit.share))
            if self.per_hour is not None:
                self._hourly_open.subtract(permit.hours)
                self._hourly.update(self._hours(permit.wall, wall) - permit.hours)

    def cancel(self, permit: Permit) -> None:
        """The request was never sent: its slot is free at once."""
        with self._lock:
            self._open -= 1
            self._held[permit.share] -= 1
            self._hourly_open.subtract(permit.hours)
            self._hourly.subtract(permit.hours)

    def leave(self, share: Hashable) -> None:
        """This share wants no more slots."""
        with self._lock:
            self._wanting.pop(share, None)
            self._held += Counter()  # drops those at zero

    def observe(
        self, rate: RateHeaders, *, throttled: bool, now: float, pause_cap: float, jitter: float
    ) -> None:
        """Slow down as a reply says.

        Args:
            rate: The reply's headers.
            throttled: Whether it was a 429: wait as told, and go on at half the speed, which then recovers
                an eighth every window. Somebody else uses the same limit.
            now: Monotonic seconds.
            pause_cap: The longest pause for a reply that was not a 429.
            jitter: Seconds added to a wait after a 429, so that not everybody comes back at once.
        """
        with self._lock:
            if throttled:
                wait = rate.wait if rate.wait is not None else self.seconds
                self._paused_until = max(self._paused_until, now + wait + jitter)
                if now - self._factor_since >= self.seconds or self._factor == 1.0:
                    self._factor = max(_SLOWEST, self._factor / 2)
                    self._factor_since = now + wait
            elif rate.remaining == 0 and rate.reset:
                self._paused_until = max(self._paused_until, now + min(rate.reset, pause_cap))

    def _wait(self, share: Hashable, now: float, wall: float) -> float:
        self._expire(now)
        if now < self._paused_until:
            return self._paused_until - now
        allowed = self.allowed
        if self._open + len(self._releases) >= allowed:
            return max(self._releases[0][0] - now, 1e-4) if self._releases else _POLL
        if self._outranked(share, allowed, now):
            return _POLL
        return self._hour_wait(wall)

    def _outranked(self, share: Hashable, allowed: int, now: float) -> bool:
        """Whether this share has its part already and another one is waiting for its own."""
        waiting = [
            other for other, since in self._wanting.items() if other != share and now - since < _WANTING
        ]
        if not waiting:
            return False
        active = {share, *waiting, *(other for other, count in self._held.items() if count > 0)}
        fair = allowed / len(active)
        return self._held[share] >= fair and any(self._held[other] < fair for other in waiting)

    def _hour_wait(self, wall: float) -> float:
        if self.per_hour is None:
            return 0.0
        for hour in sorted(self._hours(wall, wall)):
            # A request still in flight may be counted in any hour until its reply comes.
            if self._hourly[hour] + self._open - self._hourly_open[hour] >= self.per_hour:
                return (hour + 1) * _HOUR + self._skew - wall + 1e-3
        return 0.0

    def _hours(self, start: float, end: float) -> set[int]:
        first, last = int((start - self._skew) // _HOUR), int((end + self._skew) // _HOUR)
        return set(range(first, last + 1))

    def _expire(self, now: float) -> None:
        while self._releases and self._releases[0][0] <= now:
            _, share = self._releases.popleft()
            self._held[share] -= 1
        if self._factor < 1.0 and now - self._factor_since >= self.seconds:
            self._factor = min(1.0, self._factor + _RECOVERY)
            self._factor_since = now

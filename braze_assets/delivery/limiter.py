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
from braze_assets.braze.rate_headers import LONGEST_WAIT, RateHeaders
from braze_assets.delivery.brake import Brake

__all__ = ["Permit", "RateLimiter"]

_HOUR = 3_600
_POLL = 0.02
"""Seconds after which to ask again when nobody knows when a slot comes free."""
_REACH = 40.0
_WANTING = 0.25
"""Seconds for which a share that was turned away counts as waiting."""
_DRIFT = 0.001
"""Seconds by which two clocks may disagree about the length of a window."""
_FULL = 0.75


@dataclass(eq=False)
class Permit:
    """The right to send one request; to be given back by `RateLimiter.done`."""

    share: Hashable
    wall: float
    hours: set[int] = field(default_factory=set)
    """Clock hours the request may be counted in."""


class RateLimiter:
    """Requests per window, an optional budget per clock hour, and shares between the sends that use it.

    It keeps no time of its own and never sleeps: every call is told `now` (a monotonic clock, seconds) and
    `wall` (epoch seconds). Safe for several threads.

    Args:
        requests: Requests in any stretch of `seconds`.
        seconds: Length of the window.
        per_hour: Requests in one clock hour; None for no such budget.
        skew: Seconds by which Braze's clock and ours may differ at the turn of the hour.
        reach: Seconds within which a request is answered or given up. One that leaves so shortly before the
            turn of the hour has a place in both hours' budgets until its reply tells which of them it took.
    """

    def __init__(
        self,
        *,
        requests: int,
        seconds: float,
        per_hour: int | None = None,
        skew: float = 2.0,
        reach: float = _REACH,
    ) -> None:
        if requests < 1 or seconds <= 0 or (per_hour is not None and per_hour < 1):
            raise ValueError("a rate limit must allow at least one request")
        self.requests = requests
        self.seconds = seconds
        self.per_hour = per_hour
        self.reach = reach
        self._skew = skew
        self._lock = threading.Lock()
        self._open = 0
        self._held: Counter[Hashable] = Counter()
        self._releases: deque[tuple[float, Hashable]] = deque()
        self._wanting: dict[Hashable, float] = {}
        self._brake = Brake(seconds)
        self._hourly: Counter[int] = Counter()
        self._present: set[Hashable] = set()
        self._used_by_others = 0
        self._starved = False
        """Whether somebody was turned away for want of slots or budget, not for another one's sake."""

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
        return max(1, int(self.requests * self._brake.factor))

    def acquire(self, share: Hashable, *, now: float, wall: float) -> Permit | float:
        """A permit to send at once, or the seconds (above 0) after which to ask again.

        Args:
            share: Who asks. Slots are divided evenly among those who want them.
            now: Monotonic seconds.
            wall: Epoch seconds.
        """
        with self._lock:
            self._present.add(share)
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
                permit.hours = self._hours(wall, wall + self.reach)
                self._hourly.update(permit.hours)
            return permit

    def done(self, permit: Permit, *, now: float, wall: float, replied: float | None = None) -> None:
        """The request was answered, or given up; its slot comes free one window later.

        Args:
            permit: The request's.
            now: Monotonic seconds.
            wall: Epoch seconds.
            replied: When the reply was there, if somebody saw that earlier than now.
        """
        with self._lock:
            self._open -= 1
            replied = now if replied is None else min(replied, now)
            self._releases.append((replied + self.seconds + _DRIFT, permit.share))
            if self.per_hour is not None:
                counted = self._hours(permit.wall, wall)
                self._hourly.update(counted - permit.hours)
                self._hourly.subtract(permit.hours - counted)
            self._look(now, wall)

    def leave(self, share: Hashable, *, now: float, wall: float) -> None:
        """This share wants no more slots."""
        with self._lock:
            self._wanting.pop(share, None)
            self._present.discard(share)
            self._held += Counter()  # drops those at zero
            self._look(now, wall)

    def tick(self, *, now: float, wall: float) -> None:
        """To be called several times a second while a send runs, also when it has nothing to send."""
        with self._lock:
            self._look(now, wall)

    def holds(self, now: float) -> bool:
        """Whether a request that has its permit may still leave: a thread may have slept since."""
        return True

    def observe(
        self,
        rate: RateHeaders,
        *,
        throttled: bool,
        now: float,
        pause_cap: float,
        jitter: float,
        longest: float = LONGEST_WAIT,
    ) -> None:
        """Slow down as a reply says.

        Args:
            rate: The reply's headers.
            throttled: Whether it was a 429: wait as told, and go on at half the speed, which then recovers
                an eighth every window. Somebody else uses the same limit. One that says nothing waits for a
                window. Whatever they say, one refusal after another waits longer and longer.
            now: Monotonic seconds.
            pause_cap: The longest pause for a reply that was not a 429.
            jitter: Seconds added to a wait after a 429, so that not everybody comes back at once.
            longest: The longest pause for a 429; then it asks again.
        """
        with self._lock:
            if throttled:
                self._brake.refused(rate, now=now, jitter=jitter, longest=longest)
                return
            self._brake.answered()
            if rate.remaining == 0 and rate.reset and not self._our_own_doing(rate.reset):
                self._brake.pause(now + min(rate.reset, pause_cap))

    def _our_own_doing(self, reset: float) -> bool:
        """Whether "none left" only says that the limit is used to the full, as it should be.

        Then the slots come free at the right time, which a header in whole seconds does not know.
        """
        used = self._open + len(self._releases) + self._used_by_others
        return reset <= self.seconds + 1.0 and used >= self.requests * _FULL

    def _look(self, now: float, wall: float) -> None:
        """For those that share the limit with others."""

    def _wait(self, share: Hashable, now: float, wall: float) -> float:
        self._expire(now)
        if now < self._brake.until:
            return self._brake.until - now
        allowed = self.allowed
        if self._open + len(self._releases) >= allowed:
            self._starved = True
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
        for hour in sorted(self._hours(wall, wall + self.reach)):
            if self._hourly[hour] >= self._budget(hour):
                self._starved = True
                begun = hour * _HOUR <= wall + self._skew
                return (hour + 1) * _HOUR + self._skew - wall + 1e-3 if begun else _POLL
        return 0.0

    def _budget(self, hour: int) -> int:
        """Requests allowed in a clock hour."""
        return self.per_hour or 0

    def _hours(self, start: float, end: float) -> set[int]:
        first, last = int((start - self._skew) // _HOUR), int((end + self._skew) // _HOUR)
        return set(range(first, last + 1))

    def _expire(self, now: float) -> None:
        while self._releases and self._releases[0][0] <= now:
            _, share = self._releases.popleft()
            self._held[share] -= 1
        self._brake.recover(now)

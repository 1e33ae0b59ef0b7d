"""A rate limiter that shares one limit with other processes."""

import logging
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Protocol

from braze_assets.delivery.limiter import RateLimiter
from braze_assets.delivery.slots import LEASE, Grant, Need, Table, meet

__all__ = ["SharedLimiter", "SlotTable"]

_BEAT = 0.1
"""Seconds between two looks at the table; shorter where the window is."""
_ALONE = 2.5
"""A process that is alone looks so many times less often: so long a new one waits for its first slots."""
_SAFETY = 0.25
"""Seconds before the end of a lease from which on nothing more is sent."""
_BLOCK = 256
"""Requests of an hourly budget taken at a time. A crash loses as many."""
_FAREWELLS = 100
"""Times to try to give everything back at the end. Otherwise the others wait for the lease to run out."""
_LOG = logging.getLogger(__name__)


class SlotTable(Protocol):
    """Where the table lies; `SlotFile` is one."""

    def change(self, change: Callable[[bytes | None], tuple[bytes, Grant]], *, now: float) -> Grant | None:
        """Replace the content by what the function makes of it; None if that is not possible just now."""


class SharedLimiter(RateLimiter):
    """Uses the slots that `slots.meet` grants this process.

    Args:
        table: Shared with the others.
        name: This process.
        requests: Requests in any stretch of `seconds`, of all processes together.
        seconds: Length of the window.
        per_hour: Requests in one clock hour, of all together and also after a restart.
        reach: Seconds within which a request is answered or given up.
    """

    def __init__(
        self,
        table: SlotTable,
        name: str,
        *,
        requests: int,
        seconds: float,
        per_hour: int | None = None,
        reach: float,
    ) -> None:
        super().__init__(requests=requests, seconds=seconds, per_hour=per_hour, reach=reach)
        self._table, self._name = table, name
        self._beat = max(0.01, min(_BEAT, seconds / 10))
        self._quick = self._beat / 5
        self._quota = self._usable = self._airborne = 0
        self._until = self._last = self._next = float("-inf")
        self._member = False
        self._allowance: Counter[int] = Counter()
        self._block = max(1, min(_BLOCK, (per_hour or 0) // 50))

    @property
    def allowed(self) -> int:
        """Requests per window at the moment, of this process."""
        return min(super().allowed, self._usable)

    def holds(self, now: float) -> bool:
        """Whether the lease lasts."""
        return now < self._until

    def _look(self, now: float, wall: float) -> None:
        if not self._member:
            return
        if self._gone():
            self._expire(now)
            tries = 0
            while self._member and tries < _FAREWELLS:
                self._meet(now, wall)
                tries += 1
        elif now >= self._next:
            self._expire(now)
            self._meet(now, wall)

    def _wait(self, share: Hashable, now: float, wall: float) -> float:
        if now >= self._next:
            self._expire(now)
            self._meet(now, wall)
        wait = self._local_wait(share, now, wall)
        if wait > 0 and self._starved and self._could_get_more():
            if now >= self._last + self._quick:
                self._meet(now, wall)
                wait = self._local_wait(share, now, wall)
            # Others may give something back before a slot of one's own comes free.
            wait = min(wait, self._quick)
        return wait

    def _local_wait(self, share: Hashable, now: float, wall: float) -> float:
        if now >= self._until:
            self._usable = 0
        elif self._open >= self._airborne:
            self._starved = True
            return self._quick
        return super()._wait(share, now, wall)

    def _could_get_more(self) -> bool:
        # An hour's budget is asked for ahead of time, and where it is spent nobody has any.
        return self._usable < self.requests or self._open >= self._airborne

    def _gone(self) -> bool:
        return not self._present and not self._open

    def _budget(self, hour: int) -> int:
        return self._allowance[hour]

    def _meet(self, now: float, wall: float) -> None:
        used = self._open + len(self._releases)
        leaving = self._gone()
        demand = self.requests if self._starved or not self._member else used + max(4, used // 4)
        least = max(2, min(64, self.requests // 16))
        airborne = self._open + max(least, self._open // 2)
        hours = self._hours_wanted(wall, leaving)
        need = Need(
            now=now,
            wall=wall,
            limit=self.requests,
            window=self.seconds,
            reach=self.reach,
            quota=self._quota,
            used=used,
            demand=min(demand, self.requests),
            shares=max(1, len(self._present)),
            airborne=airborne,
            per_hour=self.per_hour,
            hours=hours,
            paused_until=self._brake.until if self._brake.until > now else 0.0,
            leaving=Counter(until for until, _ in self._releases) if leaving else None,
        )
        self._last = now
        try:
            grant = self._table.change(lambda content: self._at(content, need), now=now)
        except OSError as error:
            self._freeze(error, now)
            return
        if grant is None:
            self._next = now + self._quick
            return
        self._next, self._starved = now + self._beat * (1.0 if grant.others else _ALONE), False
        self._quota, self._usable, self._airborne = grant.quota, grant.usable, airborne
        self._until, self._member = grant.until - _SAFETY, not leaving
        self._brake.pause(grant.paused_until)
        self._used_by_others = grant.used_by_others
        self._allowance.update(grant.hours)
        if leaving:
            self._releases.clear()
            self._held.clear()
            self._until = self._next = float("-inf")

    def _at(self, content: bytes | None, need: Need) -> tuple[bytes, Grant]:
        table = Table()
        try:
            if content is not None:
                table = Table.from_bytes(content)
            lost = content is None and self._member
        except ValueError:
            lost = True
        if lost:
            # Nobody knows what the others have used: as if it were everything.
            table.lingering[need.now + LEASE + need.window] = need.limit
        grant = meet(table, self._name, need)
        return table.to_bytes(), grant

    def _hours_wanted(self, wall: float, leaving: bool) -> dict[int, int]:
        if self.per_hour is None:
            return {}
        now = self._hours(wall, wall)
        for hour in [hour for hour in self._allowance if hour < min(now)]:
            del self._allowance[hour], self._hourly[hour]
        left = {hour: self._allowance[hour] - self._hourly[hour] for hour in self._allowance}
        if leaving:
            return {hour: -count for hour, count in left.items() if count > 0}
        near = self._hours(wall, wall + self.reach)
        # A request that was answered later than it ever should have been owes its place.
        return {hour: self._block - left.get(hour, 0) for hour in near if left.get(hour, 0) < self._block / 2}

    def _freeze(self, error: OSError, now: float) -> None:
        """Nobody can change the division any more: keep to one's part of it."""
        if self._until != float("inf"):
            _LOG.warning(
                "The rate limit is no longer shared with other processes: %s. This one keeps to the part it "
                "has. Look at the folder of BRAZE_RATE_LIMIT_FOLDER.",
                error.strerror,
            )
        self._next, self._until = now + 1.0, float("inf")
        self._usable = self._quota = max(1, self._quota)
        self._airborne = self.requests

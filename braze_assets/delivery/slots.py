"""How the processes of one machine divide the slots of one rate limit among themselves.

A table says how many slots each process may use; together never more than the limit. As every counted request
holds a slot (see `limiter`), the limit is obeyed as if one process sent everything. The table is looked at a
few times a second, not once a request: a process that needs more asks, one that has more than its fair part
gives back what is free.

A process holds its slots by a lease. It sends nothing once that has run out, so a process that was killed, or
stopped, loses its slots a moment later: those of answered requests after one window more, those of requests
that were in flight only when no reply can come any more.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["LEASE", "Grant", "Member", "Need", "Table", "fair_parts", "meet"]

LEASE = 2.0
"""Seconds a process may send for after it was last seen at the table."""
_DRIFT = 0.001
_BUCKETS = 16
"""Slots that come free at about the same time are written down together."""
_LONGEST_PAUSE = 3_700.0


@dataclass
class Member:
    """A process that sends."""

    quota: int
    """Slots it may use."""
    demand: int
    """Slots it could use."""
    shares: int
    """Sends that run in it: one with two of them gets twice as much."""
    airborne: int
    """Requests it may have in flight until the lease ends."""
    used: int
    """Slots in use when it was last seen."""
    until: float
    """End of the lease; all times are readings of the machine's monotonic clock."""
    free: float
    """From when on an answered request of it counts no more, whenever within the lease it was sent."""
    free_airborne: float
    """From when on one that was in flight at the end of the lease counts no more."""


@dataclass
class Table:
    """What the processes share."""

    members: dict[str, Member] = field(default_factory=dict)
    lingering: dict[float, int] = field(default_factory=dict)
    """Slots of processes that left or died, by the time they come free."""
    hours: dict[int, int] = field(default_factory=dict)
    """Requests of the hourly budget that were given out, by clock hour since the epoch."""
    paused_until: float = 0.0
    """Braze told somebody to wait."""

    def to_bytes(self) -> bytes:
        """For a file."""
        members = {name: list(vars(member).values()) for name, member in self.members.items()}
        rows = {"members": members, "lingering": list(self.lingering.items())}
        return json.dumps({**rows, "hours": list(self.hours.items()), "paused": self.paused_until}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Table":
        """From a file.

        Raises:
            ValueError: It holds something else.
        """
        try:
            found = json.loads(data)
            members = {
                str(name): Member(*map(int, row[:5]), *map(float, row[5:]))
                for name, row in found["members"].items()
            }
            lingering = {float(until): int(count) for until, count in found["lingering"]}
            hours = {int(hour): int(count) for hour, count in found["hours"]}
            return cls(members, lingering, hours, float(found["paused"]))
        except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
            raise ValueError("not a table of slots") from error


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a process brings to the table."""

    now: float
    wall: float
    """Epoch seconds."""
    limit: int
    window: float
    reach: float
    """Seconds after which a request that left has surely been counted, or never will be."""
    quota: int
    """Slots it was given before."""
    used: int
    """Slots in use: in flight, or answered less than a window ago."""
    demand: int
    shares: int
    airborne: int
    per_hour: int | None = None
    hours: Mapping[int, int] = field(default_factory=dict)
    """Requests wanted of an hour's budget; below 0: given back."""
    paused_until: float = 0.0
    leaving: Mapping[float, int] | None = None
    """It goes away for now; its slots in use, by the time they come free."""


@dataclass(frozen=True)
class Grant:
    """What it takes away."""

    quota: int
    usable: int
    """Slots to use from now on. Fewer than the quota: the rest goes to others as it comes free."""
    until: float
    hours: Mapping[int, int]
    """Requests given of each hour's budget."""
    paused_until: float
    others: int
    """Other processes that send."""
    used_by_others: int = 0
    """Slots in use of others, those that left included."""


def meet(table: Table, name: str, need: Need) -> Grant:
    """One process at the table, which nobody else may touch meanwhile; changes it."""
    _clear(table, need)
    hours = _budget(table, need)
    table.paused_until = max(table.paused_until, need.paused_until)
    mine = table.members.pop(name, None)
    quota = min(need.quota, mine.quota) if mine else 0
    if need.leaving is not None:
        # Without a lease its slots linger already.
        for until, count in need.leaving.items() if mine else ():
            _linger(table, until, count, need.window)
        return Grant(0, 0, need.now, hours, table.paused_until, len(table.members))
    others = sum(member.quota for member in table.members.values())
    used = sum(member.used for member in table.members.values())
    lingering = sum(table.lingering.values())
    wants = {other: (member.demand, member.shares) for other, member in table.members.items()}
    wants[name] = (need.demand, need.shares)
    turn = int(need.now / max(need.window, 0.1))
    fair = fair_parts(max(0, need.limit - lingering), wants, turn)[name]
    if quota > fair:
        quota = max(fair, min(need.used, quota))
    else:
        quota += max(0, min(fair - quota, need.limit - others - lingering - quota))
    until = need.now + LEASE
    free = until + need.window + _DRIFT
    table.members[name] = Member(
        quota, need.demand, need.shares, need.airborne, need.used, until, free, free + need.reach
    )
    usable = min(quota, fair)
    return Grant(quota, usable, until, hours, table.paused_until, len(table.members) - 1, used + lingering)


def fair_parts(limit: int, wants: Mapping[str, tuple[int, int]], turn: int) -> dict[str, int]:
    """Divide slots: nobody gets less than an equal part unless it wants less.

    What is left when all have what they want is divided too. What cannot be divided goes round: with fewer
    slots than processes, everybody has one from time to time.

    Args:
        limit: Slots.
        wants: Name to slots wanted and weight (1 or more).
        turn: Changes as time goes by.
    """
    parts = dict.fromkeys(wants, 0.0)
    left, open_ = float(limit), dict(wants)
    while open_:
        unit = left / sum(weight for _, weight in open_.values())
        content = {name: want for name, (want, weight) in open_.items() if want <= unit * weight}
        if not content:
            parts.update({name: unit * weight for name, (_, weight) in open_.items()})
            left = 0.0
            break
        for name, want in content.items():
            parts[name] = float(want)
            left -= want
            del open_[name]
    if left > 0:
        unit = left / sum(weight for _, weight in wants.values())
        parts = {name: part + unit * wants[name][1] for name, part in parts.items()}
    whole = {name: math.floor(part + 1e-9) for name, part in parts.items()}
    rest = limit - sum(whole.values())
    cut = sorted(name for name, part in parts.items() if part - whole[name] > 1e-9)
    for step in range(min(rest, len(cut))):
        whole[cut[(turn + step) % len(cut)]] += 1
    return whole


def _clear(table: Table, need: Need) -> None:
    """Take leases back that have run out, and forget what counts no more."""
    now = need.now
    for name, member in list(table.members.items()):
        if member.until > now + LEASE + 1.0:
            # Its clock is not ours: the machine was started anew.
            later = member.until - (now + LEASE)
            member.until, member.free = member.until - later, member.free - later
            member.free_airborne -= later
        elif member.until <= now:
            del table.members[name]
            airborne = min(member.airborne, member.quota)
            _linger(table, member.free, member.quota - airborne, need.window)
            _linger(table, member.free_airborne, airborne, need.window)
    longest = now + LEASE + need.reach + 2 * need.window + 1.0
    kept: dict[float, int] = {}
    for until, count in table.lingering.items():
        if until > now and count > 0:
            until = min(until, longest)
            kept[until] = kept.get(until, 0) + count
    table.lingering = kept
    hour = int(need.wall // 3_600)
    table.hours = {each: count for each, count in table.hours.items() if abs(each - hour) <= 1}
    if table.paused_until > now + _LONGEST_PAUSE:
        table.paused_until = 0.0


def _linger(table: Table, until: float, count: int, window: float) -> None:
    if count > 0:
        bucket = window / _BUCKETS
        until = math.ceil(until / bucket) * bucket
        table.lingering[until] = table.lingering.get(until, 0) + count


def _budget(table: Table, need: Need) -> dict[int, int]:
    given: dict[int, int] = {}
    if need.per_hour is None:
        return given
    for hour, wanted in need.hours.items():
        spent = table.hours.get(hour, 0)
        given[hour] = max(-spent, min(wanted, need.per_hour - spent)) if wanted < 0 else 0
        if wanted > 0:
            given[hour] = max(0, min(wanted, need.per_hour - spent))
        table.hours[hour] = spent + given[hour]
    return given

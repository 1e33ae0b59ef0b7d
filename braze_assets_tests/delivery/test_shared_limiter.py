"""One limit for several processes: obeyed exactly whoever dies or stops, fair, all of it for one alone."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_assets.delivery.limiter import Permit
from braze_assets.delivery.shared_limiter import SharedLimiter
from braze_assets.delivery.slots import LEASE, Grant, Need, Table, fair_parts, meet
from braze_assets_tests.delivery.test_limiter import worst_window

HOUR = 3_600.0


class Memory:
    """The table in memory; busy, torn or gone when a test says so."""

    def __init__(self, busy: Callable[[], bool] = lambda: False) -> None:
        self.content: bytes | None = None
        self.meetings = 0
        self._busy = busy

    def change(self, change: Callable[[bytes | None], tuple[bytes, Grant]], *, now: float) -> Grant | None:
        if self._busy():
            return None
        self.meetings += 1
        self.content, grant = change(self.content)
        assert sum(each.quota for each in Table.from_bytes(self.content).members.values()) >= 0
        return grant


@dataclass
class Process:
    """A simulated process that sends greedily, up to so many at once."""

    limiter: SharedLimiter
    name: str
    in_flight: int
    objects: float = float("inf")
    begins: float = 0.0
    flying: list[tuple[float, int, Permit]] = field(default_factory=list)
    counted: list[float] = field(default_factory=list)
    stopped_until: float = 0.0
    dead: bool = False


@dataclass
class World:
    """Several processes in steps of simulated time."""

    processes: list[Process]
    latency: Callable[[], tuple[float, float]]
    """Seconds until the reply, and at which part of them it is counted."""
    now: float = 0.0
    number: int = 0

    def run(self, until: float, step: float) -> None:
        while self.now < until:
            for process in self.processes:
                if not process.dead and self.now >= max(process.stopped_until, process.begins):
                    self._step(process)
            self.now += step

    def _step(self, process: Process) -> None:
        limiter, now = process.limiter, self.now
        while process.flying and process.flying[0][0] <= now:
            _, _, permit = heapq.heappop(process.flying)
            limiter.done(permit, now=now, wall=now)
        while len(process.flying) < process.in_flight and process.objects > 0:
            granted = limiter.acquire("send", now=now, wall=now)
            if not isinstance(granted, Permit):
                break
            latency, place = self.latency()
            process.counted.append(now + latency * place)
            process.objects -= 1
            self.number += 1
            heapq.heappush(process.flying, (now + latency, self.number, granted))
        limiter.tick(now=now, wall=now)
        if process.objects <= 0 and not process.flying:
            limiter.leave("send", now=now, wall=now)

    def counted(self) -> list[float]:
        return sorted(time for process in self.processes for time in process.counted)


def some(
    count: int,
    memory: Memory,
    *,
    requests: int,
    seconds: float,
    in_flight: int = 40,
    reach: float = 1.0,
    per_hour: int | None = None,
) -> list[Process]:
    return [
        Process(
            SharedLimiter(
                memory, f"p{index}", requests=requests, seconds=seconds, per_hour=per_hour, reach=reach
            ),
            f"p{index}",
            in_flight,
        )
        for index in range(count)
    ]


@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_no_window_sees_more_than_the_limit_whatever_happens_to_the_processes(data: st.DataObject) -> None:
    """Kills, stops and a table that is busy, at any moment."""
    requests, seconds = data.draw(st.integers(1, 30)), data.draw(st.floats(0.1, 1.5))
    reach = data.draw(st.floats(0.05, 1.0))
    chance = data.draw(st.randoms(use_true_random=False))
    share_busy = data.draw(st.sampled_from([0.0, 0.2, 0.8]))
    memory = Memory(busy=lambda: chance.random() < share_busy)
    count = data.draw(st.integers(2, 4))
    world = World(
        some(count, memory, requests=requests, seconds=seconds, in_flight=data.draw(st.integers(1, 40))),
        lambda: (chance.uniform(0, reach), chance.random()),
    )
    for process in world.processes:
        process.limiter.reach = reach
        process.begins = data.draw(st.floats(0, 2))
        process.objects = data.draw(st.sampled_from([5, 50, float("inf")]))
    for _ in range(data.draw(st.integers(1, 6))):
        world.run(world.now + data.draw(st.floats(0.01, 1.5)), step=0.013)
        victim = data.draw(st.sampled_from(world.processes))
        event = data.draw(st.sampled_from(["kill", "stop", "nothing"]))
        if event == "kill":
            victim.dead = True
        elif event == "stop":
            victim.stopped_until = world.now + data.draw(st.floats(0, 6))
    world.run(world.now + 2.0, step=0.013)
    assert worst_window(world.counted(), seconds) <= requests


@pytest.mark.parametrize("requests", [60, 3_000])
def test_greedy_processes_get_equal_parts_and_lose_little(requests: int) -> None:
    memory = Memory()
    seconds = 0.5
    world = World(some(3, memory, requests=requests, seconds=seconds, in_flight=300), lambda: (0.02, 0.5))
    world.processes[2].begins = 1.0
    world.run(3.0, step=0.002)
    start = world.now
    world.run(start + 5.0, step=0.002)
    parts = [sum(time >= start for time in process.counted) for process in world.processes]
    # Each slot is kept for a window and the latency.
    assert sum(parts) >= 0.97 * requests * 5.0 / (seconds + 0.022)
    assert max(parts) <= 1.1 * min(parts)
    assert worst_window(world.counted(), seconds) <= requests


def test_one_alone_has_all_of_it_at_once_and_looks_four_times_a_second() -> None:
    memory = Memory()
    world = World(some(1, memory, requests=3_000, seconds=3.0, in_flight=200), lambda: (0.1, 0.5))
    world.run(3.0, step=0.005)
    assert len(world.processes[0].counted) == 3_000
    world.run(6.05, step=0.005)
    assert len(world.processes[0].counted) >= 5_900
    assert memory.meetings <= 6.05 * 4 + 15, "the 15 while the number in flight grows"


def test_a_small_plan_does_not_wait_for_a_big_one() -> None:
    memory = Memory()
    world = World(some(2, memory, requests=300, seconds=3.0, in_flight=100), lambda: (0.1, 0.5))
    small = world.processes[1]
    small.begins, small.objects = 10.0, 100
    world.run(20.0, step=0.005)
    assert len(small.counted) == 100
    assert max(small.counted) < 10.0 + 3.5, "its half of the limit is 50 requests a second"
    last = world.processes[0].counted
    assert sum(17 <= time < 20 for time in last) >= 285, "and the big one has everything again"
    assert worst_window(world.counted(), 3.0) <= 300


def test_the_slots_of_a_killed_process_come_back_in_bounded_time() -> None:
    memory = Memory()
    world = World(some(2, memory, requests=300, seconds=3.0, reach=40.0, in_flight=50), lambda: (0.1, 0.5))
    world.run(10.0, step=0.005)
    world.processes[0].dead = True
    world.run(10.0 + LEASE + 2 * 3.0 + 0.5, step=0.005)
    start = world.now
    world.run(start + 6.0, step=0.005)
    survivor = sum(time >= start for time in world.processes[1].counted)
    assert survivor >= 0.8 * 2 * 300, "all but those that were perhaps in flight"
    world.run(10.0 + LEASE + 3.0 + 40.0 + 4.0, step=0.02)
    assert Table.from_bytes(memory.content or b"").lingering == {}


def test_what_a_dead_process_had_in_flight_may_be_counted_late() -> None:
    """Answered requests hold their slots for the lease and a window, the others until no reply can come."""
    memory, now = Memory(), 0.0
    dead, heir = (each.limiter for each in some(2, memory, requests=10, seconds=5.0, reach=20.0))
    permits: list[Permit] = []
    while len(permits) < 10:
        now += 0.03
        granted = dead.acquire("a", now=now, wall=now)
        permits += [granted] if isinstance(granted, Permit) else []
    for permit in permits[:6]:
        dead.done(permit, now=now, wall=now)
    dead.tick(now=now + 0.5, wall=now + 0.5)
    lease_ends = now + 0.5 + LEASE
    grants: list[float] = []
    while now < 40.0:
        now += 0.05
        grants += [now] if isinstance(heir.acquire("b", now=now, wall=now), Permit) else []
    assert len(grants) == 10
    assert grants[0] >= lease_ends + 5.0
    late = [time for time in grants if time >= lease_ends + 20.0 + 5.0]
    assert len(late) >= 4, "those in flight"
    assert len(late) < 10


@settings(deadline=None, max_examples=60)
@given(data=st.data(), limit=st.integers(1, 40))
def test_what_is_given_and_what_lingers_is_never_more_than_the_limit(data: st.DataObject, limit: int) -> None:
    table, quotas, now = Table(), dict.fromkeys("abcd", 0), 0.0
    for _ in range(data.draw(st.integers(1, 20))):
        now += data.draw(st.sampled_from([0.01, 0.1, 1.0, 3.0]))
        name = data.draw(st.sampled_from("abcd"))
        used = data.draw(st.integers(0, quotas[name]))
        leaving = {now + 1.0: used} if data.draw(st.integers(0, 5)) == 0 and name in table.members else None
        need = Need(
            now=now,
            wall=now,
            limit=limit,
            window=1.0,
            reach=2.0,
            quota=quotas[name],
            used=used,
            demand=data.draw(st.integers(0, limit)),
            shares=data.draw(st.integers(1, 3)),
            airborne=data.draw(st.integers(0, limit)),
            leaving=leaving,
        )
        held = table.members.get(name)
        grant = meet(table, name, need)
        quotas[name] = grant.quota
        assert grant.usable <= grant.quota
        assert sum(each.quota for each in table.members.values()) + sum(table.lingering.values()) <= limit
        assert held is None or leaving or held.until <= now or grant.quota >= min(used, held.quota)
        if leaving and used and held and held.until > now:
            assert sum(table.lingering.values()) >= used
        assert Table.from_bytes(table.to_bytes()) == table


def test_while_the_table_is_busy_nothing_beyond_lease_and_number_in_flight() -> None:
    busy = [False]
    memory = Memory(busy=lambda: busy[0])
    (process,) = some(1, memory, requests=64, seconds=1.0)
    limiter = process.limiter
    assert isinstance(limiter.acquire("a", now=0.0, wall=0.0), Permit)
    busy[0] = True
    more = [limiter.acquire("a", now=0.5, wall=0.5) for _ in range(60)]
    assert sum(isinstance(each, Permit) for each in more) == 3, "64 / 16, the first one included"
    for permit in more[:3]:
        assert isinstance(permit, Permit)
        limiter.done(permit, now=0.6, wall=0.6)
    assert isinstance(limiter.acquire("a", now=LEASE - 0.3, wall=0.0), Permit)
    assert isinstance(limiter.acquire("a", now=LEASE - 0.2, wall=0.0), float)


def test_a_process_that_waits_for_the_turn_of_the_hour_may_not_overdraw_the_next() -> None:
    memory = Memory()
    first, second = (
        each.limiter for each in some(2, memory, requests=50, seconds=0.5, per_hour=1, reach=5.0)
    )
    before, after = HOUR - 3.5, HOUR + 3.0
    assert isinstance(first.acquire("a", now=before, wall=before), Permit), "may be counted after the turn"
    assert isinstance(second.acquire("b", now=after, wall=after), float)


def test_what_cannot_be_divided_goes_round() -> None:
    wants = dict.fromkeys("abc", (5, 1))
    assert [fair_parts(1, wants, turn)["a"] for turn in range(6)] == [1, 0, 0, 1, 0, 0]


def test_a_stopped_process_sends_nothing_when_it_wakes() -> None:
    memory = Memory()
    first, second = some(2, memory, requests=10, seconds=1.0)
    permit = first.limiter.acquire("a", now=0.0, wall=0.0)
    assert isinstance(permit, Permit)
    assert first.limiter.holds(1.0)
    assert not first.limiter.holds(LEASE), "a thread with a permit in its hand is held back too"
    second.limiter.acquire("b", now=5.0, wall=5.0)
    assert not isinstance(first.limiter.acquire("a", now=5.0, wall=5.0), Permit)


def test_fewer_slots_than_processes_go_round() -> None:
    memory = Memory()
    world = World(some(3, memory, requests=1, seconds=0.2), lambda: (0.01, 0.5))
    world.run(20.0, step=0.002)
    parts = [len(process.counted) for process in world.processes]
    assert min(parts) >= 15
    assert worst_window(world.counted(), 0.2) == 1


@pytest.mark.parametrize("damage", [None, b"", b"{", b"[]", b'{"members":{"p0":[1]}}'])
def test_a_table_that_was_lost_costs_time_and_no_429(damage: bytes | None) -> None:
    memory = Memory()
    world = World(some(2, memory, requests=40, seconds=0.5), lambda: (0.05, 0.5))
    world.run(2.0, step=0.005)
    memory.content = damage
    world.run(7.0, step=0.005)
    assert worst_window(world.counted(), 0.5) <= 40
    assert sum(time > 6 for time in world.counted()) > 60


def test_an_hourly_budget_is_one_for_all_and_outlives_them() -> None:
    memory, spent = Memory(), 0
    for generation in range(4):
        world = World(
            some(3, memory, requests=50, seconds=0.5, per_hour=400),
            lambda: (0.02, 0.5),
            now=HOUR + 100 + 10 * generation,
        )
        world.run(world.now + 2.5, step=0.005)
        if generation < 1:
            for process in world.processes[:2]:
                process.objects = 0
            world.run(world.now + 0.5, step=0.005)
        spent += len(world.counted())
    assert 400 - 3 * 8 <= spent <= 400, "each crash loses a block at most"


@settings(deadline=None, max_examples=12)
@given(per_hour=st.integers(1, 120), start=st.floats(HOUR - 4, HOUR), seed=st.randoms(use_true_random=False))
def test_no_hour_sees_more_than_its_budget(per_hour: int, start: float, seed: object) -> None:
    memory = Memory()
    world = World(
        some(3, memory, requests=50, seconds=0.5, per_hour=per_hour),
        lambda: (seed.uniform(0, 1), seed.random()),  # type: ignore[attr-defined]
        now=start,
    )
    world.run(start + 8, step=0.02)
    for off in (-2.0, 0.0, 2.0):
        hours = [int((time + off) // HOUR) for time in world.counted()]
        assert all(hours.count(hour) <= per_hour for hour in set(hours))


@given(
    limit=st.integers(0, 200),
    wants=st.dictionaries(st.text(max_size=3), st.tuples(st.integers(0, 300), st.integers(1, 3)), min_size=1),
    turn=st.integers(0, 1_000),
)
def test_fair_parts_add_up_and_nobody_gets_less_for_anothers_greed(
    limit: int, wants: dict[str, tuple[int, int]], turn: int
) -> None:
    parts = fair_parts(limit, wants, turn)
    assert sum(parts.values()) == limit
    weights = sum(weight for _, weight in wants.values())
    for name, (want, weight) in wants.items():
        assert parts[name] >= min(want, int(limit * weight / weights + 1e-9))

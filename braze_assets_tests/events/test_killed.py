"""P06, X3: real processes, really killed. Nothing is there twice, and what may be missing is listed."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from braze_assets.emulator.process import LocalBraze
from braze_assets.storage import StoredTable
from braze_assets_tests.events.child import Children
from braze_assets_tests.events.world import Events, applied, events

COUNT = 1_500
ALL = set(range(COUNT))
SETTINGS = {
    "connect_timeout": 2.0,
    "read_timeout": 20.0,
    "journal_interval": 0.05,
    "settling_time": 0.0,
    "in_flight_start": 4,
    "in_flight_max": 4,
}
INSTANTS = [
    ("journal", "before", 1),
    ("journal", "after", 1),
    ("open", "after", 1),
    ("reserve", "after", 1),
    ("reserve", "after", 2),
    ("request", "before", 3),
    ("request", "after", 12),
    ("receipts", "before", 1),
    ("receipts", "after", 1),
    ("close", "before", 1),
    ("close", "after", 1),
    ("ids", "after", 1),
    ("journal", "after", 2),
]


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    with Children() as server:
        yield server


def config(world: Events, plan: StoredTable, braze: LocalBraze, **more: Any) -> dict[str, Any]:
    return {
        "storage": world.storage.url,
        "plan": plan.uris[0],
        "url": braze.url,
        "settings": SETTINGS,
        **more,
    }


def check(world: Events, braze: LocalBraze, guarantee: str) -> Counter[int]:
    """The promise, once a run has come through."""
    found, review = applied(braze), world.in_review()
    if guarantee == "at_least_once":
        assert set(found) == ALL
    else:
        assert max(found.values()) == 1, "an event is there twice"
        assert set(found) | review == ALL, "an event is missing, and nobody is told"
    return found


@pytest.mark.parametrize(("point", "when", "nth"), INSTANTS)
def test_killed_at_an_instant_and_resumed(
    world: Events, braze: LocalBraze, children: Children, point: str, when: str, nth: int
) -> None:
    rows = events(0, COUNT)
    _, plan = world.plan(rows)
    assert children.wait(children.start(config(world, plan, braze, point=point, when=when, nth=nth))) == -9
    taken = applied(braze)
    world.send(plan, braze)
    found = check(world, braze, "at_most_once")
    # Nothing was in doubt but what was reserved and has no receipt: a second's worth, here all of it at most.
    assert all(found[number] for number in taken)
    if (point, when, nth) in (("journal", "before", 1), ("journal", "after", 1), ("open", "after", 1)):
        assert world.review() == []
    if point in ("close", "ids") or (point, nth) == ("journal", 2):
        assert world.review() == [], "the run had written down the outcome of everything"
    header, again = world.plan(rows)
    assert (header.counts.objects, world.send(again, braze).state) == (0, "nothing")


@pytest.mark.parametrize("guarantee", ["at_most_once", "at_least_once"])
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_again_and_again(
    world: Events, braze: LocalBraze, children: Children, guarantee: Any, seed: int
) -> None:
    """Killed at any time, while Braze answers slowly and sometimes not at all."""
    chance = random.Random(seed)
    world.settings = replace(world.settings, guarantee=guarantee)
    rows = events(0, COUNT)
    _, plan = world.plan(rows)
    braze.control.settings(latency_ms=20, latency_jitter_ms=20, seed=seed)
    braze.control.fault(effect="status", status=503, when="after", probability=0.05)
    braze.control.fault(effect="reset", when="after", probability=0.05)
    for _ in range(4):
        process = children.start(config(world, plan, braze))
        time.sleep(chance.uniform(0.05, 0.5))
        os.kill(process, signal.SIGKILL)
        children.wait(process)
        if chance.random() < 0.5:
            _, plan = world.plan(rows)
    braze.control.clear_faults()
    braze.control.settings(latency_ms=0, latency_jitter_ms=0)
    _, plan = world.plan(rows)
    world.send(plan, braze)
    check(world, braze, guarantee)


def test_two_processes_at_once(world: Events, braze: LocalBraze, children: Children) -> None:
    """One takes over from the other: what the first had reserved is in doubt, the rest goes once."""
    rows = events(0, COUNT)
    _, plan = world.plan(rows)
    braze.control.settings(latency_ms=20)
    processes = [children.start(config(world, plan, braze)) for _ in range(2)]
    codes = [children.wait(process) for process in processes]
    assert codes.count(0) >= 1
    world.send(plan, braze)
    check(world, braze, "at_most_once")

"""Backfills in one process: what is sent, what Braze holds, what Dagster shows (D6, D7, X6).

`test_backfills_live.py` has the same with a live webserver and daemon.
"""

import os
import signal
import threading
import time
from typing import Any

import dagster as dg
import pytest

from braze_assets_tests.assets.world import PARTS, YAML, World, user
from braze_assets_tests.projects import failure, metadata

ALL = ["customer_360/members", *PARTS]
DAY = "2026-07-{:02}".format


def check(result: dg.ExecuteInProcessResult, name: str) -> dg.AssetCheckEvaluation:
    [found] = [each for each in result.get_asset_check_evaluations() if each.check_name == name]
    return found


def month(world: World, *days: int) -> None:
    for day in days:
        world.days[DAY(day)] = [user(each, points=day) for each in range(10)]


def test_a_failing_day_sends_nothing_and_the_rest_follows(world: World) -> None:
    """D7: day 17 of 30 has no source. What is made stays; the send waits for all of it."""
    month(world, *range(1, 17), *range(18, 31))
    failed = world.run(ALL, DAY(1), DAY(30))
    assert not failed.success
    assert world.objects == 0
    assert [bool(world.page("customer_360/members", DAY(day))) for day in (16, 17, 18)] == [
        True,
        False,
        False,
    ]
    assert world.page("vip_sync", DAY(1)) == {}

    month(world, 17)
    assert world.run(["customer_360/members"], DAY(17), DAY(30)).success
    assert world.run(PARTS, DAY(1), DAY(30)).success
    assert world.objects == 10
    assert world.held("0003") == {"tier": "gold", "points": 30}
    assert world.page("vip_sync", DAY(30))["accepted"] == 10
    assert "Collapsed into partition 2026-07-30" in world.page("vip_sync", DAY(2))["summary"]


def test_an_old_range_after_newer_days_says_that_it_is_stale(world: World) -> None:
    """X6: in the plan's page, in the send's, and as a warning of a check."""
    month(world, 1, 2, 3, 9)
    world.sync(DAY(9))
    stale = world.run(ALL, DAY(1), DAY(3))
    assert stale.success
    assert (world.objects, world.held("0003")) == (10, {"tier": "gold", "points": 9})
    told = check(stale, "stale_partition")
    assert (told.passed, told.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert (told.description or "").startswith("Stale: the ledger stands at partition 2026-07-09")
    assert world.page("vip_delta", DAY(3))["status"] == "stale"
    assert world.page("vip_sync", DAY(3))["summary"].startswith("Stale: ")

    rewound = world.run(ALL, DAY(1), DAY(3), vip_delta={"rewind": True})
    assert rewound.success
    assert "10 values of 10 users, as of partition 2026-07-09" in (
        check(rewound, "stale_partition").description or ""
    )
    assert world.held("0003") == {"tier": "gold", "points": 3}


def test_two_backfills_whose_steps_take_turns(world: World) -> None:
    """Without pools: plan, plan, send, send. The second send is refused, and Braze is not set back."""
    month(world, *range(1, 7))
    assert world.run(ALL[:-1], DAY(4), DAY(6)).success
    assert world.run(ALL[:-1], DAY(1), DAY(3)).success
    assert world.run(["vip_sync"], DAY(4), DAY(6)).success
    text = failure(world.run(["vip_sync"], DAY(1), DAY(3)), "vip_sync")
    assert "The plan was made when the ledger stood at step 0; it stands at step 2 now" in text
    assert "Make the plan again (materialize the delta), then send it" in text
    assert (world.objects, world.held("0003")) == (10, {"tier": "gold", "points": 6})
    assert world.page("vip_sync", DAY(3)) == {}

    assert world.run(["vip_delta", "vip_sync"], DAY(1), DAY(3)).success
    assert world.page("vip_sync", DAY(3))["summary"].startswith("Stale: ")
    assert world.objects == 10


@pytest.mark.parametrize("replay", ["collapse", "each"])
def test_a_tick_in_the_middle_of_a_backfill(world: World, replay: str) -> None:
    """D6: the schedule's day is newer; the backfill that was planned before sends nothing after it."""
    month(world, 1, 2, 3, 9)
    world.run(ALL[:-1], DAY(1), DAY(3), vip_delta={"replay": replay})
    world.sync(DAY(9))
    assert not world.run(["vip_sync"], DAY(1), DAY(3)).success
    assert (world.objects, world.held("0003")) == (10, {"tier": "gold", "points": 9})


def test_plans_and_sends_that_are_run_again(world: World) -> None:
    """Nothing is sent twice, and each says why it sends nothing."""
    month(world, 1, 2)
    world.sync(DAY(2))
    again = world.run(["vip_sync"], DAY(2))
    assert "Everything in this plan was sent already." in metadata(again, "vip_sync")["summary"]
    assert world.run(["vip_delta"], DAY(2)).success
    assert world.page("vip_delta", DAY(2))["status"] == "empty"
    empty = world.run(["vip_sync"], DAY(2))
    assert metadata(empty, "vip_sync")["summary"] == "There is nothing to send."
    assert world.objects == 10


def test_a_send_without_a_plan_names_the_plan(world: World) -> None:
    text = failure(world.run(["vip_sync"], DAY(2), DAY(3)), "vip_sync")
    assert "The table vip_delta of partition 2026-07-03 was never materialized." in text
    assert "What to do: Materialize vip_delta of partition 2026-07-03 first" in text


def test_a_send_of_a_range_takes_its_newest_plan(world: World) -> None:
    """Plans made day by day, sent together: the newest covers the others, which say so."""
    month(world, 1, 2)
    for day in (1, 2):
        assert world.run(ALL[:-1], DAY(day)).success
    assert world.run(["vip_sync"], DAY(1), DAY(2)).success
    assert (world.objects, world.held("0003")) == (10, {"tier": "gold", "points": 2})
    assert world.page("vip_sync", DAY(1))["summary"] == "Not sent: the plan of 2026-07-02 covers it."


class _Terminate(threading.Thread):
    """Sends this process the signal that Dagster's "Terminate" sends a run, once Braze has seen something."""

    def __init__(self, world: World, objects: int) -> None:
        super().__init__(daemon=True)
        self._url, self._objects = world.braze.url, objects

    def run(self) -> None:
        from braze_assets.emulator.client import Control

        control = Control(self._url)
        while control.counters()["objects"] < self._objects:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("replay", [False, True])
def test_a_terminated_send_goes_on_where_it_stopped(world: World, replay: bool) -> None:
    """Every request that was made is answered and in the ledger; the next run sends the rest, once."""
    world.project.braze = {"objects_per_request": 5, "requests_per_window": 4, "window_seconds": 0.2}
    for day in (1, 2):
        world.days[DAY(day)] = [user(each, points=day) for each in range(150)]
    range_: tuple[Any, ...] = (DAY(1), DAY(2)) if replay else (DAY(1),)
    asked = {"vip_delta": {"replay": "each"}} if replay else {}
    assert world.run(ALL[:-1], *range_, **asked).success
    killer = _Terminate(world, 200 if replay else 20)
    killer.start()
    stopped = world.run(["vip_sync"], *range_)
    assert "DagsterExecutionInterruptedError" in failure(stopped, "vip_sync")
    killer.join()
    total = 300 if replay else 150
    stopped_at = world.objects
    assert 20 <= stopped_at < total
    assert bool(world.page("vip_sync", DAY(1))) == replay

    assert world.run(["vip_sync"], *range_).success
    assert world.objects == total
    assert world.page("vip_sync", range_[-1])["accepted"] == total - stopped_at


def test_yaml_refuses_another_replay(world: World) -> None:
    world.project.write("vip/defs.yaml", YAML + "  replay: twice\n")
    with pytest.raises(Exception, match="replay"):
        world.project.load()

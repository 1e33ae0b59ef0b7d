"""`replay: each`: every partition of a range is sent, in order, in the one run (D7, X6)."""

import dagster as dg
import pytest

from braze_assets_tests.assets.world import PARTS, YAML, World, user
from braze_assets_tests.projects import failure

ALL = ["customer_360/members", *PARTS]
EACH = {"vip_delta": {"replay": "each"}}
DAY = "2026-07-{:02}".format


def points_sent(world: World, external_id: str) -> list[int]:
    """The values of `points` that were sent for a user, in the order they took effect."""
    sent = [each for request in world.braze.control.applied() for each in request["attributes"]]
    return [each["points"] for each in sent if each["external_id"] == external_id]


@pytest.fixture(autouse=True)
def _recorded(world: World) -> None:
    world.braze.control.settings(record_applied=1_000)
    world.days = {DAY(day): [user(each, points=day) for each in range(10)] for day in range(1, 5)}


def test_every_partition_is_sent_in_order(world: World) -> None:
    """What is foreseen for each partition is what is sent; the pages of each partition say so."""
    world.days[DAY(3)] = world.days[DAY(2)]
    world.days[DAY(4)] = [user(each, points=4 if each < 3 else 2) for each in range(11)]
    planned = world.run(ALL[:-1], DAY(1), DAY(4), **EACH)
    assert planned.success
    foreseen = [world.page("vip_delta", DAY(day)) for day in range(1, 5)]
    assert [(each["status"], each["objects"], each["data_points"]) for each in foreseen] == [
        ("ready", 10, 20),
        ("ready", 10, 10),
        ("empty", 0, 0),
        ("ready", 4, 5),
    ]
    assert "Foreseen" in foreseen[1]["note"]
    assert world.objects == 0

    sent = world.run(["vip_sync"], DAY(1), DAY(4))
    assert sent.success
    world.braze.control.wait_until_applied()
    assert points_sent(world, "0001") == [1, 2, 4]
    assert points_sent(world, "0007") == [1, 2]
    done = [world.page("vip_sync", DAY(day)) for day in range(1, 5)]
    assert [each.get("accepted", 0) for each in done] == [10, 10, 0, 4]
    remade = world.page("vip_delta", DAY(2))
    assert (remade["objects"], remade["foreseen_objects"]) == (10, 10)
    assert remade["plan_id"] == done[1]["plan_id"] != foreseen[1]["plan_id"]

    of = dg.AssetRecordsFilter(dg.AssetKey("vip_delta"), asset_partitions=[DAY(2)])
    events = [
        each.asset_materialization for each in world.instance.fetch_materializations(of, limit=2).records
    ]
    # Otherwise Dagster shows the send as out of date.
    assert len({each.tags["dagster/data_version"] for each in events if each and each.tags}) == 1

    again = world.run(ALL, DAY(1), DAY(4), **EACH)
    assert again.success
    assert world.objects == 24
    statuses = [world.page("vip_delta", DAY(day))["status"] for day in range(1, 5)]
    assert statuses == ["stale", "stale", "stale", "empty"]


def test_it_is_a_setting_of_the_sync(world: World) -> None:
    """In YAML for every backfill, in the launchpad for one."""
    world.project.write("vip/defs.yaml", YAML + "  replay: each\n")
    assert world.run(ALL, DAY(1), DAY(2)).success
    assert points_sent(world, "0001") == [1, 2]
    assert world.run(ALL, DAY(3), DAY(4), vip_delta={"replay": "collapse"}).success
    assert points_sent(world, "0001") == [1, 2, 4]


def test_what_was_refused_is_part_of_the_next_plan(world: World) -> None:
    """The ledger decides, not what was foreseen: a refused user is tried again with the newer value."""
    world.days[DAY(2)] = [user(each, points=1 if each < 5 else 2) for each in range(10)]
    world.braze.control.fault(
        effect="status", status=400, identifier="0003", document={"message": "no"}, count=5
    )
    result = world.run(ALL, DAY(1), DAY(2), **EACH)
    assert result.success
    assert world.page("vip_sync", DAY(1))["rejected"] == 1
    remade = world.page("vip_delta", DAY(2))
    assert (remade["foreseen_objects"], remade["objects"]) == (5, 6)
    assert world.held("0003") == {"tier": "gold", "points": 1}
    [check] = [e for e in result.get_asset_check_evaluations() if e.check_name == "every_object_accepted"]
    assert not check.passed


def test_a_failed_guard_stops_it_there(world: World) -> None:
    """All verdicts are seen before anything is sent; what comes before the failed one is sent."""
    world.project.write("vip/defs.yaml", YAML.replace("min_users: 1000", "data_point_budget: 25"))
    world.days[DAY(3)] = [user(each, points=3) for each in range(50)]
    planned = world.run(ALL[:-1], DAY(1), DAY(4), **EACH)
    assert world.page("vip_delta", DAY(3))["status"] == "blocked"
    [budget] = [e for e in planned.get_asset_check_evaluations() if e.check_name == "data_point_budget"]
    assert not budget.passed
    assert (budget.description or "").startswith(f"{DAY(3)}: ")

    sent = world.run(["vip_sync"], DAY(1), DAY(4))
    text = failure(sent, "vip_sync")
    assert f"The replay stopped at partition {DAY(3)}. {DAY(1)} to {DAY(2)} (2 partitions) are done" in text
    assert "data_point_budget" in text
    assert points_sent(world, "0001") == [1, 2]
    assert [bool(world.page("vip_sync", DAY(day))) for day in range(1, 5)] == [True, True, False, False]

    refused = world.run(["vip_sync"], DAY(1), DAY(4))
    assert "None is done" not in failure(refused, "vip_sync")
    assert points_sent(world, "0001") == [1, 2]

    allowed = world.run(PARTS, DAY(1), DAY(4), vip_delta={"replay": "each", "allow": ["data_point_budget"]})
    assert allowed.success
    assert points_sent(world, "0001") == [1, 2, 3, 4]
    assert world.page("vip_sync", DAY(1))["state"] == "nothing"


@pytest.mark.parametrize("rewind", [False, True])
def test_a_send_that_stopped_goes_on_where_it_stopped(world: World, rewind: bool) -> None:
    """Braze fails in the second partition; the send alone is run again and sends nothing twice."""
    if rewind:
        world.days[DAY(20)] = [user(each, points=20) for each in range(10)]
        world.sync(DAY(20))
    # One request asks whether the key is right, one sends: the fourth is the send of the second partition.
    world.braze.control.fault(effect="status", status=401, nth=(4,))
    result = world.run(ALL, DAY(1), DAY(3), vip_delta={"replay": "each", "rewind": rewind})
    text = failure(result, "vip_sync")
    assert f"stopped at partition {DAY(2)}. {DAY(1)} to {DAY(1)} (1 partitions) are done" in text
    assert points_sent(world, "0001") == [20] * rewind + [1]

    resumed = world.run(["vip_sync"], DAY(1), DAY(3))
    assert resumed.success
    assert points_sent(world, "0001") == [20] * rewind + [1, 2, 3]
    assert world.page("vip_sync", DAY(1))["accepted"] == 0


def test_a_foreseen_plan_is_not_sent_out_of_turn(world: World) -> None:
    world.run(ALL[:-1], DAY(1), DAY(4), **EACH)
    text = failure(world.run(["vip_sync"], DAY(3), DAY(4)), "vip_sync")
    assert f"foreseen to follow the one of {DAY(2)}, but the ledger stands at no partition yet" in text
    assert world.objects == 0
    assert world.run(["vip_sync"], DAY(1), DAY(2)).success
    assert world.run(["vip_sync"], DAY(3)).success
    assert points_sent(world, "0001") == [1, 2, 3]


def test_another_run_in_between_is_noticed(world: World) -> None:
    """The plans of the range were made at one step of the ledger; a newer day came in between."""
    world.run(ALL[:-1], DAY(1), DAY(3), **EACH)
    world.sync(DAY(4))
    text = failure(world.run(["vip_sync"], DAY(1), DAY(3)), "vip_sync")
    assert "The plan was made when the ledger stood at step 0" in text
    assert points_sent(world, "0001") == [4]


def test_a_preview_shows_every_partition(world: World) -> None:
    result = world.run(ALL, DAY(1), DAY(3), vip_sync={"mode": "preview"}, **EACH)
    assert result.success
    planned = [world.page("vip_sync", DAY(day))["objects"] for day in range(1, 4)]
    assert planned == [10, 10, 10]
    assert world.braze.control.counters()["requests"] == 0

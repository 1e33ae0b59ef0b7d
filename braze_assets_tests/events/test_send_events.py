"""P06, X3, X6, X7: events are sent once, and of each it is known whether Braze has it."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from braze_assets.emulator.process import LocalBraze
from braze_assets.errors import DeliveryError, PlanRefusedError
from braze_assets.plan.events import EventGuardSettings
from braze_assets_tests.events.world import IMPATIENT, Events, applied, event, events

ONCE = dict.fromkeys(range(300), 1)


def test_each_event_is_sent_once_however_often_its_partition_runs(
    anywhere: Events, braze: LocalBraze
) -> None:
    world = anywhere
    report = world.sync(events(0, 300), braze)
    assert (report.state, report.objects, report.accepted, report.requests) == ("sent", 300, 300, 4)
    assert report.data_points == 300
    assert applied(braze) == ONCE
    braze.control.reset_counters()
    header, plan = world.plan(events(0, 300))
    assert (header.status, header.counts.known, header.counts.objects) == ("empty", 300, 0)
    assert world.send(plan, braze).state == "nothing"
    assert braze.control.counters()["requests"] == 0
    report = world.sync(events(0, 310), braze)
    assert (report.objects, report.accepted) == (10, 10)
    assert applied(braze) == dict.fromkeys(range(310), 1)
    assert world.review() == []


def test_a_plan_that_was_sent_costs_nothing_when_it_is_sent_again(world: Events, braze: LocalBraze) -> None:
    _, plan = world.plan(events(0, 100))
    world.send(plan, braze)
    braze.control.reset_counters()
    report = world.send(plan, braze)
    assert (report.state, report.note) == (
        "nothing",
        "Everything in this plan was sent already, or is in doubt.",
    )
    assert braze.control.counters()["objects"] == 0


def test_partitions_go_in_any_order_and_a_range_in_one_run(world: Events, braze: LocalBraze) -> None:
    """X6: an older partition is not stale; all plans of a range may be made before the first is sent."""
    plans = [world.plan(events(100 * day, 100 * day + 120), day)[1] for day in (2, 0, 1)]
    reports = [world.send(plan, braze) for plan in plans]
    # The last twenty events of a day are told by the next one too.
    assert [report.accepted for report in reports] == [120, 120, 80]
    assert applied(braze) == dict.fromkeys(range(320), 1)


def test_what_is_sent_is_what_the_plan_shows(world: Events, braze: LocalBraze) -> None:
    _, plan = world.plan(events(0, 3))
    table = plan.dataset().to_table().to_pylist()
    assert json.loads(table[1]["object"]) == {
        "external_id": "u001",
        "_update_existing_only": False,
        "name": "e00001",
        "time": "2026-11-01T00:00:01.000Z",
        "properties": {"number": 1},
    }
    world.send(plan, braze)
    [sent] = [
        json.loads(each["body"]) for each in braze.control.recorded() if b"e00001" in each["body"].encode()
    ]
    assert sent == {"events": [json.loads(row["object"]) for row in table]}


AMBIGUOUS: list[dict[str, Any]] = [
    {"effect": "timeout", "when": "after"},
    {"effect": "timeout", "when": "before"},
    {"effect": "reset", "when": "after"},
    {"effect": "reset", "when": "before"},
    {"effect": "status", "status": 500, "when": "after"},
    {"effect": "status", "status": 502, "body": "html", "when": "before"},
    {"effect": "status", "status": 503, "body": "empty", "when": "after"},
    {"effect": "status", "status": 504, "when": "after"},
    {"effect": "status", "status": 408, "when": "before"},
    {"effect": "miscount"},
    {"effect": "status", "status": 200, "body": "html", "when": "after"},
]


def _name(fault: dict[str, Any]) -> str:
    return "-".join(str(value) for value in fault.values())


@pytest.mark.parametrize("fault", AMBIGUOUS, ids=_name)
def test_at_most_once_an_ambiguous_batch_waits_in_the_review(
    world: Events, braze: LocalBraze, fault: dict[str, Any]
) -> None:
    world.delivery = IMPATIENT if fault["effect"] == "timeout" else world.delivery
    braze.control.fault(nth=(2,), **fault)  # the first request asks for the connection
    report = world.sync(events(0, 300), braze)
    found = applied(braze)
    assert max(found.values()) == 1
    assert (report.accepted, report.unknown, report.not_sent) == (225, 75, 0)
    missing = set(range(300)) - set(found)
    assert missing <= world.in_review()
    assert len(world.review()) == 75
    assert all(json.loads(row["object"])["name"] for row in world.review())
    # Another run of the partition sends nothing, and says why.
    header, plan = world.plan(events(0, 300))
    assert (header.counts.objects, header.left_out) == (0, {"in_review": 75})
    assert world.send(plan, braze).state == "nothing"
    assert applied(braze) == found


@pytest.mark.parametrize("fault", AMBIGUOUS[1:10:4], ids=_name)
def test_at_least_once_an_ambiguous_batch_goes_again(
    world: Events, braze: LocalBraze, fault: dict[str, Any]
) -> None:
    world.settings = replace(world.settings, guarantee="at_least_once")
    world.delivery = IMPATIENT if fault["effect"] == "timeout" else world.delivery
    braze.control.fault(nth=(2,), **fault)
    report = world.sync(events(0, 300), braze)
    assert (report.accepted, report.unknown) == (300, 0)
    assert set(applied(braze)) == set(range(300))
    assert world.review() == []


CERTAIN: list[dict[str, Any]] = [
    {"effect": "status", "status": 429, "seconds": 0.05},
    {"effect": "status", "status": 413},
    {"effect": "status", "status": 400, "document": {"message": "Bad syntax"}},
]


@pytest.mark.parametrize("fault", CERTAIN, ids=_name)
def test_what_was_certainly_not_taken_goes_again(
    world: Events, braze: LocalBraze, fault: dict[str, Any]
) -> None:
    braze.control.fault(nth=(2, 3), **fault)
    report = world.sync(events(0, 300), braze)
    assert (report.accepted, report.unknown) == (300, 0)
    assert applied(braze) == ONCE


def test_a_rejected_event_costs_only_itself_and_may_come_again(world: Events, braze: LocalBraze) -> None:
    """X2: bisected; Braze certainly did not take it, so a later plan tries again."""
    fault = braze.control.fault(effect="status", status=400, identifier="e00007", document={"message": "no"})
    assert fault
    report = world.sync(events(0, 300), braze)
    assert (report.accepted, report.rejected, report.unknown) == (299, 1, 0)
    braze.control.clear_faults()
    header, plan = world.plan(events(0, 300))
    assert (header.counts.objects, header.counts.known) == (1, 299)
    assert world.send(plan, braze).accepted == 1
    assert applied(braze) == ONCE


def test_an_outage_costs_little_certainty_and_stops_the_send(world: Events, braze: LocalBraze) -> None:
    """What is in flight when it begins, then one request an attempt; the rest was not sent."""
    braze.control.fault(effect="status", status=503, nth=tuple(range(2, 200)))
    world.delivery = replace(world.delivery, in_flight_start=4, in_flight_max=4)
    with pytest.raises(DeliveryError, match="does not answer"):
        world.sync(events(0, 3_000), braze)
    assert len(world.review()) <= (4 + 4) * 75
    braze.control.clear_faults()
    doubtful = len(world.review())
    report = world.sync(events(0, 3_000), braze)
    assert report.accepted == 3_000 - doubtful
    assert set(applied(braze)) | world.in_review() == set(range(3_000))


def test_a_wrong_key_leaves_nothing_in_doubt(world: Events, braze: LocalBraze) -> None:
    _, plan = world.plan(events(0, 300))
    braze.control.fault(effect="status", status=401, nth=(3,))
    with pytest.raises(DeliveryError, match="API key"):
        world.send(plan, braze, settings=replace(world.delivery, in_flight_start=1, in_flight_max=1))
    assert world.review() == []
    braze.control.clear_faults()
    assert world.send(plan, braze).accepted == 225
    assert applied(braze) == ONCE


@pytest.mark.parametrize(("outcome", "count"), [("sent", 1), ("not_sent", 2)])
def test_the_review_is_settled_either_way(world: Events, braze: LocalBraze, outcome: Any, count: int) -> None:
    """Here Braze had taken them: who says otherwise gets them twice."""
    rows = events(0, 150)
    braze.control.fault(nth=(2,), effect="reset", when="after")
    world.sync(rows, braze)
    doubtful = sorted(row["event_id"] for row in world.review())
    assert len(doubtful) == 75
    some = world.settle(outcome, ids=[*doubtful[:10], "id-99999"])
    assert (some.events, some.not_in_doubt) == (10, 1)
    assert sorted(row["event_id"] for row in world.review()) == doubtful[10:]
    rest = world.settle(outcome, reason="asked ada")
    assert (rest.events, rest.not_in_doubt) == (65, 0)
    assert world.review() == []
    header, plan = world.plan(rows)
    assert header.counts.objects == (75 if count == 2 else 0)
    world.send(plan, braze)
    assert Counter(applied(braze).values()) == ({1: 150} if count == 1 else {1: 75, 2: 75})


def test_not_sent_goes_with_the_very_same_plan_too_and_can_be_doubtful_again(
    world: Events, braze: LocalBraze
) -> None:
    _, plan = world.plan(events(0, 75))
    for _ in range(2):
        braze.control.clear_faults()
        braze.control.fault(nth=(2,), effect="reset", when="before")
        assert world.send(plan, braze).unknown == 75
        assert len(world.review()) == 75
        assert world.send(plan, braze).state == "nothing"
        world.settle("not_sent")
    braze.control.clear_faults()
    assert world.send(plan, braze).accepted == 75
    assert applied(braze) == dict.fromkeys(range(75), 1)


def test_a_test_sends_a_few_and_live_the_rest(world: Events, braze: LocalBraze) -> None:
    _, plan = world.plan(events(0, 100))
    preview = world.send(plan, None, mode="preview")
    assert (preview.state, preview.objects) == ("preview", 100)
    assert world.send(plan, braze, mode="test", test_events=7).accepted == 7
    assert world.send(plan, braze, mode="test", test_events=7).state == "nothing"
    assert world.send(plan, braze).accepted == 93
    assert applied(braze) == dict.fromkeys(range(100), 1)


def test_a_guard_blocks_the_send(world: Events, braze: LocalBraze) -> None:
    """X4, X5."""
    world.settings = replace(world.settings, guards=EventGuardSettings(data_point_budget=10))
    _, plan = world.plan(events(0, 20))
    with pytest.raises(PlanRefusedError, match="data points"):
        world.send(plan, braze)
    _, plan = world.plan(events(0, 20), allow={"data_point_budget"})
    assert world.send(plan, braze).accepted == 20


def test_a_partition_many_times_larger_is_blocked(world: Events, braze: LocalBraze) -> None:
    for day in range(3):
        world.sync(events(1000 * day, 1000 * day + 100), braze, day)
    header, _ = world.plan(events(5_000, 7_000), 3)
    assert [verdict.guard for verdict in header.blocking] == ["volume"]
    assert "20.0 times the mean of 3 partitions" in header.blocking[0].message


def test_cancelling_leaves_nothing_in_doubt(world: Events, braze: LocalBraze) -> None:
    braze.control.settings(latency_ms=30)
    _, plan = world.plan(events(0, 2_000))
    sent: list[int] = []
    report = world.send(
        plan,
        braze,
        settings=replace(world.delivery, in_flight_start=2, in_flight_max=2),
        progress=lambda progress: sent.append(progress.done),
        cancelled=lambda: bool(sent and sent[-1] > 200),
    )
    assert report.state == "cancelled"
    assert report.not_sent
    assert world.review() == []
    assert world.send(plan, braze).accepted == report.not_sent
    assert applied(braze) == dict.fromkeys(range(2000), 1)


def test_ids_can_be_forgotten_and_then_their_partitions_are_refused(world: Events, braze: LocalBraze) -> None:
    world.sync(events(0, 100), braze, 0)
    world.sync(events(100, 200), braze, 5)
    assert world.ledger.review.expire(world.connection, world.partition(3)[1]) == 100
    header, _ = world.plan(events(0, 100), 0)
    assert [verdict.guard for verdict in header.blocking] == ["ids_kept"]
    header, _ = world.plan(events(100, 200), 5)
    assert (header.counts.known, header.blocked) == (100, False)


def test_one_user_may_have_several_events_in_one_request(world: Events, braze: LocalBraze) -> None:
    rows = [event(number, user=1) for number in range(200)]
    assert world.sync(rows, braze).accepted == 200
    assert applied(braze) == dict.fromkeys(range(200), 1)

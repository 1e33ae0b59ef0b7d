"""K06, K16, K23, X1, X3, X5, X6: a stored plan, sent to a real server, moves a real ledger."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from braze_assets.braze.limits import Limits
from braze_assets.delivery import BrazeClient, Clocks, SendReport, send_plan
from braze_assets.delivery.no_reply import NoReplyError
from braze_assets.emulator.process import LocalBraze
from braze_assets.errors import ConfigurationError, DeliveryError, LedgerMovedError, PlanRefusedError
from braze_assets.plan import GuardSettings, PlanSettings
from braze_assets.storage import StoredTable, connect
from braze_assets_tests.delivery.harness import FAST, KEY
from braze_assets_tests.plan.world import World

TYPES = {"tier": "VARCHAR", "visits": "BIGINT"}
OPEN = PlanSettings(update_existing_only=False, guards=GuardSettings(max_share_changed=None))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with connect() as connection:
        yield World(connection, str(tmp_path), settings=OPEN)


def people(count: int, tier: str = "gold", **more: Any) -> list[dict[str, Any]]:
    return [{"external_id": f"u{n:04d}", "tier": tier, "visits": n, **more} for n in range(count)]


class Time:
    """A clock that only sleeping and the tests move."""

    def __init__(self, now: datetime) -> None:
        self.time = now
        self.slept = 0.0

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.time += timedelta(seconds=seconds)

    def clocks(self) -> Clocks:
        start = self.time
        return Clocks(
            now=self.now,
            monotonic=lambda: (self.time - start).total_seconds(),
            sleep=self.sleep,
            chance=lambda: random.Random(1),
        )


def send(
    world: World, plan: StoredTable, braze: LocalBraze | None = None, *, mode: Any = "live", **more: Any
) -> SendReport:
    client = None if braze is None else BrazeClient(endpoint=braze.url, api_key=KEY, settings=FAST)
    options = {"client": client, "limits": Limits(), "settings": FAST, **more}
    return send_plan(plan=plan, plan_uri=plan.uris[0], ledger=world.ledger, mode=mode, **options)


def held(braze: LocalBraze) -> dict[str, Any]:
    return {each["external_id"]: each["attributes"] for each in braze.control.profiles()}


def values(world: World) -> dict[str, Any]:
    return world.held()


def test_what_braze_accepted_is_what_the_ledger_holds(world: World, braze: LocalBraze) -> None:
    header, plan = world.plan(world.rows(people(200), TYPES))
    report = send(world, plan, braze)
    assert (report.state, report.objects, report.accepted, report.planned) == ("sent", 200, 200, 200)
    assert report.data_points == header.counts.data_points == 400
    assert values(world) == held(braze)
    assert report.summary().startswith("200 of 200 objects accepted")
    assert report.figures()["accepted"] == 200


def test_the_same_plan_again_and_the_same_data_again_cost_no_request(world: World, braze: LocalBraze) -> None:
    """K16."""
    rows = world.rows(people(100), TYPES)
    _, plan = world.plan(rows)
    send(world, plan, braze)
    braze.control.reset_counters()
    assert send(world, plan, braze).state == "nothing"
    world.day = 1
    header, empty = world.plan(rows)
    assert header.status == "empty"
    assert send(world, empty, braze).state == "nothing"
    assert braze.control.counters()["requests"] == 0


def test_an_empty_plan_still_moves_the_ledger_to_its_partition(world: World, braze: LocalBraze) -> None:
    """X6: else an older partition would pass for the newest one and bring back what is over."""
    gold, silver = world.rows(people(3, "gold"), TYPES), world.rows(people(3, "silver"), TYPES)
    send(world, world.plan(gold)[1], braze)
    world.day = 5
    send(world, world.plan(gold)[1], braze)
    world.day = 3
    header, late = world.plan(silver)
    assert header.status == "stale"
    assert send(world, late, braze).state == "nothing"
    assert {row["tier"] for row in held(braze).values()} == {"gold"}


def test_a_preview_needs_no_destination_and_touches_nothing(world: World, braze: LocalBraze) -> None:
    """K23."""
    _, plan = world.plan(world.rows(people(30), TYPES))
    before = world.ledger.position()
    report = send(world, plan, None, mode="preview")
    assert (report.state, report.planned, report.accepted) == ("preview", 30, 0)
    assert "30 objects" in report.summary()
    assert world.ledger.position() == before
    assert held(braze) == {}
    with pytest.raises(ConfigurationError):
        send(world, plan, None)


def test_a_test_sends_the_first_users_only_and_live_then_the_rest(world: World, braze: LocalBraze) -> None:
    """K23: the ledger moves for those only."""
    _, plan = world.plan(world.rows(people(30), TYPES))
    report = send(world, plan, braze, mode="test", test_users=4)
    assert (report.objects, report.accepted, report.planned) == (4, 4, 30)
    assert values(world) == held(braze)
    assert len(held(braze)) == 4
    assert send(world, plan, braze).accepted == 26
    assert values(world) == held(braze)
    assert braze.control.counters()["accepted"] == 30


def test_a_blocked_plan_is_refused_with_its_guards_and_their_remedies(
    world: World, braze: LocalBraze
) -> None:
    """X5, K13."""
    rows = world.rows([{"external_id": "a", "birthday": "1990-01-01"}], {"birthday": "VARCHAR"})
    header, plan = world.plan(rows)
    assert header.blocked
    for mode in ("preview", "test", "live"):
        with pytest.raises(PlanRefusedError) as refused:
            send(world, plan, braze, mode=mode)
        for verdict in header.blocking:
            assert verdict.guard in str(refused.value)
            assert verdict.message in str(refused.value)
    assert braze.control.counters()["requests"] == 0
    assert world.ledger.position().sequence == 0


def test_a_plan_the_ledger_has_left_behind_is_refused(world: World, braze: LocalBraze) -> None:
    rows = world.rows(people(5), TYPES)
    _, first = world.plan(rows)
    _, second = world.plan(rows)
    send(world, second, braze)
    with pytest.raises(LedgerMovedError):
        send(world, first, braze)
    assert braze.control.counters()["accepted"] == 5


def test_rejected_objects_go_again_with_the_next_plan_and_others_do_not(
    world: World, braze: LocalBraze
) -> None:
    """K16, X1; peers: mistake 10."""
    table = people(200)
    table[7]["email"] = "broken"
    types = {**TYPES, "email": "VARCHAR"}
    rows = world.rows(table, types, profile=["email"])
    report = send(world, world.plan(rows)[1], braze)
    assert (report.accepted, report.rejected) == (199, 1)
    assert report.reasons[0].objects == 1
    world.day = 1
    assert world.plan(rows)[0].counts.objects == 1
    table[7]["email"] = "whole@example.com"
    world.day = 2
    report = send(world, world.plan(world.rows(table, types, profile=["email"]))[1], braze)
    assert (report.accepted, report.rejected) == (1, 0)
    assert values(world) == held(braze)


def test_a_wrong_key_leaves_the_ledger_untouched(world: World, braze: LocalBraze) -> None:
    _, plan = world.plan(world.rows(people(5), TYPES))
    with (
        pytest.raises(DeliveryError) as failed,
        BrazeClient(
            endpoint=braze.url, api_key="wrong-key-1234", settings=FAST, key_place="MY_KEY"
        ) as client,
    ):
        send(world, plan, client=client)
    assert "MY_KEY" in str(failed.value)
    assert "wrong-key-1234" not in str(failed.value)
    assert world.ledger.position().sequence == 0


def test_a_key_that_expires_half_way_keeps_what_was_accepted(world: World, braze: LocalBraze) -> None:
    _, plan = world.plan(world.rows(people(900), TYPES))
    braze.control.fault(status=401, nth=tuple(range(5, 100)))
    slow = replace(FAST, in_flight_start=1, in_flight_max=1)
    with pytest.raises(DeliveryError) as failed:
        send(world, plan, braze, settings=slow)
    assert failed.value.permanent
    assert "225 of 900 objects accepted" in str(failed.value)
    known = {name: row for name, row in values(world).items() if "_unknown" not in row}
    assert known == held(braze)
    assert len(known) == 225
    braze.control.clear_faults()
    report = send(world, plan, braze, settings=slow)
    assert report.accepted == 675
    assert values(world) == held(braze)
    assert braze.control.counters()["accepted"] == 900


def test_an_outage_is_worth_another_run(world: World, braze: LocalBraze) -> None:
    _, plan = world.plan(world.rows(people(5), TYPES))
    braze.control.fault(status=503, body="html")
    with pytest.raises(NoReplyError) as failed:
        send(world, plan, braze, settings=replace(FAST, max_attempts=2))
    assert not failed.value.permanent
    assert world.ledger.position().sequence == 0, "it had not begun"
    with pytest.raises(NoReplyError):
        send(world, plan, braze, settings=replace(FAST, max_attempts=2, check_first=False))
    braze.control.clear_faults()
    assert send(world, plan, braze).accepted == 5
    assert values(world) == held(braze)


def test_an_unknown_outcome_sends_the_value_again_even_back_to_the_old_one(
    world: World, braze: LocalBraze
) -> None:
    """The case that a plain difference misses."""
    gold, silver = world.rows(people(3, "gold"), TYPES), world.rows(people(3, "silver"), TYPES)
    send(world, world.plan(gold)[1], braze)
    world.day = 1
    # Braze takes it, and nobody hears of it.
    braze.control.fault(effect="timeout", when="after", identifier="u0001")
    settings = replace(FAST, max_attempts=1, read_timeout=0.2)
    report = send(world, world.plan(silver)[1], braze, settings=settings)
    assert (report.accepted, report.unknown) == (2, 1), "neighbours are told apart from the one that hangs"
    assert {row["tier"] for row in held(braze).values()} == {"silver"}
    braze.control.clear_faults()
    world.day = 2
    report = send(world, world.plan(gold)[1], braze)
    assert report.accepted == 3
    assert {row["tier"] for row in held(braze).values()} == {"gold"}
    assert values(world) == held(braze)


def test_a_cancelled_send_is_folded_and_resumed(world: World, braze: LocalBraze) -> None:
    _, plan = world.plan(world.rows(people(1_500), TYPES))
    asked = iter([False] * 4 + [True] * 1_000)
    braze.control.settings(latency_ms=100)
    slow = replace(FAST, in_flight_start=2, in_flight_max=2)
    report = send(world, plan, braze, settings=slow, cancelled=lambda: next(asked))
    assert report.state == "cancelled"
    assert report.accepted + report.not_sent == 1_500
    assert 0 < report.accepted < 1_500
    braze.control.settings(latency_ms=0)
    again = send(world, plan, braze)
    assert again.accepted == report.not_sent
    assert values(world) == held(braze)


def test_two_sends_of_a_sync_are_a_settling_time_apart(world: World, braze: LocalBraze) -> None:
    clock = Time(datetime.now(timezone.utc))
    settings = replace(FAST, settling_time=10.0)

    def go(day: int, tier: str) -> SendReport:
        world.day = day
        plan = world.plan(world.rows(people(3, tier), TYPES))[1]
        return send(world, plan, braze, settings=settings, clocks=clock.clocks())

    assert go(0, "gold").settling_seconds == 0
    clock.sleep(4)
    clock.slept = 0
    assert go(1, "silver").settling_seconds == pytest.approx(6, abs=0.1)
    assert clock.slept == pytest.approx(6, abs=0.1)
    clock.sleep(60)
    assert go(2, "gold").settling_seconds == 0


def test_a_clock_that_went_back_does_not_make_it_wait_for_ever(world: World, braze: LocalBraze) -> None:
    clock = Time(datetime.now(timezone.utc))
    settings = replace(FAST, settling_time=10.0)
    send(world, world.plan(world.rows(people(3), TYPES))[1], braze, clocks=clock.clocks())
    clock.time -= timedelta(days=3)
    world.day = 1
    plan = world.plan(world.rows(people(3, "silver"), TYPES))[1]
    assert send(world, plan, braze, settings=settings, clocks=clock.clocks()).settling_seconds <= 10


def test_the_client_is_made_only_when_it_is_needed(world: World, braze: LocalBraze) -> None:
    """A stale plan needs no key."""
    made: list[BrazeClient] = []

    def make() -> BrazeClient:
        made.append(BrazeClient(endpoint=braze.url, api_key=KEY, settings=FAST))
        return made[-1]

    world.day = 1
    _, plan = world.plan(world.rows(people(3), TYPES))
    assert send(world, plan, client=make).accepted == 3
    world.day = 0
    stale = world.plan(world.rows(people(3, "silver"), TYPES))[1]
    assert send(world, stale, client=make).state == "nothing"
    assert len(made) == 1


def test_the_key_is_in_no_file_and_no_error(world: World, braze: LocalBraze, tmp_path: Path) -> None:
    """K01."""
    _, plan = world.plan(world.rows(people(300), TYPES))
    echo = {"message": f"Invalid API key: {KEY}"}
    row = [{"index": 1, "input_array": "attributes", "type": f"not for {KEY}"}]
    braze.control.fault(status=400, document={"message": KEY, "errors": row}, nth=(2,))
    braze.control.fault(status=401, document=echo, nth=(5,))
    with pytest.raises(DeliveryError) as failed:
        send(world, plan, braze, settings=replace(FAST, in_flight_start=1, in_flight_max=1))
    assert KEY not in repr(failed.value) + str(failed.value)
    with connect() as connection:
        receipts = world.ledger.lookup(connection, "u0001").to_pylist()
        assert KEY not in repr(receipts)
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes()

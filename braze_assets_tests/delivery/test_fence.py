"""Who has been overtaken sends no more, also when it slept through being overtaken (X3, X6)."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from braze_assets.braze.limits import Limits
from braze_assets.delivery import BrazeClient, send_plan
from braze_assets.delivery.journal import JournalThread
from braze_assets.emulator import LocalBraze
from braze_assets.errors import LedgerMovedError
from braze_assets.ledger import Ledger
from braze_assets.plan import GuardSettings, PlanSettings
from braze_assets.storage import Storage, StoredTable, connect
from braze_assets_tests.delivery.harness import FAST, KEY
from braze_assets_tests.delivery.test_send import Time
from braze_assets_tests.plan.world import World

PEOPLE = 200
TYPES = {"tier": "VARCHAR"}
FENCED = replace(FAST, settling_time=1.5)
SMALL = Limits(objects_per_request=2)


OPEN = PlanSettings(update_existing_only=False, guards=GuardSettings(max_share_changed=None))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with connect() as connection:
        yield World(connection, str(tmp_path), settings=OPEN)


def people(tier: str) -> list[dict[str, Any]]:
    return [{"external_id": f"u{number:04d}", "tier": tier} for number in range(PEOPLE)]


def slow_send(storage: str, plan: str, braze: str, said: "multiprocessing.Queue[str]") -> None:
    """What the other process does: two requests in flight, 50 ms each."""
    settings = replace(FENCED, in_flight_start=2, in_flight_max=2)
    try:
        send_plan(
            plan=StoredTable.at(plan),
            plan_uri=plan,
            ledger=Ledger(Storage(storage), "crm", "external_id"),
            client=BrazeClient(endpoint=braze, api_key=KEY, settings=settings),
            limits=SMALL,
            settings=settings,
            mode="live",
        )
        said.put("sent everything")
    except LedgerMovedError as error:
        said.put(error.cause)


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs POSIX signals")
def test_a_run_that_was_stopped_and_overtaken_sends_nothing_when_it_wakes(
    world: World, braze: LocalBraze, tmp_path: Path
) -> None:
    """The stale values it still had in hand would overwrite the newer ones."""
    _, gold = world.plan(world.rows(people("gold"), TYPES))
    braze.control.settings(latency_ms=50)
    context = multiprocessing.get_context("spawn")
    said = context.Queue()
    stopped = context.Process(
        target=slow_send, args=(str(tmp_path), gold.uris[0], braze.url, said), daemon=True
    )
    stopped.start()
    assert stopped.pid is not None
    until(lambda: braze.control.counters()["requests"] >= 10)
    os.kill(stopped.pid, signal.SIGSTOP)
    try:
        braze.control.settings(latency_ms=0)
        world.day = 1
        _, silver = world.plan(world.rows(people("silver"), TYPES))
        client = BrazeClient(endpoint=braze.url, api_key=KEY, settings=FENCED)
        report = send_plan(
            plan=silver,
            plan_uri=silver.uris[0],
            ledger=world.ledger,
            client=client,
            limits=SMALL,
            settings=FENCED,
            mode="live",
        )
        assert report.accepted == PEOPLE
        assert report.settling_seconds >= FENCED.settling_time, "it must wait for the lease of the other"
        before = braze.control.counters()["requests"]
    finally:
        os.kill(stopped.pid, signal.SIGCONT)
    assert "Another run began a send" in said.get(timeout=30)
    stopped.join(30)
    assert braze.control.counters()["requests"] == before
    assert {each["attributes"]["tier"] for each in braze.control.profiles()} == {"silver"}


class Stuck:
    """A journal whose storage answers the first look only."""

    def __init__(self) -> None:
        self.looks = 0

    def record(self, receipts: pa.Table) -> None:
        raise AssertionError

    def check(self) -> None:
        self.looks += 1
        if self.looks > 1:
            time.sleep(1.0)


def test_requests_are_held_back_while_the_ledger_does_not_answer() -> None:
    journal = JournalThread(Stuck(), "plan", interval=1.0, on_failure=lambda: None, lease=0.2)
    assert not journal.holds(time.monotonic())
    journal.start()
    until(lambda: journal.holds(time.monotonic()))
    until(lambda: not journal.holds(time.monotonic()), seconds=0.8)
    journal.close()


def test_who_resumes_a_send_waits_for_the_run_that_was_overtaken_as_well(
    world: World, braze: LocalBraze
) -> None:
    """The run that overtook died while it waited; the one it had overtaken may send while its lease lasts."""
    world.begin(*world.plan(world.rows(people("gold"), TYPES)))
    world.day = 1
    silver = world.plan(world.rows(people("silver"), TYPES))
    world.begin(*silver)
    clock = Time(world.now)
    send_plan(
        plan=silver[1],
        plan_uri=silver[1].uris[0],
        ledger=world.ledger,
        client=BrazeClient(endpoint=braze.url, api_key=KEY, settings=FENCED),
        limits=SMALL,
        settings=replace(FENCED, settling_time=30.0),
        mode="live",
        clocks=clock.clocks(),
    )
    assert clock.slept == pytest.approx(30, abs=0.5)


def test_who_is_overtaken_before_it_reads_its_plan_is_told_so(
    world: World, braze: LocalBraze, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by chaos: the run that overtakes removes the older plan from the ledger; that was a raw error."""
    _, gold = world.plan(world.rows(people("gold"), TYPES))
    slow = Ledger(world.storage, world.sync, "external_id")
    begin = slow.begin

    def overtaken(**options: Any) -> Any:
        begun = begin(**options)
        world.begin(*world.plan(world.rows(people("silver"), TYPES)))
        return begun

    monkeypatch.setattr(slow, "begin", overtaken)
    with pytest.raises(LedgerMovedError, match="Another run began a send"):
        send_plan(
            plan=gold,
            plan_uri=gold.uris[0],
            ledger=slow,
            client=BrazeClient(endpoint=braze.url, api_key=KEY, settings=FAST),
            limits=SMALL,
            settings=FAST,
            mode="live",
        )

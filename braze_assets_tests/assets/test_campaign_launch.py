"""The launch of a one-off campaign: once, whatever comes in between (K30, K31)."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

from braze_assets.errors import LedgerMovedError, PlanRefusedError
from braze_assets.ledger import Ledger
from braze_assets.ledger.operations import ForgetSync, operate
from braze_assets.plan import read_plan_header
from braze_assets.resources.braze import BrazeResource
from braze_assets.storage import Storage, connect
from braze_assets_tests.assets.launching import launch, stored_plan
from braze_assets_tests.assets.town import CAMPAIGN, D1, D2, NAME, PARTS, Town
from braze_assets_tests.projects import failure


def test_a_one_off_is_launched_once(town: Town) -> None:
    """K30: not for another partition, not for the same one, not after the ledger was forgotten."""
    town.project.write("camp/defs.yaml", CAMPAIGN)
    town.put("lapsing", D1, range(5))
    town.put("lapsing", D2, range(9))
    assert town.run(PARTS, D1, **{f"{NAME}_sync": {"mode": "test", "test_users": 2}}).success
    assert town.objects == 2
    assert town.run(PARTS, D1).success
    assert town.objects == 5
    for day in (D2, D1):
        refused = town.run(PARTS, day)
        assert not refused.success
        assert "sent once only, and it was launched on" in failure(refused, f"{NAME}_sync")
        # Waiving the guard does not help: the journal decides.
        refused = town.run(PARTS, day, **{f"{NAME}_delta": {"allow": ["launch"]}})
        assert day == D1 or not refused.success
    assert town.objects == 5


def test_two_launches_at_once_are_one(town: Town) -> None:
    """K30: both made their plans before either began; the journal lets one begin, now and later."""
    town.project.write("camp/defs.yaml", CAMPAIGN)
    town.put("lapsing", D1, range(20))
    town.put("lapsing", D2, range(10, 30))
    plans = PARTS[:2]
    for day in (D1, D2):
        assert town.run(plans, day).success
    braze = BrazeResource(instance=town.braze.url, settling_seconds=0)

    def won_by(day: str) -> bool:
        try:
            return launch(town.project.storage, NAME, day, braze).objects > 0
        except (LedgerMovedError, PlanRefusedError):
            return False

    with ThreadPoolExecutor(2) as both:
        won = list(both.map(won_by, (D1, D2)))
    town.braze.control.wait_until_applied()
    assert sorted(won) == [False, True]
    assert town.objects == 20
    for day in (D1, D2):
        assert town.run(plans, day, **{f"{NAME}_delta": {"allow": ["launch"]}}).success
        assert not won_by(day)
    town.braze.control.wait_until_applied()
    assert town.objects == 20


def test_a_launch_that_is_killed_goes_on_where_it_was(town: Town) -> None:
    """K30, K31: SIGKILL in the middle; no other partition, nobody left out, recipients once each."""
    town.project.write("camp/defs.yaml", CAMPAIGN)
    town.put("lapsing", D1, range(80))
    town.put("lapsing", D2, range(90))
    assert town.run(PARTS[:2], D1).success
    arguments = (town.project.storage, NAME, D1, town.braze.url)
    command = [sys.executable, "-m", "braze_assets_tests.assets.launching", *arguments]
    with subprocess.Popen(command) as process:
        until = time.monotonic() + 60
        while town.objects < 25:
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        process.kill()
    town.braze.control.wait_until_applied()
    before = town.objects
    assert before < 80
    assert "sent once only" in failure(town.run(PARTS, D2), f"{NAME}_sync")
    assert town.objects == before
    assert town.run(PARTS, D1).success
    assert [town.held(number) for number in range(80)] == [{"summer_win_back": True}] * 80
    # What was in the air, and what had no receipt yet, goes again; what had one does not.
    assert 80 <= town.objects < 80 + before
    recipients = [row["amperity_id"] for row in town.table(f"{NAME}_recipients", D1)]
    assert sorted(recipients) == [f"c{number:04}" for number in range(80)]


def test_a_launch_that_was_stopped_goes_on_for_its_partition_only(town: Town) -> None:
    """K30: from the receipts; another partition is refused meanwhile."""
    town.project.write("camp/defs.yaml", CAMPAIGN)
    town.put("lapsing", D1, range(20))
    town.put("lapsing", D2, range(20))
    assert town.run(PARTS[:2], D1).success
    storage = Storage(town.project.storage)
    ledger = Ledger(storage, NAME, "external_id")
    plan = stored_plan(town.project.storage, NAME, D1)
    header = read_plan_header(plan)
    now = datetime.now(timezone.utc)
    # A process that began, sent nothing, and died.
    ledger.begin(
        plan_id=header.plan_id,
        partition=D1,
        as_of=header.as_of,
        plan_uri=plan.uris[0],
        expected_position=header.ledger_position,
        once=True,
        now=now,
    )
    refused = town.run(PARTS, D2)
    assert "sent once only" in failure(refused, f"{NAME}_sync")
    assert town.objects == 0
    assert town.run(PARTS, D1).success
    assert town.objects == 20
    assert not town.run(PARTS, D1).success
    assert town.objects == 20


def test_a_forgotten_ledger_is_no_second_launch(town: Town) -> None:
    """K30: fail closed."""
    town.project.write("camp/defs.yaml", CAMPAIGN)
    town.put("lapsing", D1, range(3))
    assert town.run(PARTS, D1).success
    ledger = Ledger(Storage(town.project.storage), NAME, "external_id")
    with connect() as connection:
        operate(ledger, ForgetSync(), connection, now=datetime.now(timezone.utc))
    assert "sent once only" in failure(town.run(PARTS, D1), f"{NAME}_sync")
    assert town.objects == 3

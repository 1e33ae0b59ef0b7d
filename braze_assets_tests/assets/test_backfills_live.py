"""Backfills as their users run them: live webserver and daemon, GraphQL, a Braze of its own (D6, D7, X6).

One instance for all tests, in their order: each has days of its own, later than those before.
"""

import json
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from braze_assets_tests.assets.live import Live

ALL = ["customer_360/members", "vip", "vip_findings", "vip_delta", "vip_sync"]
YAML = """\
type: braze_assets.AttributeSync
attributes:
  name: vip
  table: {sql: vip.sql}
  mode: live
  audit_sample: 0
  guards: {min_users: 10000}
  schedule: "0 3 * * *"
"""


def days(first: str, count: int) -> list[str]:
    start = date.fromisoformat(first)
    return [(start + timedelta(days=number)).isoformat() for number in range(count)]


class Brand:
    """The live instance and what the brand knows each day."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.known: dict[str, tuple[int, int]] = {}
        self.knows({})

    def knows(self, members: dict[str, tuple[int, int]]) -> None:
        """Members and points by day."""
        self.known |= members
        (self.live.folder / "days.json").write_text(json.dumps(self.known))

    def held(self, external_id: str) -> int | None:
        """The points Braze holds."""
        points = (self.live.braze.control.attributes(external_id) or {}).get("points")
        return None if points is None else int(points)

    @property
    def objects(self) -> int:
        return int(self.live.braze.control.counters()["objects"])

    def run(self, names: list[str], on: list[str], **config: object) -> dict[str, str]:
        """A backfill that must succeed in one run; returns that run."""
        done = self.live.finished(self.live.backfill(names, on, **config))
        assert done["status"] == "COMPLETED_SUCCESS"
        [run] = done["runs"]
        assert run["status"] == "SUCCESS"
        return dict(run)


@pytest.fixture(scope="module")
def brand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brand]:
    files = {"vip/defs.yaml": YAML, "vip/vip.sql": "SELECT external_id, points FROM members"}
    with Live(tmp_path_factory.mktemp("live"), files) as live:
        live.braze.control.seed([{"external_id": f"{n:04}", "attributes": {}} for n in range(500)])
        yield Brand(live)


def test_thirty_days_are_one_run_and_one_plan(brand: Brand) -> None:
    """D7: the range is made in one run; Braze is sent its newest state only."""
    june = days("2026-06-01", 30)
    brand.knows({day: (20, number) for number, day in enumerate(june)})
    brand.run(ALL, june)
    assert (brand.objects, brand.held("0007")) == (20, 29)
    for asset in ALL:
        assert brand.live.statuses(asset) == {"2026-06-01...2026-06-30": "MATERIALIZED"}
    assert brand.live.page("vip_sync", june[-1])["accepted"] == 20
    assert brand.live.page("vip_sync", june[3])["accepted"] == 0
    assert "Collapsed into partition 2026-06-30" in brand.live.page("vip_sync", june[3])["summary"]
    assert brand.live.page("vip_delta", june[3])["status"] == "collapsed"


def test_an_older_range_is_stale_and_says_so(brand: Brand) -> None:
    """X6: nothing is sent; plan, send and check tell why."""
    before = brand.objects
    brand.run(["vip_delta", "vip_sync"], days("2026-06-10", 5))
    assert (brand.objects, brand.held("0007")) == (before, 29)
    assert brand.live.page("vip_delta", "2026-06-14")["status"] == "stale"
    assert brand.live.page("vip_sync", "2026-06-14")["summary"].startswith("Stale: the ledger stands at")
    status, severity, text = brand.live.checks("vip_delta")["stale_partition"]
    assert (status, severity) == ("FAILED", "WARN")
    assert "Nothing is sent" in text


def test_a_rewind_shows_what_it_overwrites(brand: Brand) -> None:
    """X6: only when asked for; the check counts the newer values that go."""
    before = brand.objects
    brand.run(["vip_delta", "vip_sync"], ["2026-06-14"], vip_delta={"rewind": True})
    assert (brand.objects, brand.held("0007")) == (before + 20, 13)
    status, severity, text = brand.live.checks("vip_delta")["stale_partition"]
    assert (status, severity) == ("FAILED", "WARN")
    assert "20 values of 20 users" in text


def test_a_failing_day_keeps_the_range_from_being_sent(brand: Brand) -> None:
    """D7: what is done stays done; re-executed from the failure, only the rest is made and sent."""
    july = days("2026-07-01", 30)
    brand.knows({day: (20, 100 + number) for number, day in enumerate(july) if day != "2026-07-17"})
    before = brand.objects
    backfill = brand.live.backfill(ALL, july)
    done = brand.live.finished(backfill)
    assert (done["status"], [run["status"] for run in done["runs"]]) == ("COMPLETED_FAILED", ["FAILURE"])
    assert brand.live.statuses("customer_360/members") == {
        "2026-06-01...2026-07-16": "MATERIALIZED",
        "2026-07-17...2026-07-30": "FAILED",
    }
    assert brand.live.statuses("vip_sync") == {
        "2026-06-01...2026-06-30": "MATERIALIZED",
        "2026-07-01...2026-07-30": "FAILED",
    }
    assert brand.objects == before

    brand.knows({"2026-07-17": (20, 116)})
    again = brand.live.finished(brand.live.reexecute_backfill(backfill))
    # Dagster makes the missing source days in one run, and what follows from them in one or more.
    assert again["status"] == "COMPLETED_SUCCESS"
    assert brand.held("0007") == 129
    assert brand.objects - before in (20, 40)
    assert brand.live.statuses("vip_sync") == {"2026-06-01...2026-07-30": "MATERIALIZED"}


def test_a_terminated_send_stops_cleanly_and_goes_on(brand: Brand) -> None:
    """What was answered is in the ledger, so the next run sends the rest and nothing twice."""
    [day] = days("2026-08-01", 1)
    brand.knows({day: (500, 200)})
    before = brand.objects
    backfill = brand.live.backfill(ALL, [day])
    brand.live.wait(lambda: brand.objects > before + 50, "the send")
    [run] = brand.live.runs(backfill)["runs"]
    brand.live.terminate(run["runId"])
    brand.live.wait(lambda: brand.live.run_status(run["runId"]) == "CANCELED", "the termination")
    sent = brand.objects - before
    assert 50 < sent < 500
    assert brand.live.page("vip_sync", day) == {}

    brand.run(["vip_sync"], [day])
    assert brand.objects - before == 500
    assert {brand.held(f"{n:04}") for n in range(500)} == {200}
    assert brand.live.page("vip_sync", day)["accepted"] == 500 - sent


def test_a_replay_sends_every_day(brand: Brand) -> None:
    september = days("2026-09-01", 3)
    brand.knows({day: (10, 300 + number) for number, day in enumerate(september)})
    brand.live.braze.control.settings(record_applied=100)
    brand.run(ALL, september, vip_delta={"replay": "each"})
    sent = [each for request in brand.live.braze.control.applied() for each in request["attributes"]]
    assert [each["points"] for each in sent if each["external_id"] == "0003"][-3:] == [300, 301, 302]
    assert [brand.live.page("vip_sync", day)["accepted"] for day in september] == [10, 10, 10]
    assert brand.live.page("vip_delta", september[2])["foreseen_objects"] == 10
    assert brand.live.freshness("vip_sync", september[2]) == "FRESH"


def test_two_backfills_and_a_tick_at_once_take_turns(brand: Brand) -> None:
    """D6, D7: one run of a sync at a time; in whichever order, Braze ends with the newest day."""
    first, second = days("2026-10-01", 3), days("2026-10-04", 3)
    due = brand.live.tick("vip_schedule")
    newest = due["dagster/partition"]
    brand.knows({day: (20, 400 + number) for number, day in enumerate([*first, *second])})
    brand.knows({newest: (20, 500)})
    brand.run(["customer_360/members"], [newest])
    launched = [brand.live.backfill(ALL, first), brand.live.backfill(ALL, second)]
    tick = brand.live.launch("vip_job", due)
    done = [brand.live.finished(each) for each in launched]
    brand.live.wait(lambda: brand.live.run_status(tick) in ("SUCCESS", "FAILURE"), "the tick's run")
    assert [each["status"] for each in done] == ["COMPLETED_SUCCESS"] * 2
    assert brand.live.run_status(tick) == "SUCCESS"
    times = sorted((run["startTime"], run["endTime"]) for each in done for run in each["runs"])
    assert times[0][1] <= times[1][0]
    assert brand.held("0007") == 500

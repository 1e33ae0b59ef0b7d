"""Backfills as their users run them: live webserver and daemon, GraphQL, a Braze of its own (D6, D7, X6).

One instance for all tests, in their order: each has days of its own, later than those before.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest

from braze_assets.currents.generator import GeneratorSettings, write_hours
from braze_assets_tests.assets.live import Live
from braze_assets_tests.assets.live_brand import ALL, FILES, Brand, days

FEED_ASSETS = ["currents/users_messages_email_open", "currents/users_messages_email_click"]


@pytest.fixture(scope="module")
def brand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brand]:
    with Live(tmp_path_factory.mktemp("live"), FILES) as live:
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


def test_a_backfill_of_hours_is_one_run_and_goes_on_where_it_was_stopped(brand: Brand) -> None:
    """D6, D7, X10: stopped in the middle, the hours that are done stay; the rest is one more run."""
    start = datetime(2026, 7, 1, tzinfo=timezone.utc)
    hours = [start + timedelta(hours=number) for number in range(40)]
    keys = [f"{hour:%Y-%m-%d-%H}:00" for hour in hours]
    people = GeneratorSettings(
        external_ids=[f"{n:04}" for n in range(50)],
        sends_per_hour=60,
        event_types=("users.messages.email.Open", "users.messages.email.Click"),
    )
    files = write_hours(str(brand.live.folder / "storage" / "in"), people, hours)
    hold = brand.live.folder / "hold"
    hold.touch()
    backfill = brand.live.backfill(FEED_ASSETS, keys)

    def done_so_far() -> list[dict[str, str]]:
        return [brand.live.statuses(asset) for asset in FEED_ASSETS]

    ten = f"{keys[0]}...{keys[9]}"
    brand.live.wait(lambda: any(ten in each for each in done_so_far()), "the first hours")
    [run] = brand.live.runs(backfill)["runs"]
    brand.live.terminate(run["runId"])
    done = brand.live.finished(backfill)
    assert brand.live.run_status(run["runId"]) == "CANCELED"
    assert done["status"] == "COMPLETED_FAILED"
    assert sorted(done_so_far(), key=len) == [{}, {ten: "MATERIALIZED"}]

    hold.unlink()
    whole = {f"{keys[0]}...{keys[-1]}": "MATERIALIZED"}
    again = brand.live.finished(brand.live.reexecute_backfill(backfill))
    assert again["status"] == "COMPLETED_SUCCESS"
    assert done_so_far() == [whole, whole]
    said = [line for run in again["runs"] for line in brand.live.said(run["runId"])]
    assert len(said) < 20, said
    assert any(line.startswith("users.messages.email.Open: read ") for line in said), said
    written = sum(file.records for file in files if file.event_type.endswith("Open"))
    pages = [brand.live.page(FEED_ASSETS[0], key) for key in keys]
    assert sum(page["records"] for page in pages) == written
    assert sum(page["dagster/partition_row_count"] for page in pages) == sum(page["rows"] for page in pages)


def test_a_sensor_that_is_on_fills_late_hours_again(brand: Brand) -> None:
    """D3, K41: each closed hour once; two hours in a row with late files are one run with a range."""
    asset = "currents/late/users_messages_email_open"
    last = (datetime.now(timezone.utc) - timedelta(minutes=40)).replace(minute=0, second=0, microsecond=0)
    hours = [last - timedelta(hours=back) for back in (6, 3, 2)]
    first, second, third = (f"{hour:%Y-%m-%d-%H}:00" for hour in hours)
    brand.put(hours[0], [1, 2])
    brand.put(hours[1], [2, 3])
    brand.live.sensor("currents_late_sensor", on=True)
    # The day of the first file may be yesterday: more hours than one run is asked for.
    brand.live.wait(lambda: all(brand.live.page(asset, hour) for hour in (first, third)), "the first look")
    assert brand.live.page(asset, first)["rows"] == 2
    assert brand.live.page(asset, second)["duplicates_of_earlier_hours"] == 1
    looked = brand.live.sensor_runs("currents_late_sensor")

    brand.put(hours[1], [4], "late")
    brand.put(hours[2], [5], "late")
    brand.live.wait(lambda: brand.live.page(asset, third).get("rows") == 1, "the late files")
    brand.live.sensor("currents_late_sensor", on=False)
    new = brand.live.sensor_runs("currents_late_sensor")[len(looked) :]
    assert brand.live.page(asset, second)["rows"] == 2
    assert brand.live.page(asset, second)["late_files"] == 1
    asked = [
        (
            each["tags"]["dagster/asset_partition_range_start"],
            each["tags"]["dagster/asset_partition_range_end"],
        )
        if "dagster/asset_partition_range_start" in each["tags"]
        else (each["tags"]["dagster/partition"],) * 2
        for each in new
    ]
    # Another hour may close meanwhile, and is asked for as the first were.
    asked = [(first, last) for first, last in asked if last <= third]
    # Where the sensor looked between the two files, it asked for each by itself.
    assert asked in ([(second, third)], [(second, second), (third, third)])

"""What starts a flow: nothing, ticks in a zone, and new data (K21, K24, D3)."""

from datetime import datetime
from pathlib import Path

import dagster as dg
import pytest

from braze_assets_tests.assets.ticking import ALL, DAYS, FLOW, Shop
from braze_assets_tests.assets.world import SCHEMA
from braze_assets_tests.projects import Project, daily_source


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(Project(tmp_path, str(tmp_path / "storage")))


def test_a_tick_is_in_its_zone_and_fills_the_newest_closed_day(shop: Shop) -> None:
    """K21, D3."""
    shop.says('  schedule: {when: "30 0 * * *", timezone: Europe/Berlin}\n')
    repository = shop.project.definitions(assets=shop.sources).get_repository_def()
    schedule = repository.get_schedule_def("vip_schedule")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 0 * * *", "Europe/Berlin")
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
    for at, filled in (("2026-07-03T22:30", "2026-07-02"), ("2026-07-04T00:00", "2026-07-03")):
        context = dg.build_schedule_context(
            scheduled_execution_time=datetime.fromisoformat(at + ":00+00:00"), repository_def=repository
        )
        [request] = schedule.evaluate_tick(context).run_requests or []
        assert request.partition_key == filled


def test_by_hand_means_that_nothing_starts_it(shop: Shop) -> None:
    """K21, K24."""
    for schedule in ("", "  schedule: manual\n", "  schedule: {when: manual}\n", "  schedule: null\n"):
        shop.says(schedule)
        definitions = shop.project.definitions(assets=shop.sources)
        assert not definitions.schedules
        assert not definitions.sensors


def test_new_data_runs_the_whole_flow_in_one_run(shop: Shop) -> None:
    """K21: after its table was made, and once."""
    shop.says("  schedule: after_new_data\n")
    definitions = shop.project.definitions(assets=shop.sources)
    [sensor] = definitions.sensors or []
    assert (sensor.name, sensor.default_status) == ("vip_sensor", dg.DefaultSensorStatus.STOPPED)
    assert not definitions.schedules
    assert shop.asked() == set()
    shop.made(ALL[:1])
    assert shop.asked() == FLOW
    assert shop.asked() == set()


def test_a_look_by_hand_sends_nothing(shop: Shop) -> None:
    """The table or the plan made by a person asks for no send."""
    shop.says("  schedule: after new data\n")
    assert shop.asked() == set()
    shop.made(ALL[:1])
    assert shop.asked() == FLOW
    shop.made(ALL[1:])
    assert shop.asked() == set()
    for parts in (ALL[1:2], ALL[1:4]):
        shop.made(parts)
        assert shop.asked() == set()
    shop.made(ALL[:1])
    assert shop.asked() == FLOW


def test_new_data_of_past_days_starts_nothing(shop: Shop) -> None:
    """D3: the newest closed partition only; the past is a backfill's."""
    shop.says("  schedule: after new data\n")
    assert shop.asked("2026-07-03") == set()
    shop.made(ALL[:1])
    assert shop.asked("2026-07-03") == set()
    shop.made(ALL[:1], first=DAYS[1])
    assert shop.asked("2026-07-03") == FLOW


def test_new_data_waits_until_all_tables_are_there(shop: Shop) -> None:
    tiers = daily_source("tiers", shop.rows, SCHEMA)
    shop.sources.append(tiers)
    shop.says(
        "  schedule: after new data\n",
        select="SELECT m.external_id, t.tier FROM members m JOIN tiers t USING (external_id)\n",
    )
    assert shop.asked() == set()
    shop.made(ALL[:1])
    assert shop.asked() == set()
    shop.made(["customer_360/tiers"])
    assert shop.asked() == FLOW


def test_without_partitions_the_newest_of_a_table_is_enough(shop: Shop) -> None:
    """Older partitions of what is read may be missing."""
    shop.says("  schedule: after new data\n", more="  partitions: {cadence: none}\n")
    assert shop.asked("2026-07-03") == set()
    shop.made(ALL[:1], first=DAYS[1])
    assert shop.asked("2026-07-03") == FLOW
    shop.made(ALL[1:], first=None)
    assert shop.asked("2026-07-03") == set()

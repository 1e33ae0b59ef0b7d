"""When segments are computed (K25, K20, K22)."""

from datetime import datetime
from typing import Any

import dagster as dg
import pytest

from braze_assets.assets.orchestrations import Orchestration, orchestrations
from braze_assets.errors import ConfigurationError
from braze_assets_tests.assets.town import D1, D2, SEGMENTS, Town

NAMES = {"segments/lapsing", "segments/employees", "segments/vip"}


def scheduled(town: Town, schedule: str) -> dg.Definitions:
    """The project with segments that have this schedule."""
    town.project.write("seg/defs.yaml", SEGMENTS.replace("  sources:", f"  schedule: {schedule}\n  sources:"))
    return town.project.definitions(assets=town.assets)


def tick(definitions: dg.Definitions, at: str) -> Any:
    repository = definitions.get_repository_def()
    schedule = repository.get_schedule_def("segments_schedule")
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    context = dg.build_schedule_context(
        scheduled_execution_time=datetime.fromisoformat(at), repository_def=repository
    )
    return [each.partition_key for each in schedule.evaluate_tick(context).run_requests or []]


@pytest.mark.parametrize(
    "schedule", ["after each partition", "0 6 * * *", "{when: 0 6 * * *, timezone: Europe/Berlin}"]
)
def test_a_schedule_fills_the_day_that_has_closed(town: Town, schedule: str) -> None:
    definitions = scheduled(town, schedule)
    assert tick(definitions, "2026-07-02T04:00:00+00:00") == [D1]
    town.put("vip", D1, [1, 2])
    tables = ["customer_360/flags", "customer_360/merged_customers", *sorted(NAMES)]
    assert town.project.run(tables, first=D1, assets=town.assets, instance=town.instance).success
    assert [row["amperity_id"] for row in town.table("segments/vip", D1)] == ["c0001", "c0002"]


def test_new_data_starts_them_once_all_of_it_is_there(town: Town) -> None:
    """One run for all of them, of the newest day; again when a table was made again."""
    definitions = scheduled(town, "after new data")
    cursor: Any = None

    def asked() -> set[str]:
        nonlocal cursor
        at = datetime.fromisoformat("2026-07-03T12:00:00+00:00")
        found = dg.evaluate_automation_conditions(
            definitions, town.instance, cursor=cursor, evaluation_time=at
        )
        cursor = found.cursor
        requested = [each for each in found.results if each.true_subset.size]
        days = [each.true_subset.expensively_compute_partition_keys() for each in requested]
        assert all(each == {D2} for each in days)
        return {each.key.to_user_string() for each in requested}

    def made(table: str) -> None:
        key = dg.AssetKey(["customer_360", table])
        town.instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=D2))

    assert asked() == set()
    made("flags")
    assert asked() == set()
    made("merged_customers")
    assert asked() == NAMES
    assert asked() == set()
    made("flags")
    assert asked() == NAMES
    assert definitions.get_repository_def().has_sensor_def("segments_sensor")


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("0 0 31 2 *", "never fires"),
        ("every day", "neither a cron line"),
        ("{when: 0 6 * * *, only_if_changed: true}", "they are not sent"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(town: Town, schedule: str, said: str) -> None:
    """BAD INPUT."""
    with pytest.raises(ConfigurationError, match=said) as caught:
        scheduled(town, schedule)
    assert "seg/defs.yaml:3" in str(caught.value.place)


def test_the_list_of_orchestrations_has_them_once(town: Town) -> None:
    """K22: nothing is sent of segments, but what is sent waits for them: a stopped schedule must be seen."""
    definitions = scheduled(town, "{when: 0 6 * * *, timezone: Europe/Berlin}")
    repository = definitions.get_repository_def()
    now = datetime.fromisoformat("2026-07-03T12:00:00+00:00")

    def listed() -> Orchestration:
        [found] = orchestrations(repository, town.instance, now)
        return found

    new = listed()
    assert (new.name, new.kind, new.destination, new.mode) == ("segments", "segments", "-", "-")
    assert (new.last_run, new.running, new.schedule) == (None, False, "`0 6 * * * Europe/Berlin`")
    assert new.next_tick == datetime.fromisoformat("2026-07-04T04:00:00+00:00")
    # One of them was made: that is the last run of all.
    town.put("vip", D1, [1, 2])
    tables = ["customer_360/flags", "customer_360/merged_customers", "segments/vip"]
    assert town.project.run(tables, first=D1, assets=town.assets, instance=town.instance).success
    made = listed()
    assert (made.run_status, made.failed) == ("SUCCESS", False)
    assert made.last_success is not None

"""What starts a flow: ticks of the newest closed partition, only if changed, and new data (K21, K24, D3)."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from braze_assets.emulator.process import LocalBraze
from braze_assets_tests.assets.world import SCHEMA, user
from braze_assets_tests.projects import Project, daily_source

DAYS = ["2026-07-01", "2026-07-02"]
SYNC = """\
type: braze_assets.AttributeSync
attributes:
  name: vip
  table: {sql: vip.sql}
  mode: live
  audit_sample: 0
"""
SELECT = "SELECT external_id, tier, points FROM members\n"
CHANGED = '  schedule: {when: "0 6 * * *", timezone: Europe/Berlin, only_if_changed: true}\n'
ALL = ["customer_360/members", "vip", "vip_findings", "vip_delta", "vip_sync"]
FLOW = {"vip", "vip_findings", "vip_delta", "vip_sync"}


@pytest.fixture(scope="module")
def server() -> Iterator[LocalBraze]:
    with LocalBraze() as started:
        started.control.seed([{"external_id": f"{number:04}", "attributes": {}} for number in range(20)])
        yield started


class Shop:
    """A brand with one table, a sync, and what Dagster remembers of both."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.rows: dict[str, Any] = {day: [user(each) for each in range(5)] for day in DAYS}
        self.instance = dg.DagsterInstance.ephemeral()
        self.sources: list[Any] = [daily_source("members", self.rows, SCHEMA)]
        self.cursor: Any = None

    def says(self, schedule: str = CHANGED, *, select: str = SELECT, more: str = "") -> None:
        self.project.write("vip/vip.sql", select)
        self.project.write("vip/defs.yaml", SYNC + schedule + more)

    def run(self, names: list[str] = ALL, first: str | None = DAYS[0], **config: Any) -> bool:
        result = self.project.run(
            names, assets=self.sources, first=first, instance=self.instance, config=config or None
        )
        return result.success

    def tick(self, day: str = "2026-07-02", name: str = "vip") -> Any:
        """What a tick at 06:00 in Berlin says: the partition it would fill, or why it does nothing."""
        definitions = self.project.definitions(assets=self.sources)
        repository = definitions.get_repository_def()
        schedule = repository.get_schedule_def(f"{name}_schedule")
        resources = definitions.resources or {}
        context = dg.build_schedule_context(
            instance=self.instance,
            scheduled_execution_time=datetime.fromisoformat(f"{day}T04:00:00+00:00"),
            repository_def=repository,
            resources={key: resources[key] for key in schedule.required_resource_keys},
        )
        # A context is given a reference to where runs are kept, and one in memory has none.
        known: Any = context
        known._instance = known._instance_ref = self.instance
        said = schedule.evaluate_tick(context)
        return said.run_requests[0].partition_key if said.run_requests else str(said.skip_message)

    def asked(self, day: str = "2026-07-02") -> set[str]:
        """What the sensor of new data asks for, at noon."""
        definitions = self.project.definitions(assets=self.sources)
        result = dg.evaluate_automation_conditions(
            definitions,
            self.instance,
            cursor=self.cursor,
            evaluation_time=datetime.fromisoformat(f"{day}T12:00:00+00:00"),
        )
        self.cursor = result.cursor
        keys = (key for key in definitions.resolve_all_asset_keys() if result.get_num_requested(key))
        return {key.to_user_string() for key in keys}


@pytest.fixture
def shop(tmp_path: Path, server: LocalBraze, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("BRAZE_API_KEY", server.api_key)
    return Shop(Project(tmp_path, str(tmp_path / "storage"), server.url))


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
    assert shop.run()


def test_a_tick_without_changes_is_skipped_and_says_so(shop: Shop) -> None:
    """K21: until a table is made again."""
    shop.says()
    assert "customer_360/members has not been made for 2026-07-01 yet" in shop.tick()
    assert shop.run(ALL[:1])
    assert shop.tick() == DAYS[0]
    assert shop.run(ALL[1:])
    said = shop.tick()
    assert "Nothing changed since vip was sent" in said
    assert "customer_360/members and the query are the same" in said
    assert "has not been made for 2026-07-02 yet" in shop.tick("2026-07-03")

    assert shop.run(ALL[:1])
    assert shop.tick() == DAYS[0]
    # A look at the table is no send; nor is a plan.
    assert shop.run(ALL[1:3])
    assert shop.tick() == DAYS[0]
    assert shop.run(ALL[3:])
    assert "Nothing changed" in shop.tick()

    assert shop.run(ALL[:1], first=DAYS[1])
    assert shop.tick("2026-07-03") == DAYS[1]
    # The day before has not changed by that.
    assert shop.run(ALL[1:], first=DAYS[1])
    assert "Nothing changed" in shop.tick("2026-07-03")


def test_what_was_read_counts_and_not_when_it_was_sent(shop: Shop) -> None:
    """A table that is made between the read and the send is not lost."""
    shop.says()
    assert shop.run(ALL[:4])
    assert shop.run(ALL[:1])
    assert shop.run(ALL[4:])
    assert shop.tick() == DAYS[0]


def test_another_query_is_a_change(shop: Shop) -> None:
    shop.says()
    assert shop.run()
    shop.says(select=SELECT.replace("points", "points + 1 AS points"))
    assert shop.tick() == DAYS[0]


def test_going_further_than_the_last_send_is_a_change(shop: Shop) -> None:
    """A preview was not sent."""
    shop.says()
    assert shop.run(vip_sync={"mode": "preview"})
    assert shop.tick() == DAYS[0]
    shop.says(more="  guards: {min_users: 3}\n")
    assert shop.run()
    assert "Nothing changed" in shop.tick()
    shop.project.braze = {"most": "preview"}
    assert shop.tick() == DAYS[0]


def test_a_tick_after_a_send_that_failed_is_not_skipped(shop: Shop, server: LocalBraze) -> None:
    """K21: a run that failed at all, and objects that Braze refused."""
    shop.says()
    assert shop.run()
    assert "Nothing changed" in shop.tick()
    shop.project.braze = {"enabled": False}
    assert not shop.run(["vip_sync"])
    assert shop.tick() == DAYS[0]
    shop.project.braze = {}
    assert shop.run(ALL[3:])
    assert "Nothing changed" in shop.tick()

    shop.rows[DAYS[0]] = [user(each, points=7) for each in range(5)]
    server.control.fault(effect="status", status=400, identifier="0003", document={"message": "no"})
    try:
        assert shop.run()
    finally:
        server.control.clear_faults()
    assert shop.tick() == DAYS[0]
    assert shop.run(ALL[1:])
    assert "Nothing changed" in shop.tick()


def test_each_destination_counts(shop: Shop, server: LocalBraze) -> None:
    """One of two was never sent to; nobody waits for one that is disabled."""
    other = (
        "type: braze_assets.Destination\nattributes:\n  name: other\n"
        f"  instance: {server.url}\n  identifier: external_id\n"
    )
    shop.project.write("other/defs.yaml", other)
    shop.says(more="  destination: [braze, other]\n")
    assert shop.run([*ALL[:2], "vip_braze_delta", "vip_braze_sync"])
    assert shop.tick() == DAYS[0]
    shop.project.write("other/defs.yaml", other + "  enabled: false\n")
    assert "Nothing changed" in shop.tick()
    shop.project.write("other/defs.yaml", other)
    assert shop.run(["vip_other_delta", "vip_other_sync"])
    assert "Nothing changed" in shop.tick()


def test_new_data_runs_the_whole_flow_in_one_run(shop: Shop) -> None:
    """K21: after its table was made, and once."""
    shop.says("  schedule: after_new_data\n")
    definitions = shop.project.definitions(assets=shop.sources)
    [sensor] = definitions.sensors or []
    assert (sensor.name, sensor.default_status) == ("vip_sensor", dg.DefaultSensorStatus.STOPPED)
    assert not definitions.schedules
    assert shop.asked() == set()
    assert shop.run(ALL[:1])
    assert shop.asked() == FLOW
    assert shop.asked() == set()


def test_a_look_by_hand_sends_nothing(shop: Shop) -> None:
    """The table or the plan made by a person asks for no send."""
    shop.says("  schedule: after new data\n")
    assert shop.asked() == set()
    assert shop.run(ALL[:1])
    assert shop.asked() == FLOW
    assert shop.run(ALL[1:])
    assert shop.asked() == set()
    for parts in (ALL[1:2], ALL[1:4]):
        assert shop.run(parts)
        assert shop.asked() == set()
    assert shop.run(ALL[:1])
    assert shop.asked() == FLOW


def test_new_data_of_past_days_starts_nothing(shop: Shop) -> None:
    """D3: the newest closed partition only; the past is a backfill's."""
    shop.says("  schedule: after new data\n")
    assert shop.asked("2026-07-03") == set()
    assert shop.run(ALL[:1])
    assert shop.asked("2026-07-03") == set()
    assert shop.run(ALL[:1], first=DAYS[1])
    assert shop.asked("2026-07-03") == FLOW


def test_new_data_waits_until_all_tables_are_there(shop: Shop) -> None:
    tiers = daily_source("tiers", shop.rows, SCHEMA)
    shop.sources.append(tiers)
    shop.says(
        "  schedule: after new data\n",
        select="SELECT m.external_id, t.tier FROM members m JOIN tiers t USING (external_id)\n",
    )
    assert shop.asked() == set()
    assert shop.run(ALL[:1])
    assert shop.asked() == set()
    assert shop.run(["customer_360/tiers"])
    assert shop.asked() == FLOW


def test_without_partitions_the_newest_of_a_table_is_enough(shop: Shop) -> None:
    """Older partitions of what is read may be missing."""
    shop.says("  schedule: after new data\n", more="  partitions: {cadence: none}\n")
    assert shop.asked("2026-07-03") == set()
    assert shop.run(ALL[:1], first=DAYS[1])
    assert shop.asked("2026-07-03") == FLOW
    assert shop.run(ALL[1:], first=None)
    assert shop.asked("2026-07-03") == set()


def test_without_partitions_a_tick_takes_the_tables_as_they_are(shop: Shop) -> None:
    """K21; and a version that a table tells of itself counts, not how often it was made."""
    version = ["1"]

    @dg.asset(key=["customer_360", "members"])
    def members() -> dg.MaterializeResult[Any]:
        table = pa.Table.from_pylist([user(1)], schema=SCHEMA)
        return dg.MaterializeResult(value=table, data_version=dg.DataVersion(version[0]))

    shop.sources[:] = [members]
    shop.says(more="  partitions: {cadence: none}\n")
    assert shop.run(first=None)
    assert shop.run(ALL[:1], first=None)
    assert "Nothing changed" in shop.tick()
    version[0] = "2"
    assert shop.run(ALL[:1], first=None)
    assert shop.tick() is None

"""Drafts are shown and never sent; a table that breaks its query's promise is not sent either (K19, K23)."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from braze_assets.emulator.process import LocalBraze
from braze_assets_tests.assets.world import SCHEMA, user
from braze_assets_tests.projects import Project, daily_source, failure, metadata

DAYS = ["2026-07-01", "2026-07-02"]
PARTS = ["customer_360/members", "vip", "vip_delta", "vip_sync"]
SYNC = """\
type: braze_assets.AttributeSync
attributes:
  name: vip
  table: {sql: vip.sql}
  mode: live
  audit_sample: 0
  schedule: "0 3 * * *"
"""
SELECT = "SELECT external_id, tier, points FROM members\n"


class Shop:
    """A brand with a query."""

    def __init__(self, project: Project, braze: LocalBraze) -> None:
        self.project, self.braze = project, braze
        self.rows: dict[str, list[dict[str, Any]]] = {day: [user(each) for each in range(5)] for day in DAYS}
        self.instance = dg.DagsterInstance.ephemeral()
        project.write("vip/defs.yaml", SYNC)

    @property
    def source(self) -> Any:
        return daily_source("members", self.rows, SCHEMA)

    def says(self, *lines: str) -> None:
        front = "\n".join(["/*", "---", *lines, "---", "*/", SELECT])
        self.project.write("vip/vip.sql", front)

    def run(self, day: str = DAYS[0], names: list[str] = PARTS, **config: Any) -> dg.ExecuteInProcessResult:
        return self.project.run(
            names, assets=[self.source], first=day, instance=self.instance, config=config or None
        )


@pytest.fixture
def shop(tmp_path: Path, braze: LocalBraze, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("BRAZE_API_KEY", braze.api_key)
    braze.control.seed([{"external_id": f"{number:04}", "attributes": {}} for number in range(20)])
    return Shop(Project(tmp_path, str(tmp_path / "storage"), braze.url), braze)


def requests(shop: Shop) -> int:
    return int(shop.braze.control.counters()["requests"])


def test_a_draft_is_planned_and_previewed_and_never_sent(shop: Shop) -> None:
    """K19, K23: in no mode that sends; its schedule skips and says why."""
    shop.says("status: draft")
    for mode in ("as configured", "test", "live"):
        result = shop.run(vip_sync={"mode": mode})
        assert not result.success
        assert "is a draft: nothing is sent" in failure(result, "vip_sync")
        assert "status: active" in failure(result, "vip_sync")
    result = shop.run(vip_sync={"mode": "preview"})
    assert result.success
    assert metadata(result, "vip_delta")["objects"] == 5
    assert metadata(result, "vip_sync")["state"] == "preview"
    definitions = shop.project.definitions(assets=[shop.source])
    [schedule] = [each for each in definitions.schedules or [] if each.name == "vip_schedule"]
    assert isinstance(schedule, dg.ScheduleDefinition)
    said = schedule.evaluate_tick(dg.build_schedule_context())
    assert not said.run_requests
    assert "is a draft" in str(said.skip_message)
    assert requests(shop) == 0

    shop.says("status: active")
    result = shop.run()
    assert metadata(result, "vip_sync")["accepted"] == 5


def test_a_table_with_too_few_rows_is_not_sent_in_whichever_run(shop: Shop) -> None:
    """A threshold is a guard of the plan: the plan is shown, the send refuses it, in a later run as well."""
    shop.says("thresholds: {rows: {min: 6}}")
    result = shop.run()
    assert "5 rows; the query promises at least 6" in failure(result, "vip_sync")
    [check] = [e for e in result.get_asset_check_evaluations() if e.check_name == "query_thresholds"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert not shop.run(names=["vip_sync"]).success
    assert requests(shop) == 0
    assert shop.run(vip_delta={"allow": ["query_thresholds"]}).success


def test_a_threshold_that_warns_lets_the_send_go_on(shop: Shop) -> None:
    shop.says("thresholds: {rows: {max: 4, otherwise: warn}}")
    result = shop.run()
    assert result.success
    [check] = [e for e in result.get_asset_check_evaluations() if e.check_name == "query_thresholds"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert metadata(result, "vip_sync")["accepted"] == 5


def test_a_change_is_measured_against_the_partition_before(shop: Shop) -> None:
    """The first partition has none before it; the second has twice as many rows."""
    shop.says("thresholds: {change: {max: 0.5}}")
    shop.rows[DAYS[1]] = [user(each) for each in range(10)]
    assert shop.run(DAYS[0]).success
    result = shop.run(DAYS[1])
    assert "10 rows after 5 in the partition before: 100.0% more; 50.0% is allowed" in failure(
        result, "vip_sync"
    )

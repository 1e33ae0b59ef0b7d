"""A brand with one table and one sync, whose ticks are looked at."""

from datetime import datetime
from typing import Any

import dagster as dg

from braze_assets_tests.assets.world import SCHEMA, user
from braze_assets_tests.projects import Project, daily_source

__all__ = ["ALL", "CHANGED", "DAYS", "FLOW", "SELECT", "Shop"]

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

    def made(self, names: list[str], first: str | None = DAYS[0]) -> None:
        """Tell Dagster that assets were made, as another system would: nothing is computed."""
        for name in names:
            key = dg.AssetKey.from_user_string(name)
            self.instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=first))

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

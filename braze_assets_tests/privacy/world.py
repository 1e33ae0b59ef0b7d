"""A user's project full of marked people, in a Dagster instance that keeps everything on disk."""

import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from braze_assets.assets.partitions import daily_partitions
from braze_assets.delivery.settings import DeliverySettings
from braze_assets.resources.braze import BrazeResource
from braze_assets_tests.privacy.marks import person
from braze_assets_tests.privacy.scan import Places
from braze_assets_tests.projects import Project

__all__ = ["CLUB", "LIVE", "PARTS", "QuickBraze", "World", "command_lines"]

DAYS = daily_partitions()
CLUB = """\
type: braze_assets.AttributeSync
attributes:
  name: club
  table: {sql: club.sql}
  mode: live
  audit_sample: 50
  guards: {min_users: 100000}
"""
SQL = "SELECT external_id, email, first_name, phone, hobby, points FROM members"
PARTS = ["club", "club_findings", "club_delta", "club_sync", "club_audit"]
LIVE = {"club_sync": {"mode": "live"}}
_SCHEMA = pa.schema(
    [
        *((name, "string") for name in ("external_id", "email", "first_name", "phone", "hobby")),
        ("points", "int64"),
    ]
)


PROXY: dict[str, str] = {}
"""Not a setting of the resource: its settings are shown."""


class QuickBraze(BrazeResource):
    """One that does not wait long."""

    def delivery(self) -> DeliverySettings:
        quick = replace(
            super().delivery(), read_timeout=0.4, connect_timeout=1.0, backoff_base=0.01, max_throttled=3
        )
        return replace(quick, proxy=PROXY.get("url"))


class World(Project):
    """The project, its people by day, and all that is left behind by running it."""

    def __init__(self, folder: Path, storage: str, braze_url: str) -> None:
        super().__init__(folder / "project", storage, braze_url)
        self.home, self.temporary = folder / "home", folder / "temporary"
        self.days: dict[str, list[dict[str, object]]] = {}
        self.texts: dict[str, str] = {}
        self._jobs: dict[tuple[str, str], Any] = {}
        self.key_variable = "BRAZE_API_KEY"
        self.objects_per_request = 75
        self.home.mkdir(exist_ok=True)
        self.temporary.mkdir(exist_ok=True)
        (self.home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        self.instance = dg.DagsterInstance.from_config(str(self.home))
        self.write("club/defs.yaml", CLUB)
        self.write("club/club.sql", SQL)

    def definitions(self, *, assets: list[Any] | None = None) -> dg.Definitions:
        made = super().definitions(assets=[*(assets or []), self._members()])
        resources = {
            **(made.resources or {}),
            "braze": QuickBraze(
                instance=self.braze_url,
                settling_seconds=0,
                max_attempts=2,
                objects_per_request=self.objects_per_request,
                api_key_variable=self.key_variable,
            ),
        }
        return dg.Definitions(
            assets=made.assets, jobs=made.jobs, schedules=made.schedules, resources=resources
        )

    def go(self, names: list[str], first: str | None = None, last: str | None = None, **config: Any) -> Any:
        """Run; what fails is kept as text, with everything that is chained to it."""
        ops = {name: {"config": each} for name, each in config.items() if name in names}
        options: dict[str, Any] = {"partition_key": first}
        if last is not None:
            tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
            options = {"tags": tags}
        result = self._job(names).execute_in_process(
            run_config={"ops": ops}, instance=self.instance, raise_on_error=False, **options
        )
        for event in result.all_events:
            if event.is_failure and event.event_specific_data is not None:
                self.keep(str(event.event_specific_data))
        return result

    def _job(self, names: list[str]) -> Any:
        """Loading and planning take longer than most runs: what was loaded is used again."""
        files = [path.read_text() for path in sorted(self.folder.rglob("*.*")) if path.is_file()]
        state = str((self.braze_url, self.key_variable, self.storage, self.objects_per_request, files))
        if (state, "") not in self._jobs:
            self._jobs[state, ""] = self.definitions().resolve_implicit_global_asset_job_def()
        wanted = (state, " ".join(names))
        if wanted not in self._jobs:
            keys = {dg.AssetKey.from_user_string(name) for name in names}
            self._jobs[wanted] = self._jobs[state, ""].get_subset(asset_selection=keys)
        return self._jobs[wanted]

    def refused(self) -> str:
        """Why the definitions do not load; kept."""
        try:
            self.definitions()
        except Exception:
            self.keep(traceback.format_exc())
            return traceback.format_exc()
        return ""

    def keep(self, text: str) -> None:
        self.texts[f"error {len(self.texts)}"] = text

    def places(self) -> Places:
        return Places(
            home=self.home,
            instance=self.instance,
            storage=self.storage,
            folders=(self.temporary,),
            texts=self.texts,
        )

    def day(self, number: int, *people: dict[str, object], users: int = 12, **changes: object) -> str:
        """A day and its members."""
        key = f"2026-07-{number:02}"
        everybody = [person(each, number, **changes) for each in range(users)]
        self.days[key] = [*everybody, *people]
        return key

    def _members(self) -> Any:
        days = self.days

        @dg.asset(
            key=["customer_360", "members"],
            partitions_def=DAYS,
            backfill_policy=dg.BackfillPolicy.single_run(),
        )
        def members(context: dg.AssetExecutionContext) -> Any:
            def tables() -> Iterator[tuple[str, pa.Table]]:
                for key in context.partition_keys:
                    yield key, pa.Table.from_pylist(days[key], schema=_SCHEMA)

            return dg.MaterializeResult(value=tables())

        return members


def command_lines() -> set[str]:
    """What a list of processes shows of everybody's."""
    lines = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                lines.add((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except (OSError, UnicodeDecodeError):
                continue
    return lines

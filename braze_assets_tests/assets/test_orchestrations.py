"""The list of all flows (K22): what they are, how they went, when they run next."""

import inspect
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from click.testing import CliRunner
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, ScheduleInstigatorData

from braze_assets.assets.orchestrations import COLUMNS, KEY, Orchestration, orchestrations
from braze_assets.commands.main import main
from braze_assets.emulator.process import LocalBraze
from braze_assets_tests.assets.world import SCHEMA, user
from braze_assets_tests.projects import Project, daily_source, failure

DAY = "2026-07-01"
NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
SYNC = """\
type: braze_assets.AttributeSync
attributes:
  name: vip
  table: {sql: vip.sql}
  audit_sample: 0
  mode: live
"""
DROP = """\
type: braze_assets.CsvDrop
attributes: {name: loyalty, url: /tmp/nowhere, mode: test}
"""
EVENTS = """\
type: braze_assets.EventSync
attributes:
  name: orders
  table: {sql: orders.sql}
  event_name: ordered
  columns: {event_id: order_id, time: ordered_at, properties: []}
  schedule: after new data
"""
CAMPAIGN = """\
type: braze_assets.Segments
attributes:
  segments:
    - {name: germans, rule: {merged_customers.country: {is: DE}}}
---
type: braze_assets.Campaign
attributes: {name: Spring, include: [germans]}
---
type: braze_assets.Audiences
attributes:
  name: clubs
  audiences: [{segment: germans, name: the club}]
"""
OTHER = """\
type: braze_assets.Destination
attributes: {name: eu, instance: EU-01, identifier: external_id, enabled: false}
---
type: braze_assets.AttributeSync
attributes: {name: far, destination: eu, table: {sql: vip.sql}, schedule: "0 1 * * *"}
"""
PARTS = ["customer_360/members", "vip", "vip_delta", "vip_sync"]


@pytest.fixture(scope="module")
def server() -> Iterator[LocalBraze]:
    with LocalBraze() as started:
        started.control.seed([{"external_id": f"{number:04}", "attributes": {}} for number in range(20)])
        yield started


class Office:
    """A project with a flow of each kind, and what Dagster remembers of them."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.instance = dg.DagsterInstance.ephemeral()
        self.source = daily_source("members", {DAY: [user(each) for each in range(5)]}, SCHEMA)
        project.write("vip/vip.sql", "SELECT external_id, tier, points FROM members\n")
        project.write("vip/orders.sql", "SELECT external_id, order_id, ordered_at FROM orders\n")
        self.says('  schedule: {when: "30 6 * * 1", timezone: Europe/Berlin}\n')

    def says(self, schedule: str, *, more: str = "") -> None:
        self.project.write("vip/defs.yaml", SYNC + schedule + more)

    @property
    def repository(self) -> dg.RepositoryDefinition:
        others = [dg.AssetSpec(["customer_360", name]) for name in ("orders", "merged_customers")]
        return self.project.definitions(assets=[self.source, *others]).get_repository_def()

    def run(self, names: list[str] = PARTS, **config: Any) -> dg.ExecuteInProcessResult:
        return self.project.run(
            names, assets=[self.source], first=DAY, instance=self.instance, config=config or None
        )

    def listed(self) -> dict[str, Orchestration]:
        return {each.name: each for each in orchestrations(self.repository, self.instance, NOW)}


@pytest.fixture
def office(tmp_path: Path, server: LocalBraze, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setenv("BRAZE_API_KEY", server.api_key)
    return Office(Project(tmp_path, str(tmp_path / "storage"), server.url))


def test_a_flow_before_and_after_its_runs(office: Office) -> None:
    """K22: never, sent, failed; the last success stays."""
    [new] = office.listed().values()
    assert (new.kind, new.destination, new.mode, new.query) == ("sync", "braze", "live", "active")
    assert (new.last_run, new.run_status, new.last_success, new.outcome) == (None, "", None, "")
    assert new.running is False
    cells = dict(zip(COLUMNS, new.cells(), strict=True))
    assert (cells["last run"], cells["last success"], cells["state"]) == ("never", "never", "stopped")
    assert cells["schedule"] == "`30 6 * * 1 Europe/Berlin`"
    assert (cells["next tick"], cells["next tick (UTC)"]) == ("2026-11-23 06:30 CET", "2026-11-23 05:30")

    assert office.run().success
    sent = office.listed()["vip"]
    assert (sent.run_status, sent.failed) == ("SUCCESS", False)
    assert sent.last_success is not None
    assert "5 of 5 objects accepted" in sent.outcome
    office.project.braze = {"enabled": False}
    assert not office.run(["vip_sync"]).success
    failed = office.listed()["vip"]
    assert (failed.run_status, failed.failed) == ("FAILURE", True)
    assert failed.last_success == sent.last_success
    assert failed.last_run is not None
    assert sent.last_run is not None
    assert failed.last_run >= sent.last_run


def test_every_kind_of_flow_is_in_the_list(office: Office) -> None:
    """K22: also a draft, and one to a disabled destination."""
    office.project.write("drop/defs.yaml", DROP)
    office.project.write("orders/orders.sql", "SELECT external_id, order_id, ordered_at FROM orders\n")
    office.project.write("orders/defs.yaml", EVENTS)
    office.project.write("spring/defs.yaml", CAMPAIGN)
    office.project.write("far/vip.sql", "SELECT external_id, tier FROM members\n")
    office.project.write("far/defs.yaml", OTHER)
    office.project.write(
        "vip/vip.sql", "/*\n---\nstatus: draft\n---\n*/\nSELECT external_id, tier FROM members\n"
    )
    found = {
        each.name: (each.kind, each.destination, each.mode, each.query, each.cells()[9])
        for each in office.listed().values()
    }
    assert found == {
        "campaign_spring": ("campaign", "braze", "preview", "active", "`manual`"),
        "clubs": ("audiences", "braze", "preview", "active", "`manual`"),
        "far": ("sync", "eu", "preview", "disabled", "`0 1 * * * UTC`"),
        "loyalty": ("csv drop", "braze", "test", "active", "after each file"),
        "orders": ("event sync", "braze", "preview", "active", "`after new data`"),
        "segments": ("segments", "-", "-", "active", "`manual`"),
        "vip": ("sync", "braze", "live", "draft", "`30 6 * * 1 Europe/Berlin`"),
    }
    ticks = {name: each.next_tick for name, each in office.listed().items()}
    assert {name for name, tick in ticks.items() if tick} == {"far", "vip"}
    states = {name: each.running for name, each in office.listed().items()}
    assert states == {
        "campaign_spring": None,
        "clubs": None,
        "far": False,
        "loyalty": False,
        "orders": False,
        "segments": None,
        "vip": False,
    }


def test_several_destinations_of_one_table_share_its_schedule(office: Office) -> None:
    office.project.write("us/defs.yaml", OTHER.partition("---")[0].replace("eu", "us").replace("EU", "US"))
    office.says('  schedule: "0 3 * * *"\n', more="  destination: [braze, us]\n")
    found = office.listed()
    assert {name: each.query for name, each in found.items()} == {
        "vip_braze": "active",
        "vip_us": "disabled",
    }
    assert {each.next_tick for each in found.values()} == {datetime(2026, 11, 23, 3, tzinfo=timezone.utc)}


def test_nothing_is_asked_for_each_partition(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """K22: three hundred partitions cost no more questions than one."""

    def questions() -> int:
        asked: list[str] = []
        with monkeypatch.context() as patch:
            for storage in (office.instance.event_log_storage, office.instance.run_storage):
                for name, function in inspect.getmembers(storage, inspect.ismethod):
                    if name.startswith(("get_", "fetch_", "has_", "all_")):
                        patch.setattr(storage, name, _counted(asked, name, function))
            repository = office.repository
            asked.clear()
            assert orchestrations(repository, office.instance, NOW)[0].last_success
        return len(asked)

    def made(days: range) -> None:
        for number in days:
            day = f"2026-{7 + number // 30:02}-{1 + number % 30:02}"
            office.instance.report_runless_asset_event(
                dg.AssetMaterialization("vip_sync", partition=day, metadata={"summary": "5 accepted"})
            )

    made(range(1))
    one = questions()
    made(range(1, 100))
    assert 0 < questions() == one


def _counted(asked: list[str], name: str, function: Any) -> Any:
    def counted(*args: Any, **more: Any) -> Any:
        asked.append(name)
        return function(*args, **more)

    return counted


def _started(schedule: str) -> InstigatorState:
    """What Dagster keeps when somebody starts a schedule."""
    origin = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("a_brand_listed"), "__repository__")
    return InstigatorState(
        RemoteInstigatorOrigin(origin, schedule),
        InstigatorType.SCHEDULE,
        InstigatorStatus.RUNNING,
        ScheduleInstigatorData("30 6 * * 1", NOW.timestamp()),
    )


BRAND = """\
import sys
from pathlib import Path
import dagster as dg
from braze_assets_tests.projects import Project

@dg.definitions
def defs():
    project = Project(Path({folder!r}), {storage!r}, {url!r})
    return project.definitions(assets=[dg.AssetSpec(["customer_360", "members"])])
"""


def test_the_asset_and_the_command_show_the_instance(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """K22: a started schedule is running there, in a run that Dagster starts and on the command line."""
    office.project.write("all/defs.yaml", "type: braze_assets.Orchestrations\n")
    folder = str(office.project.folder.parent)
    text = BRAND.format(folder=folder, storage=office.project.storage, url=office.project.braze_url)
    (tmp_path / "a_brand_listed.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    reconstructable = ReconstructableRepository.for_module("a_brand_listed", "defs", str(tmp_path))
    with dg.DagsterInstance.get() as instance:
        instance.add_instigator_state(_started("vip_schedule"))
        job = reconstructable.get_reconstructable_job("__ASSET_JOB")
        ran = dg.execute_job(job, instance, asset_selection=[KEY])
        assert ran.success
        record = instance.get_latest_materialization_event(KEY)
        assert record is not None
        assert record.asset_materialization is not None
        shown = {name: each.value for name, each in record.asset_materialization.metadata.items()}
    assert (shown["flows"], shown["running"], shown["failed"], shown["never_sent"]) == (1, 1, 0, 1)
    table = str(shown["orchestrations"]).splitlines()
    assert table[0] == "| " + " | ".join(COLUMNS) + " |"
    assert table[2].startswith("| vip | sync | braze | live | active | never | - | never | - | `30 6 * * 1 ")

    said = CliRunner().invoke(main, ["orchestrations", "--module", "a_brand_listed"])
    assert said.exit_code == 0, said.output
    assert said.output.startswith("vip\n")
    assert "  state            running\n" in said.output
    assert "  schedule         30 6 * * 1 Europe/Berlin\n" in said.output
    monkeypatch.delenv("DAGSTER_HOME")
    refused = CliRunner().invoke(main, ["orchestrations", "--module", "a_brand_listed"])
    assert refused.exit_code == 1
    assert "DAGSTER_HOME" in refused.output


def test_a_run_that_does_not_know_the_project_says_so(office: Office) -> None:
    office.project.write("all/defs.yaml", "type: braze_assets.Orchestrations\n")
    result = office.project.run(["orchestrations"], assets=[office.source], instance=office.instance)
    assert "does not know the project" in failure(result, "orchestrations")

"""Alerts as a user has them: YAML, real runs against a local Braze, the sensor, and a receiver (X14)."""

import json
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from braze_assets.alerts import Memory
from braze_assets.emulator.process import LocalBraze
from braze_assets_tests.alerts.servers import Inbox, http_inbox
from braze_assets_tests.assets.world import SCHEMA, user
from braze_assets_tests.projects import DAYS as DAILY
from braze_assets_tests.projects import Project, daily_source

DAYS = [f"2026-07-{day:02}" for day in range(1, 10)]
PARTS = ["customer_360/members", "vip", "vip_findings", "vip_delta", "vip_sync"]
SYNC = """\
type: braze_assets.AttributeSync
attributes: {name: vip, table: {sql: vip.sql}, mode: live, audit_sample: 0,
  guards: {data_point_budget: 50, max_identifier_errors: 1, max_share_changed: null}}
"""
ALERTS = """\
type: braze_assets.Alerts
attributes:
  channels: {ops: {kind: webhook, url_variable: ALERTS_OPS}, crm: {kind: slack, url_variable: ALERTS_CRM}}
  dagster_url: https://dagster.example.com
  max_rejected_share: 0.1
  zero_rows: true
"""


@pytest.fixture(scope="module")
def server() -> Iterator[LocalBraze]:
    with LocalBraze() as started:
        started.control.seed([{"external_id": f"{number:04}", "attributes": {}} for number in range(30)])
        yield started


class Office:
    """A brand with a sync, alerts, and two receivers of them."""

    def __init__(self, project: Project, braze: LocalBraze, ops: Inbox, crm: Inbox) -> None:
        self.project, self.braze, self.ops, self.crm = project, braze, ops, crm
        self.instance = dg.DagsterInstance.ephemeral()
        self.days: dict[str, Any] = {}
        self.cursor: str | None = None
        self.reason = ""
        project.write("vip/vip.sql", "SELECT external_id, tier, points, since FROM members\n")
        project.write("vip/defs.yaml", SYNC)
        project.write("alerts/defs.yaml", ALERTS)
        self.loads()

    def loads(self, *, source: Any = None) -> None:
        """The project as it stands, with a table of members."""
        members = source or daily_source("members", self.days, SCHEMA)
        self.definitions = self.project.definitions(assets=[members])
        self.job = self.definitions.resolve_implicit_global_asset_job_def()

    def run(
        self, day: str, rows: list[dict[str, Any]] | None = None, *, last: str = "", parts: list[str] = PARTS
    ) -> bool:
        """The sync of one day, or of a range."""
        if rows is not None:
            self.days[day] = rows
        tags = {"dagster/asset_partition_range_start": day, "dagster/asset_partition_range_end": last}
        where: dict[str, Any] = {"tags": tags} if last else {"partition_key": day}
        keys = {dg.AssetKey.from_user_string(each) for each in parts}
        part = self.job.get_subset(asset_selection=keys)
        return part.execute_in_process(instance=self.instance, raise_on_error=False, **where).success

    def tick(self, *, keep: bool = True) -> list[str]:
        """One look; what `ops` is told by it. The cursor is lost where it is not kept."""
        before = len(self.ops.requests)
        sensor = self.definitions.resolve_sensor_def("alerts_sensor")
        context = dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            definitions=self.definitions,
            resources={"storage": self.definitions.resources["storage"]},
        )
        result = sensor(context)
        assert isinstance(result, dg.SensorResult)
        self.reason = str(result.skip_reason)
        if keep:
            self.cursor = result.cursor
        said = [json.loads(body) for _, _, body in self.ops.requests[before:]]
        self.changes = [change for each in said for change in each["changes"]]
        return [change["status"] for change in self.changes]


@pytest.fixture
def office(tmp_path: Path, server: LocalBraze, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setenv("BRAZE_API_KEY", server.api_key)
    with http_inbox() as ops, http_inbox() as crm:
        monkeypatch.setenv("ALERTS_OPS", ops.url)
        monkeypatch.setenv("ALERTS_CRM", crm.url)
        yield Office(Project(tmp_path, str(tmp_path / "storage"), server.url), server, ops, crm)
        server.control.clear_faults()


def members(count: int, points: int = 1) -> list[dict[str, Any]]:
    return [user(number, points=points) for number in range(count)]


def test_a_failure_is_told_once_and_its_end_once(office: Office) -> None:
    """X14: a run that fails, one message; another that fails, none; one that does not, one.

    With an instance on disk, whose runs have logs of their own.
    """
    (home := office.project.folder.parent / "dagster").mkdir()
    office.instance = dg.DagsterInstance.local_temp(str(home))
    assert office.tick() == []
    assert not office.run(DAYS[0], members(29))  # 58 data points
    assert office.tick() == ["failing"]
    [change] = office.changes
    assert (change["flow"], change["partition"]) == ("vip", DAYS[0])
    assert "vip_sync failed: " in change["because"]
    assert "1 of its guards failed. data_point_budget: " in change["because"]
    assert change["run_url"] == f"https://dagster.example.com/runs/{change['run_id']}"
    assert office.tick() == []
    assert not office.run(DAYS[1], members(29))
    assert office.tick() == []
    assert office.run(DAYS[2], members(10))
    assert office.tick() == ["ok"]
    assert office.changes[0]["previous"] == "failing"
    assert office.tick() == []
    assert len(office.crm.requests) == 2


def test_nothing_is_told_twice_after_a_restart(office: Office) -> None:
    """The cursor of a look is lost after its message; later somebody resets the cursor."""
    office.tick()
    assert not office.run(DAYS[0], members(29))
    office.crm.status = 500
    assert office.tick(keep=False) == ["failing"]
    assert office.tick() == []  # The same look again: `ops` knows, `crm` is still tried.
    assert "crm: The reply was HTTP 500" in office.reason
    assert len(office.crm.requests) == 2
    office.crm.status = 200
    office.cursor = None
    assert office.tick() == []
    assert len(office.crm.requests) == 3
    assert office.ops.url not in office.reason + str(office.cursor)


def test_rejections_above_the_share_are_told_with_their_counts(office: Office) -> None:
    office.tick()
    office.braze.control.fault(
        status=400, document={"message": "attributes: bad value for grace-hopper"}, identifier="grace-hopper"
    )
    assert office.run(DAYS[0], [*members(4), {**user(4), "external_id": "grace-hopper"}])
    assert office.tick() == ["rejections"]
    [change] = office.changes
    assert change["counts"] == {"objects": 5, "rejected": 1}
    assert "grace-hopper" not in json.dumps(change)
    office.braze.control.clear_faults()
    assert office.run(DAYS[1], members(5))
    assert office.tick() == ["ok"]


def test_a_table_without_rows_is_told(office: Office) -> None:
    office.tick()
    assert office.run(DAYS[0], [])
    assert office.tick() == ["zero rows"]
    assert office.run(DAYS[1], members(1))
    assert office.tick() == ["ok"]


def test_a_range_is_one_send(office: Office) -> None:
    """Collapsed: its days have nothing to send themselves, and show up twice in the log."""
    office.tick()
    for day in DAYS[:4]:
        office.days[day] = members(5)
    assert office.run(DAYS[0], members(5), last=DAYS[3])
    assert office.tick() == []
    assert Memory.loads(office.cursor).states["vip"].sent.partition == DAYS[3]  # type: ignore[union-attr]


def test_the_first_look_tells_what_is_wrong_by_then(office: Office) -> None:
    assert not office.run(DAYS[0], members(29))
    assert office.tick() == ["failing"]
    assert office.tick() == []


def test_what_others_raise_is_not_repeated(office: Office) -> None:
    """An asset of somebody else's may quote a customer: only the step is told."""
    office.tick()

    @dg.asset(key=["customer_360", "members"], partitions_def=DAILY)
    def members() -> None:
        raise dg.Failure("Ada Lovelace <ada@example.com> has two rows")

    office.loads(source=members)
    assert not office.run(DAYS[0])
    assert office.tick() == ["failing"]
    assert office.changes[0]["because"] == "customer_360__members failed"
    assert "Ada" not in json.dumps(office.changes) + str(office.cursor)


def test_a_run_without_the_send_says_nothing_of_it(office: Office) -> None:
    """A table that fails by itself is in Dagster; nobody had asked for a send."""
    office.tick()
    office.project.write("vip/vip.sql", "SELECT external_id, error(tier) AS tier FROM members\n")
    office.loads()
    assert not office.run(DAYS[0], members(1), parts=PARTS[:2])
    assert office.tick() == []


def test_many_partitions_cost_a_look_little(office: Office) -> None:
    """Bounded reads: a look reads the newest events, however many there are."""
    office.tick()
    key = dg.AssetKey("vip_sync")
    for number in range(500):
        facts = {"state": "sent", "objects": 10, "rejected": 10 if number < 499 else 0}
        office.instance.report_runless_asset_event(
            dg.AssetMaterialization(key, partition=f"{number:05}", metadata=facts)
        )
    before = resource.getrusage(resource.RUSAGE_SELF)
    told = office.tick()
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert told == ["rejections", "ok"]
    assert after.ru_utime - before.ru_utime < 2
    before = after
    assert office.tick() == []
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert after.ru_utime - before.ru_utime < 0.5
    assert len(office.cursor or "") < 5_000

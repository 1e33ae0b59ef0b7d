"""Destinations at work: two side by side, one disabled, one looked at (K04, K05, K08, K16)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
import pytest

from braze_assets.emulator.process import LocalBraze
from braze_assets_tests.assets.world import SCHEMA, user
from braze_assets_tests.projects import Project, daily_source, failure, metadata

DAY = "2026-07-01"
PARTS = ["vip_delta", "vip_sync"]
SYNC = """\
type: braze_assets.AttributeSync
attributes:
  name: vip
  table: {sql: vip.sql}
  destination: %s
  audit_sample: 0
  schedule: "0 3 * * *"
  guards: {min_users: 1000}
"""
DESTINATION = """\
type: braze_assets.Destination
attributes:
  name: %s
  instance: %s
  api_key_variable: BRAZE_API_KEY_%s
  identifier: external_id
  limits: {settling_seconds: 0, max_attempts: 2}
  defaults: {mode: live}
"""


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[LocalBraze, LocalBraze]]:
    with LocalBraze(api_key="key-of-eu-000001") as eu, LocalBraze(api_key="key-of-us-000002") as us:
        yield eu, us


class Shop:
    """A brand with members, and a workspace in Europe and one in the States."""

    def __init__(self, project: Project, eu: LocalBraze, us: LocalBraze) -> None:
        self.project, self.eu, self.us = project, eu, us
        self.days: dict[str, list[dict[str, Any]]] = {DAY: [user(number) for number in range(5)]}
        self.instance = dg.DagsterInstance.ephemeral()
        project.write("vip/vip.sql", "SELECT external_id, tier, points FROM members")
        project.write("eu/defs.yaml", DESTINATION % ("eu", eu.url, "EU"))
        project.write("us/defs.yaml", DESTINATION % ("us", us.url, "US"))

    @property
    def source(self) -> Any:
        return daily_source("members", self.days, SCHEMA)

    def run(self, names: list[str], day: str = DAY, **config: Any) -> dg.ExecuteInProcessResult:
        return self.project.run(
            names, assets=[self.source], first=day, instance=self.instance, config=config or None
        )

    def check(self, name: str, **config: Any) -> dg.AssetCheckEvaluation:
        """What the check of a destination says."""
        definitions = self.project.definitions(assets=[self.source])
        key = dg.AssetCheckKey(dg.AssetKey(["destinations", name]), "connection")
        job = dg.define_asset_job("look", selection=dg.AssetSelection.checks(key))
        definitions = dg.Definitions.merge(definitions, dg.Definitions(jobs=[job]))
        result = definitions.resolve_job_def("look").execute_in_process(
            run_config={"ops": {f"destinations__{name}_connection": {"config": config}}}
        )
        [found] = result.get_asset_check_evaluations()
        return found


@pytest.fixture
def shop(tmp_path: Path, servers: tuple[LocalBraze, LocalBraze], monkeypatch: pytest.MonkeyPatch) -> Shop:
    for name, braze in zip(("EU", "US"), servers, strict=True):
        braze.control.clear()
        braze.control.reset_settings()
        braze.control.reset_counters()
        braze.control.seed([{"external_id": f"{number:04}", "attributes": {}} for number in range(20)])
        monkeypatch.setenv(f"BRAZE_API_KEY_{name}", braze.api_key)
    return Shop(Project(tmp_path, str(tmp_path / "storage")), *servers)


def test_two_destinations_have_two_ledgers(shop: Shop) -> None:
    """K16: what one accepted says nothing of the other."""
    shop.project.write("vip/defs.yaml", SYNC % "[eu, us]")
    shop.us.control.fault(effect="status", status=400, identifier="0003", document={"message": "no"})
    parts = [f"vip_{name}_{part}" for name in ("eu", "us") for part in ("delta", "sync")]
    first = shop.run(["customer_360/members", "vip", *parts])
    assert first.success
    assert [metadata(first, f"vip_{name}_sync")["accepted"] for name in ("eu", "us")] == [5, 4]
    assert shop.eu.control.attributes("0003") == {"tier": "gold", "points": 1}
    assert shop.us.control.attributes("0003") == {}

    shop.us.control.clear_faults()
    again = shop.run(parts)
    assert [metadata(again, f"vip_{name}_sync")["objects"] for name in ("eu", "us")] == [0, 1]
    assert shop.us.control.attributes("0003") == {"tier": "gold", "points": 1}
    ledgers = Path(shop.project.storage, "ledger")
    assert sorted(path.name for path in ledgers.iterdir()) == ["vip_eu", "vip_us"]


def test_two_destinations_have_two_limiters(shop: Shop) -> None:
    """The rate of one says nothing of the other's."""
    from braze_assets.delivery.shared import limiter_for

    _written(shop)
    definitions = shop.project.definitions(assets=[shop.source])
    eu, us = ((definitions.resources or {})[name] for name in ("eu", "us"))
    with eu.client() as one, us.client() as other:
        assert limiter_for(one, eu.limits()) is not limiter_for(other, us.limits())


@pytest.mark.parametrize(("destinations", "kept"), [("us", True), ("eu", False), ("[eu, us]", False)])
def test_what_a_contract_allows_decides_of_the_table(shop: Shop, destinations: str, kept: bool) -> None:
    """K05: Braze raised the length of arrays for one workspace; a table for both fits both."""
    limits = "limits: {array_items: 30, settling_seconds: 0, max_attempts: 2}"
    shop.project.write(
        "us/defs.yaml",
        (DESTINATION % ("us", shop.us.url, "US")).replace(
            "limits: {settling_seconds: 0, max_attempts: 2}", limits
        ),
    )
    shop.project.write("vip/vip.sql", "SELECT external_id, range(points, points + 28) AS seen FROM members")
    shop.project.write("vip/defs.yaml", SYNC % destinations)
    assert shop.run(["customer_360/members", "vip"]).success
    [file] = Path(shop.project.storage, "tables", "vip").rglob("data.parquet")
    rows = pq.read_table(file, partitioning=None).to_pylist()
    assert {len(row["seen"] or ()) for row in rows} == {28 if kept else 0}
    found = {each["problem"] for row in rows for each in row["_findings"] or ()}
    assert found == (set() if kept else {"too_many_items"})


def test_one_that_fails_does_not_keep_the_other(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAZE_API_KEY_US", "planted-key-marmalade")
    shop.project.write("vip/defs.yaml", SYNC % "[eu, us]")
    parts = [f"vip_{name}_{part}" for name in ("eu", "us") for part in ("delta", "sync")]
    result = shop.run(["customer_360/members", "vip", *parts])
    assert not result.success
    assert "the key is wrong, or the instance is" in failure(result, "vip_us_sync")
    assert metadata(result, "vip_eu_sync")["accepted"] == 5
    assert "marmalade" not in "".join(str(event) for event in result.all_events)


def _written(shop: Shop) -> None:
    shop.project.write("vip/defs.yaml", SYNC % "eu")


def _disable(shop: Shop, name: str = "eu", server: str = "") -> None:
    shop.project.write(
        f"{name}/defs.yaml", DESTINATION % (name, server or shop.eu.url, "EU") + "  enabled: false\n"
    )


def test_a_disabled_destination_refuses_and_says_which(shop: Shop) -> None:
    """K08: nothing is requested; a preview, which asks nothing either, still shows what would be sent."""
    _written(shop)
    _disable(shop)
    result = shop.run(["customer_360/members", "vip", *PARTS])
    assert not result.success
    assert "The destination eu is disabled" in failure(result, "vip_sync")
    assert metadata(result, "vip_delta")["objects"] == 5
    assert shop.run(["vip_sync"], vip_sync={"mode": "preview"}).success
    assert shop.eu.control.counters()["requests"] == 0

    shop.project.write("eu/defs.yaml", DESTINATION % ("eu", shop.eu.url, "EU"))
    assert metadata(shop.run(PARTS), "vip_sync")["accepted"] == 5


def test_a_running_schedule_of_a_disabled_destination_does_nothing(shop: Shop) -> None:
    """K08: Dagster remembers that it was started, so the tick itself says why it skips."""
    _written(shop)
    schedule = _schedule(shop)
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    assert isinstance(_tick(shop, schedule), dg.RunRequest)
    _disable(shop)
    schedule = _schedule(shop)
    assert (schedule.name, schedule.cron_schedule) == ("vip_schedule", "0 3 * * *")
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    skipped = _tick(shop, schedule)
    assert isinstance(skipped, dg.SkipReason)
    assert "destination eu is disabled" in str(skipped.skip_message)
    shop.project.write("vip/defs.yaml", (SYNC % "eu").replace('"0 3 * * *"', "after each partition"))
    assert isinstance(_tick(shop, _schedule(shop)), dg.SkipReason)


def test_a_job_of_several_leaves_out_the_disabled_one(shop: Shop) -> None:
    """K08: the other destination gets what it should."""
    shop.project.write("vip/defs.yaml", SYNC % "[eu, us]")
    _disable(shop)
    definitions = shop.project.definitions(assets=[shop.source])
    keys = definitions.resolve_job_def("vip_job").asset_layer.executable_asset_keys
    assert {key.to_user_string() for key in keys} == {"vip", "vip_findings", "vip_us_delta", "vip_us_sync"}
    assert isinstance(_tick(shop, _schedule(shop)), dg.RunRequest)


def _schedule(shop: Shop) -> Any:
    return shop.project.definitions(assets=[shop.source]).resolve_schedule_def("vip_schedule")


def _tick(shop: Shop, schedule: Any) -> dg.RunRequest | dg.SkipReason:
    context = dg.build_schedule_context(
        instance=shop.instance,
        scheduled_execution_time=datetime(2026, 7, 5, 3, tzinfo=timezone.utc),
        repository_def=shop.project.definitions(assets=[shop.source]).get_repository_def(),
    )
    tick = schedule.evaluate_tick(context)
    return tick.run_requests[0] if tick.run_requests else dg.SkipReason(tick.skip_message)


def test_the_check_says_what_is_wrong(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """K04, K05."""
    _written(shop)
    assert shop.check("eu").passed
    shop.project.write(
        "eu/defs.yaml", DESTINATION % ("eu", shop.eu.url, "EU") + "  segment_name: Amperity VIP\n"
    )
    missed = shop.check("eu")
    assert not missed.passed
    assert "no segment 'Amperity VIP'" in str(missed.description)
    shop.eu.control.settings(segments=["Amperity VIP"])
    assert shop.check("eu").passed
    monkeypatch.setenv("BRAZE_API_KEY_EU", "planted-key-marmalade")
    wrong = shop.check("eu")
    assert "the key is wrong, or the instance is" in str(wrong.description)
    assert "marmalade" not in json.dumps({name: str(each) for name, each in wrong.metadata.items()})
    _disable(shop)
    assert shop.check("eu").passed
    assert shop.eu.control.counters()["objects"] == 0


def test_the_check_looks_at_the_drop_location(shop: Shop, s3_bucket: str) -> None:
    """K05: written to only when that is asked for."""
    _written(shop)
    shop.project.write(
        "eu/defs.yaml",
        DESTINATION % ("eu", shop.eu.url, "EU") + f"  s3_bucket: {s3_bucket}\n  s3_folder: drops\n",
    )
    assert shop.check("eu").passed
    assert shop.check("eu", write_probe=True).passed
    shop.project.write(
        "eu/defs.yaml", DESTINATION % ("eu", shop.eu.url, "EU") + "  s3_bucket: nobody-has-this-one\n"
    )
    assert "the bucket does not exist" in str(shop.check("eu").description)

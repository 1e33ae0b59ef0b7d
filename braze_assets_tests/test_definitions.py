"""What Dagster loads (D1, D2, D5, D6)."""

import subprocess
import sys
from datetime import datetime, timezone

import dagster as dg
import pytest

from braze_assets.assets.currents import CurrentsFeedDefinition, build_feed
from braze_assets.currents.discovery import DiscoverySettings
from braze_assets.definitions import defs
from braze_assets.errors import ConfigurationError
from braze_assets.resources.braze import BrazeResource
from braze_assets.resources.deployments import DEPLOYMENTS, deployment_name

SYNC = "braze_customer_attributes"


@pytest.fixture(scope="module")
def loaded() -> dg.Definitions:
    return defs()


def test_the_four_things_are_assets(loaded: dg.Definitions) -> None:
    """D2: the table, the delta, the sync and Currents."""
    keys = {key.to_user_string() for key in loaded.resolve_all_asset_keys()}
    assert {SYNC, f"{SYNC}_findings", f"{SYNC}_delta", f"{SYNC}_sync", f"{SYNC}_audit"} <= keys
    assert {f"currents/users_messages_email_{name}" for name in ("send", "open", "click", "bounce")} <= keys
    assert {"customer_360/unified_email_events", "customer_360/email_engagement_summary"} <= keys


def test_loading_prints_nothing() -> None:
    """A start with warnings that nobody here can do anything about looks broken."""
    code = "from braze_assets.definitions import defs; defs().get_repository_def()"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("", "")


def test_every_asset_is_described(loaded: dg.Definitions) -> None:
    """D5."""
    for spec in loaded.resolve_all_asset_specs():
        assert spec.description, spec.key
        assert spec.kinds, spec.key
        assert spec.group_name in ("braze", "currents", "currents_email", "customer_360"), spec.key


def test_lineage_runs_from_currents_to_the_audit(loaded: dg.Definitions) -> None:
    graph = loaded.resolve_asset_graph()
    above = graph.get_ancestor_asset_keys(dg.AssetKey(f"{SYNC}_audit"))
    names = {key.to_user_string() for key in above}
    assert {"currents/bucket", "currents/users_messages_email_open", "customer_360/merged_customers"} <= names


def test_nothing_runs_by_itself(loaded: dg.Definitions) -> None:
    """Schedules are stopped until somebody starts them."""
    repository = loaded.get_repository_def()
    assert {each.name for each in repository.schedule_defs} == {
        f"{SYNC}_schedule",
        "customer_360_job_schedule",
        "currents_hour_schedule",
    }
    [sensor] = repository.sensor_defs
    assert (sensor.name, sensor.default_status) == ("currents_sensor", dg.DefaultSensorStatus.STOPPED)
    assert all(each.default_status is dg.DefaultScheduleStatus.STOPPED for each in repository.schedule_defs)


@pytest.mark.parametrize(
    ("name", "tick", "partition"),
    [
        (f"{SYNC}_schedule", datetime(2026, 7, 10, 3, tzinfo=timezone.utc), "2026-07-09"),
        ("customer_360_job_schedule", datetime(2026, 7, 10, 1, 30, tzinfo=timezone.utc), "2026-07-09"),
        ("currents_hour_schedule", datetime(2026, 7, 10, 1, 40, tzinfo=timezone.utc), "2026-07-10-00:00"),
    ],
)
def test_a_schedule_fills_what_has_closed(
    loaded: dg.Definitions, name: str, tick: datetime, partition: str
) -> None:
    """D6."""
    schedule = loaded.get_repository_def().get_schedule_def(name)
    with dg.instance_for_test() as instance:
        context = dg.build_schedule_context(
            instance=instance, scheduled_execution_time=tick, repository_def=loaded.get_repository_def()
        )
        requests = schedule.evaluate_tick(context).run_requests
    assert [request.partition_key for request in requests or ()] == [partition]


@pytest.mark.parametrize(
    ("lag", "hour"), [(0, "2026-07-10-05:00"), (59, "2026-07-10-05:00"), (150, "2026-07-10-03:00")]
)
def test_the_hours_of_a_feed_are_read_after_its_lag(lag: int, hour: str) -> None:
    """K41: also after a lag of more than an hour."""
    feed = CurrentsFeedDefinition(discovery=DiscoverySettings(lag_minutes=lag))
    [schedule] = build_feed(feed).schedules or ()
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert schedule.cron_schedule == f"{lag % 60} * * * *"
    tick = datetime(2026, 7, 10, 6, lag % 60, tzinfo=timezone.utc)
    with dg.instance_for_test() as instance:
        request = schedule(dg.build_schedule_context(instance=instance, scheduled_execution_time=tick))
    assert request.partition_key == hour


def test_staging_goes_no_further_than_a_test() -> None:
    staging, production = (DEPLOYMENTS[name]()["braze"] for name in ("staging", "production"))
    assert isinstance(staging, BrazeResource)
    assert isinstance(production, BrazeResource)
    assert [staging.allowed_mode(mode) for mode in ("preview", "test", "live")] == ["preview", "test", "test"]
    assert production.allowed_mode("live") == "live"


def test_an_unknown_deployment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAZE_ASSETS_DEPLOYMENT", "prod")
    with pytest.raises(ConfigurationError, match="'prod' is unknown") as error:
        deployment_name()
    assert "production" in str(error.value.remedy)


def test_the_key_is_no_part_of_the_definitions(
    loaded: dg.Definitions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """K01."""
    monkeypatch.setenv("BRAZE_API_KEY", "planted-key-marmalade")
    resource = DEPLOYMENTS["production"]()["braze"]
    assert "planted-key-marmalade" not in repr(resource) + str(resource.model_dump())
    assert "planted-key-marmalade" not in repr(resource.model_copy(update={"instance": "US-03"}).client())

"""When a flow runs, in YAML: its forms, where it comes from, and what is wrong with it (K07, K21, K37)."""

import re
from pathlib import Path

import dagster as dg
import pytest

from braze_assets.errors import BrazeAssetsError
from braze_assets_tests.docs.documents import blocks
from braze_assets_tests.projects import Project

SYNC = """\
type: braze_assets.AttributeSync
attributes:
  name: vip
  table: {sql: vip.sql}
  audit_sample: 0
"""
EVENTS = """\
type: braze_assets.EventSync
attributes:
  name: orders
  table: {sql: orders.sql}
  event_name: ordered
  columns: {event_id: order_id, time: ordered_at, properties: []}
"""
SEGMENTS = """\
type: braze_assets.Segments
attributes:
  segments:
    - {name: germans, rule: {merged_customers.country: {is: DE}}}
"""
CAMPAIGN = """\
type: braze_assets.Campaign
attributes:
  name: Spring
  include: [germans]
  launch: recurring
"""
AUDIENCES = """\
type: braze_assets.Audiences
attributes:
  name: clubs
  audiences: [{segment: germans}]
"""
BERLIN = '{when: "0 6 * * *", timezone: Europe/Berlin}'


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path, str(tmp_path / "storage"))
    made.write("vip/vip.sql", "SELECT external_id, tier, points FROM members")
    made.write("vip/defs.yaml", SYNC)
    return made


def refused(project: Project) -> BrazeAssetsError:
    with pytest.raises(BrazeAssetsError) as error:
        project.load()
    assert error.value.remedy
    return error.value


def schedule(project: Project, name: str = "vip") -> tuple[str, str] | None:
    """Cron line and zone of what was loaded."""
    found = {each.name: each for each in project.load().schedules or ()}.get(f"{name}_schedule")
    assert found is None or isinstance(found, dg.ScheduleDefinition)
    return found and (str(found.cron_schedule), str(found.execution_timezone))


@pytest.mark.parametrize(
    ("written", "made"),
    [
        ('"0 6 * * *"', ("0 6 * * *", "UTC")),
        ('{when: "0 6 * * *"}', ("0 6 * * *", "UTC")),
        (BERLIN, ("0 6 * * *", "Europe/Berlin")),
        ("{when: after_each_partition, only_if_changed: true}", ("0 0 * * *", "UTC")),
        ("manual", None),
        ("{}", None),
        ("null", None),
    ],
)
def test_the_forms_of_a_schedule(project: Project, written: str, made: tuple[str, str] | None) -> None:
    """K21."""
    project.write("vip/defs.yaml", SYNC + f"  schedule: {written}\n")
    assert schedule(project) == made


@pytest.mark.parametrize("kind", ["events", "campaign", "audiences"])
def test_every_flow_takes_all_of_them(project: Project, kind: str) -> None:
    """K21, K24: a zone, and new data."""
    text, name = {
        "events": (EVENTS, "orders"),
        "campaign": (CAMPAIGN, "campaign_spring"),
        "audiences": (AUDIENCES, "clubs"),
    }[kind]
    project.write("it/orders.sql", "SELECT order_id, external_id, ordered_at FROM orders")
    project.write("segments/defs.yaml", SEGMENTS)
    project.write("it/defs.yaml", text + f"  schedule: {BERLIN}\n")
    assert schedule(project, name) == ("0 6 * * *", "Europe/Berlin")
    project.write("it/defs.yaml", text + "  schedule: after new data\n")
    definitions = project.load()
    assert [each.name for each in definitions.sensors or ()] == [f"{name}_sensor"]
    conditions = {
        spec.key.to_user_string(): spec.automation_condition is not None
        for asset in definitions.assets or ()
        if isinstance(asset, dg.AssetsDefinition)
        for spec in asset.specs
    }
    flow = {key: has for key, has in conditions.items() if key.startswith(name)}
    assert flow
    assert all(flow.values())
    assert not any(has for key, has in conditions.items() if key not in flow)


def test_a_schedule_is_taken_whole(project: Project) -> None:
    """K07: the zone of the destination's cron line is not that of the template's or of the sync's."""
    destination = "type: braze_assets.Destination\nattributes:\n  name: eu\n  instance: EU-01\n"
    template = "type: braze_assets.DataTemplate\nattributes:\n  name: usual\n  pii: false\n"
    project.write(
        "eu/defs.yaml", destination + f"  identifier: external_id\n  defaults: {{schedule: {BERLIN}}}\n"
    )
    to = "  destination: eu\n  template: usual\n"
    project.write("usual/defs.yaml", template)
    project.write("vip/defs.yaml", SYNC + to)
    assert schedule(project) == ("0 6 * * *", "Europe/Berlin")
    project.write("usual/defs.yaml", template + '  schedule: {when: "0 7 * * *"}\n')
    assert schedule(project) == ("0 7 * * *", "UTC")
    project.write("vip/defs.yaml", SYNC + to + '  schedule: {when: "0 8 * * *", timezone: Asia/Tokyo}\n')
    assert schedule(project) == ("0 8 * * *", "Asia/Tokyo")
    project.write("vip/defs.yaml", SYNC + to + '  schedule: "0 9 * * *"\n')
    assert schedule(project) == ("0 9 * * *", "UTC")
    project.write("vip/defs.yaml", SYNC + to + "  schedule: manual\n")
    assert schedule(project) is None


@pytest.mark.parametrize(
    ("lines", "line", "said"),
    [
        ("  schedule: every day\n", 6, "'every day' is neither a cron line"),
        ("  schedule: after_new_dat\n", 6, "did you mean 'after new data'?"),
        ('  schedule: "0 0 31 2 *"\n', 6, "never fires"),
        ('  schedule:\n    when: "0 0 30 2 *"\n', 7, "never fires"),
        ('  schedule:\n    when: "0 6 * * *"\n    timezone: Europe/Berln\n', 8, "did you mean Europe/Berlin"),
        ('  schedule:\n    when: "0 6 * * *"\n    timezon: UTC\n', 8, "'schedule.timezon' is unknown"),
        ("  schedule:\n    when: manual\n    timezone: UTC\n", 6, "`timezone` is that of a cron line"),
        ("  schedule: {when: after new data, only_if_changed: true}\n", 6, "`only_if_changed` skips ticks"),
        ("  schedule: {only_if_changed: true}\n", 6, "'manual' has none"),
        ("  schedule: after each partition\n  partitions: {cadence: none}\n", 6, "no partitions"),
        ("  schedule: after new data\n  sources: {members: {url: m.csv}}\n", 6, "it reads the file members"),
        (
            '  sources: {members: {url: m.csv}}\n  schedule: {when: "0 6 * * *", only_if_changed: true}\n',
            7,
            "of which nobody tells Dagster when it changes",
        ),
        ("  schedule: [manual]\n", 6, "schedule"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(project: Project, lines: str, line: int, said: str) -> None:
    project.write("vip/defs.yaml", SYNC + lines)
    error = refused(project)
    assert said in f"{error.cause} {error.remedy}"
    assert f"vip/defs.yaml:{line}" in str(error.place)


def test_a_wrong_schedule_of_a_template_is_told_where_it_is_written(project: Project) -> None:
    template = "type: braze_assets.DataTemplate\nattributes:\n  name: usual\n  pii: false\n"
    project.write("usual/defs.yaml", template + '  schedule:\n    when: "0 6 * * *"\n    timezone: Berlin\n')
    error = refused(project)
    assert "did you mean Europe/Berlin?" in error.cause
    assert "usual/defs.yaml:7" in str(error.place)


@pytest.mark.parametrize(
    ("lines", "line", "said"),
    [
        ("  start: 2026-07-05\n  end: 2026-07-01\n  schedule: 0 6 * * *\n", 7, "ends on 2026-07-01, before"),
        # Tuesdays fill Mondays; the 8th of July 2026 is a Wednesday.
        ("  start: 2026-07-08\n  end: 2026-07-12\n  schedule: 0 6 * * 2\n", 8, "no tick for a day from"),
        ("  end: 2026-07-12\n  schedule: 0 6 29 2 *\n  start: 2026-07-08\n", 7, "never fires"),
        ("  end: 2026-07-12\n  schedule: after new data\n", 7, "has a first or a last day"),
        ("  schedule: manual\n", 6, "A recurring campaign has no schedule"),
    ],
)
def test_a_campaign_that_would_never_run_is_refused(
    project: Project, lines: str, line: int, said: str
) -> None:
    """K30: an end before the start, and days without a tick."""
    project.write("segments/defs.yaml", SEGMENTS)
    project.write("it/defs.yaml", CAMPAIGN + lines)
    error = refused(project)
    assert said in error.cause
    assert re.search(rf"it/defs\.yaml:{line if 'manual' not in lines else 5}\b", str(error.place))


@pytest.mark.parametrize("cron", ["0 6 * * 1", "0 6 9 7 *", "0 6 * * *"])
def test_a_campaign_with_a_tick_for_one_of_its_days_is_taken(project: Project, cron: str) -> None:
    """The day is filled on the day after it: Monday fills Sunday the 12th, the 9th the 8th."""
    project.write("segments/defs.yaml", SEGMENTS)
    days = "  start: 2026-07-08\n  end: 2026-07-12\n"
    project.write("it/defs.yaml", CAMPAIGN + days + f'  schedule: "{cron}"\n')
    assert schedule(project, "campaign_spring") == (cron, "UTC")


def test_changed_clocks_are_told_in_the_schedule_and_in_the_log(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    project.write("vip/defs.yaml", SYNC + '  schedule: {when: "30 2 * * *", timezone: Europe/Berlin}\n')
    [found] = project.load().schedules or ()
    assert isinstance(found, dg.ScheduleDefinition)
    assert found.description is not None
    assert "does not exist, it runs at 03:00 (01:00 UTC)" in found.description
    assert "Clocks of Europe/Berlin change" in caplog.text
    caplog.clear()
    project.write("vip/defs.yaml", SYNC + f"  schedule: {BERLIN}\n")
    [quiet] = project.load().schedules or ()
    assert isinstance(quiet, dg.ScheduleDefinition)
    assert quiet.description == "0 6 * * * Europe/Berlin."
    assert "Clocks" not in caplog.text


def test_a_disabled_destination_starts_nothing_after_new_data(project: Project) -> None:
    """K10: the sensor stays, and skips; no asset has a condition."""
    project.write(
        "eu/defs.yaml",
        "type: braze_assets.Destination\nattributes:\n  name: eu\n  instance: EU-01\n"
        "  identifier: external_id\n  enabled: false\n",
    )
    project.write("vip/defs.yaml", SYNC + "  destination: eu\n  schedule: after new data\n")
    definitions = project.definitions(assets=[dg.AssetSpec(["customer_360", "members"])])
    [sensor] = definitions.sensors or ()
    assert isinstance(sensor, dg.SensorDefinition)
    assert sensor.name == "vip_sensor"
    said = sensor.evaluate_tick(dg.build_sensor_context(instance=dg.DagsterInstance.ephemeral()))
    assert "disabled" in str(said.skip_message)
    assert not any(spec.automation_condition for spec in definitions.resolve_all_asset_specs())


def test_different_frequencies_over_one_catalog(tmp_path: Path) -> None:
    """K37: the page's own files, with their SQL."""
    project = Project(tmp_path, str(tmp_path / "storage"))
    for block in (*blocks("sql", "schedules.md"), *blocks("yaml", "schedules.md")):
        named = re.match(r"(?:--|#) defs/(frequencies/\S+)\n", block.text)
        if named:
            project.write(named[1], block.text)
    tables = [dg.AssetSpec(["warehouse", name]) for name in ("orders", "members")]
    repository = project.definitions(assets=tables).get_repository_def()
    made = {each.name: (each.cron_schedule, each.execution_timezone) for each in repository.schedule_defs}
    assert made == {
        "weekly_value_schedule": ("0 6 * * 1", "Europe/Berlin"),
        "monthly_everyone_schedule": ("0 7 1 * *", "Europe/Berlin"),
    }
    assert [each.name for each in repository.sensor_defs] == ["daily_buyers_sensor"]

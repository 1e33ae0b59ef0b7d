"""Destinations, templates and where a setting comes from (K02-K08, K10), as YAML that a person writes."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

import dagster as dg
import pytest

from braze_assets.braze.instances import INSTANCES
from braze_assets.components import Destination
from braze_assets.errors import BrazeAssetsError
from braze_assets.resources.braze import BrazeResource
from braze_assets_tests.projects import Project

SYNC = """\
type: braze_assets.AttributeSync
attributes:
  name: vip
  table: {sql: vip.sql}
  audit_sample: 0
"""
EU = """\
type: braze_assets.Destination
attributes:
  name: eu
  instance: EU-01
  api_key_variable: BRAZE_API_KEY_EU
  identifier: external_id
"""
TEMPLATE = """\
type: braze_assets.DataTemplate
attributes:
  name: everyday
  pii: true
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path, str(tmp_path / "storage"))
    made.write("vip/vip.sql", "SELECT external_id, tier, points FROM members")
    made.write("vip/defs.yaml", SYNC)
    return made


def refused(project: Project) -> BrazeAssetsError:
    with pytest.raises(BrazeAssetsError) as error:
        project.load()
    return error.value


def loaded(project: Project) -> dg.Definitions:
    return project.definitions(assets=[dg.AssetSpec(["customer_360", "members"])])


def resource(definitions: dg.Definitions, name: str = "eu") -> BrazeResource:
    found = (definitions.resources or {})[name]
    assert isinstance(found, BrazeResource)
    return found


def test_a_destination_is_a_resource_an_asset_and_a_check(project: Project) -> None:
    """K04, K05."""
    project.write(
        "eu/defs.yaml",
        EU
        + "  description: Our European shop.\n  segment_name: Amperity VIP\n  s3_bucket: acme-drops\n"
        + "  s3_folder: /braze/in/\n  limits: {requests_per_window: 250, settling_seconds: 3}\n",
    )
    definitions = loaded(project)
    made = resource(definitions)
    assert (made.instance, made.api_key_variable, made.drop_url) == (
        "EU-01",
        "BRAZE_API_KEY_EU",
        "s3://acme-drops/braze/in",
    )
    assert (made.segment_name, made.requests_per_window, made.settling_seconds) == ("Amperity VIP", 250, 3)
    graph = definitions.resolve_asset_graph()
    key = dg.AssetKey(["destinations", "eu"])
    assert key in graph.external_asset_keys
    assert dg.AssetCheckKey(key, "connection") in graph.asset_check_keys


@pytest.mark.parametrize("instance", INSTANCES, ids=lambda each: each.name)
def test_every_instance_in_every_form(instance: Any) -> None:
    """K02: fifteen instances; id, dashboard, REST, SDK; any case, with and without a slash."""
    forms = (instance.name, instance.dashboard_url, instance.rest_url, instance.sdk_url)
    for form in [*forms, *(f"{each}/" for each in forms[1:]), *(each.lower() for each in forms)]:
        made = Destination(name="eu", instance=form).resource()
        assert made.resolved() == instance


def test_an_unknown_instance_lists_the_known_ones(project: Project) -> None:
    project.write("eu/defs.yaml", EU.replace("EU-01", "https://rest.iad-09.braze.com"))
    error = refused(project)
    assert "rest.iad-09.braze.com" in error.cause
    assert "eu/defs.yaml:4" in str(error.place)
    for instance in INSTANCES:
        assert instance.name in error.cause


@pytest.mark.parametrize(
    "line",
    [
        "api_key: planted-key-marmalade",
        "api_key_variable: planted-key-marmalade",
        "instance: planted-key-marmalade",
        "identifier: planted-key-marmalade",
        "s3_bucket: planted/key-marmalade",
    ],
)
def test_a_key_in_the_file_is_not_repeated(project: Project, line: str) -> None:
    """K01."""
    name = line.partition(":")[0]
    kept = "\n".join(each for each in EU.splitlines() if not each.startswith(f"  {name}:"))
    project.write("eu/defs.yaml", f"{kept}\n  {line}\n")
    error = refused(project)
    assert name in error.cause
    assert "eu/defs.yaml" in str(error.place)
    text = "".join(
        map(str, (error, error.__cause__, error.__context__ if not error.__suppress_context__ else ""))
    )
    assert "marmalade" not in text


@pytest.mark.parametrize("name", ["api_key", "api_key_variable", "instance", "identifier"])
def test_dagsters_own_loader_does_not_repeat_it_either(
    project: Project, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """K01: other projects load the component without this one's care for messages."""
    kept = "\n".join(each for each in EU.splitlines() if not each.startswith(f"  {name}:"))
    project.write("eu/defs.yaml", f"{kept}\n  {name}: planted-key-marmalade\n")
    module = ModuleType("somebody_elses_defs")
    module.__file__ = str(project.folder / "__init__.py")
    module.__path__ = [str(project.folder)]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with pytest.raises(Exception, match="Error while loading component eu") as caught:
        dg.ComponentTree.from_module(module, project.folder.parent).build_defs()
    text = "".join(traceback.format_exception(caught.value))
    assert name in text
    assert "marmalade" not in text


def test_a_destination_named_twice_says_where(project: Project) -> None:
    project.write("eu/defs.yaml", EU)
    project.write("also/defs.yaml", EU.replace("name: eu", "name: EU"))
    error = refused(project)
    assert "taken" in error.cause
    assert "eu/defs.yaml" in str(error.place) or "also/defs.yaml" in str(error.place)


@pytest.mark.parametrize("name", ["braze", "storage", "io_manager"])
def test_the_names_of_the_deployments_resources_are_taken(project: Project, name: str) -> None:
    project.write("eu/defs.yaml", EU.replace("name: eu", f"name: {name}"))
    error = refused(project)
    assert name in error.cause
    assert "eu/defs.yaml:3" in str(error.place)


def test_an_unknown_destination_says_where_and_what_is_near(project: Project) -> None:
    project.write("europe/defs.yaml", EU.replace("name: eu", "name: europe"))
    project.write("vip/defs.yaml", SYNC + "  destination: eurpe\n")
    error = refused(project)
    assert "'eurpe' is unknown" in error.cause
    assert "vip/defs.yaml:6" in str(error.place)
    assert "Did you mean europe?" in str(error.remedy)
    project.write("vip/defs.yaml", SYNC + "  destination: brase\n")
    assert "Did you mean braze?" in str(refused(project).remedy)


def test_an_unknown_template_says_where_and_what_is_near(project: Project) -> None:
    project.write("everyday/defs.yaml", TEMPLATE)
    project.write("vip/defs.yaml", SYNC + "  template: everday\n")
    error = refused(project)
    assert "template 'everday'" in error.cause
    assert "vip/defs.yaml:6" in str(error.place)
    assert "Did you mean everyday?" in str(error.remedy)


def test_a_destination_listed_twice_is_refused(project: Project) -> None:
    project.write("eu/defs.yaml", EU)
    project.write("vip/defs.yaml", SYNC + "  destination: [eu, eu]\n")
    error = refused(project)
    assert "'eu' twice" in error.cause
    assert "vip/defs.yaml:6" in str(error.place)


def test_a_folder_without_a_bucket(project: Project) -> None:
    project.write("eu/defs.yaml", EU + "  s3_folder: drops\n")
    error = refused(project)
    assert "s3_folder" in error.cause
    assert "eu/defs.yaml:7" in str(error.place)


def test_a_wrong_setting_below_another_is_named(project: Project) -> None:
    project.write("eu/defs.yaml", EU + "  defaults: {nul_policy: unset}\n")
    error = refused(project)
    assert "defaults.nul_policy" in error.cause
    assert "eu/defs.yaml:7" in str(error.place)
    project.write("eu/defs.yaml", EU + "  limits: {requests_per_windo: 1}\n")
    error = refused(project)
    assert "limits.requests_per_windo" in error.cause
    assert "requests_per_window" in str(error.remedy)


@pytest.mark.parametrize(
    ("setting", "cause"),
    [
        ("limits: many", "'limits' is wrong: a group of settings is expected"),
        (
            "limits: {requests_per_window: many}",
            "'limits.requests_per_window' is wrong: a number",
        ),
        (
            "defaults: {guards: {min_users: few}}",
            "'defaults.guards.min_users' is wrong: a number",
        ),
    ],
)
def test_a_text_where_none_belongs_is_named(project: Project, setting: str, cause: str) -> None:
    project.write("eu/defs.yaml", EU + f"  {setting}\n")
    error = refused(project)
    assert cause in error.cause
    assert "eu/defs.yaml:7" in str(error.place)


def test_no_further_than_the_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox stays one, whatever a destination says."""
    monkeypatch.setenv("BRAZE_ASSETS_DEPLOYMENT", "staging")
    assert Destination(name="eu", most="live").resource().most == "test"
    monkeypatch.setenv("BRAZE_ASSETS_DEPLOYMENT", "production")
    assert Destination(name="eu", most="preview").resource().most == "preview"


def test_a_sync_of_events_has_a_destination_too(project: Project) -> None:
    """K08; its settings come from there as well."""
    project.write("vip/defs.yaml", EVENTS % "eurpe")
    project.write("europe/defs.yaml", EU.replace("name: eu", "name: europe") + "  enabled: false\n")
    assert "Did you mean europe?" in str(refused(project).remedy)
    project.write("vip/defs.yaml", EVENTS % "europe")
    schedule = loaded(project).resolve_schedule_def("orders_schedule")
    tick = schedule.evaluate_tick(
        dg.build_schedule_context(repository_def=loaded(project).get_repository_def())
    )
    assert "destination europe is disabled" in str(tick.skip_message)


EVENTS = """\
type: braze_assets.EventSync
attributes:
  name: orders
  table: {sql: vip.sql}
  destination: %s
  event_name: order
  schedule: "0 3 * * *"
"""

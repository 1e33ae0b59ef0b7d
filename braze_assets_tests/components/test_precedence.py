"""Where a setting comes from: destination < template < sync (K07), and one table for several destinations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from braze_assets.assets.syncs import SyncDefinition
from braze_assets.components import AttributeSync
from braze_assets.components import attribute_sync as module
from braze_assets.errors import BrazeAssetsError
from braze_assets_tests.components.test_destinations import EU, SYNC, TEMPLATE, loaded, refused
from braze_assets_tests.projects import Project

US = EU.replace("name: eu", "name: us").replace("EU-01", "US-03").replace("_EU", "_US")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path, str(tmp_path / "storage"))
    made.write("vip/vip.sql", "SELECT external_id, tier, points FROM members")
    made.write("vip/defs.yaml", SYNC)
    return made


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[SyncDefinition]:
    """The definitions that syncs are built from, as they are loaded."""
    seen: list[SyncDefinition] = []
    build = module.build_sync

    def watched(*syncs: SyncDefinition) -> dg.Definitions:
        seen.extend(syncs)
        return build(*syncs)

    monkeypatch.setattr(module, "build_sync", watched)
    return seen


def test_the_sync_over_the_template_over_the_destination(
    project: Project, built: list[SyncDefinition]
) -> None:
    """K07; a default that is written down counts as said."""
    project.write(
        "eu/defs.yaml",
        EU.replace("external_id", "braze_id")
        + "  defaults: {null_policy: unset, removed_rows: unset, test_users: 3, mode: live, "
        "guards: {min_users: 7, data_point_budget: 10}, group: from_destination}\n",
    )
    project.write(
        "everyday/defs.yaml",
        TEMPLATE
        + "  destination: eu\n  removed_rows: keep\n  test_users: 5\n  mode: test\n"
        + "  guards: {data_point_budget: 20, allow_shadow: [x]}\n  owners: [team:crm]\n",
    )
    project.write(
        "vip/defs.yaml",
        SYNC + "  template: everyday\n  test_users: 9\n  mode: preview\n  guards: {allow_shadow: [y]}\n",
    )
    project.write("vip/vip.sql", "SELECT braze_id, tier FROM members")
    loaded(project)
    [sync] = built
    assert (sync.destination, sync.rows.identifier, sync.rows.null_policy) == ("eu", "braze_id", "unset")
    assert (sync.plan.removed_rows, sync.test_users, sync.mode) == ("keep", 9, "preview")
    assert (sync.plan.guards.min_users, sync.plan.guards.data_point_budget) == (7, 20)
    assert (sync.plan.guards.allow_shadow, sync.owners, sync.group) == (
        ["y"],
        ["team:crm"],
        "from_destination",
    )
    assert (sync.plan.update_existing_only, sync.audit_sample) == (True, 0)


@pytest.mark.parametrize("places", range(8))
def test_every_combination(project: Project, built: list[SyncDefinition], places: int) -> None:
    """K07: each of the three says something or nothing."""
    of_destination, of_template, of_sync = (bool(places & bit) for bit in (1, 2, 4))
    project.write("eu/defs.yaml", EU + ("  defaults: {test_users: 1}\n" if of_destination else ""))
    project.write("everyday/defs.yaml", TEMPLATE + ("  test_users: 2\n" if of_template else ""))
    more = "  destination: eu\n  template: everyday\n" + ("  test_users: 3\n" if of_sync else "")
    project.write("vip/defs.yaml", SYNC + more)
    loaded(project)
    assert built[0].test_users == (3 if of_sync else 2 if of_template else 1 if of_destination else 10)


def test_what_is_said_nowhere_names_the_three_places(project: Project) -> None:
    """K07."""
    project.write("eu/defs.yaml", EU.replace("  identifier: external_id\n", ""))
    project.write("everyday/defs.yaml", TEMPLATE)
    project.write("vip/defs.yaml", SYNC + "  destination: eu\n  template: everyday\n")
    error = refused(project)
    assert "'identifier' of vip is made nowhere" in error.cause
    assert "vip/defs.yaml:3" in str(error.place)
    for place in ("the destination eu", "the template everyday", "the sync vip"):
        assert place in str(error.remedy)
    for file, text in (("everyday", TEMPLATE), ("vip", SYNC + "  destination: eu\n  template: everyday\n")):
        project.write(f"{file}/defs.yaml", text + "  identifier: external_id\n")
        loaded(project)
        project.write(f"{file}/defs.yaml", text)


@pytest.mark.parametrize(
    ("column", "named"),
    [("email", "email"), ("surname", "surname"), ("'x' AS zip_code", "zip_code"), ("dob", "dob")],
)
def test_a_template_without_personal_data(project: Project, column: str, named: str) -> None:
    """K07: refused when the project loads, with file and line."""
    project.write("everyday/defs.yaml", TEMPLATE.replace("pii: true", "pii: false"))
    project.write("vip/defs.yaml", SYNC + "  template: everyday\n")
    loaded(project)
    project.write("vip/vip.sql", f"SELECT external_id,\n  tier,\n  {column}\nFROM members")
    error = refused(project)
    assert f"{named} is personal data, which the template everyday does not allow" in error.cause
    assert "vip/vip.sql:3" in str(error.place)


def test_a_template_must_say_whether_personal_data_may_go(project: Project) -> None:
    project.write("everyday/defs.yaml", TEMPLATE.replace("  pii: true\n", ""))
    error = refused(project)
    assert "'pii' is missing" in error.cause
    assert "everyday/defs.yaml" in str(error.place)


def test_one_table_for_several_destinations(project: Project, built: list[SyncDefinition]) -> None:
    """K16: a plan, a send, an audit and a ledger each; the table once."""
    project.write("eu/defs.yaml", EU + "  defaults: {mode: live, audit_sample: 5}\n")
    project.write("us/defs.yaml", US + "  defaults: {mode: test, update_existing_only: false}\n")
    project.write("vip/defs.yaml", SYNC.replace("  audit_sample: 0\n", "") + "  destination: [eu, us]\n")
    definitions = loaded(project)
    keys = {key.to_user_string() for key in definitions.resolve_all_asset_keys()}
    parts = {f"vip_{each}_{part}" for each in ("eu", "us") for part in ("delta", "sync", "audit")}
    assert keys >= {"vip", "vip_findings", *parts}
    assert not keys & {"vip_delta", "vip_sync", "vip_audit"}
    assert [(each.name, each.mode, each.plan.update_existing_only) for each in built] == [
        ("vip_eu", "live", True),
        ("vip_us", "test", False),
    ]
    assert {each.name for each in definitions.resolve_all_job_defs()} >= {
        "vip_job",
        "vip_eu_ledger",
        "vip_us_ledger",
    }


def test_several_destinations_want_one_table(project: Project) -> None:
    project.write("eu/defs.yaml", EU)
    project.write("us/defs.yaml", US + "  defaults: {null_policy: unset}\n")
    project.write("vip/defs.yaml", SYNC + "  destination: [eu, us]\n")
    error = refused(project)
    assert "differ in 'null_policy'" in error.cause
    assert "vip/defs.yaml:6" in str(error.place)


def test_a_sync_without_components_is_as_before(project: Project, built: list[SyncDefinition]) -> None:
    loaded(project)
    [sync] = built
    assert (sync.name, sync.destination, sync.target) == ("vip", "braze", "")
    made = AttributeSync.resolve_from_yaml("name: vip\ntable: {sql: vip.sql}\naudit_sample: 0")
    assert made.definition(project.folder / "vip") == sync


def test_errors_are_ours(project: Project) -> None:
    project.write("vip/defs.yaml", SYNC + "  destination: {eu: us}\n")
    error: Any = refused(project)
    assert isinstance(error, BrazeAssetsError)
    assert "destination" in error.cause
    assert "vip/defs.yaml:6" in str(error.place)

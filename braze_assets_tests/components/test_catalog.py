"""The attribute catalog (K03, K10, K15): names, types, buckets and owners for all syncs of a project."""

from __future__ import annotations

from pathlib import Path

import pytest

from braze_assets.assets.syncs import SyncDefinition
from braze_assets_tests.components.test_destinations import EU, SYNC, TEMPLATE, loaded, refused
from braze_assets_tests.components.test_precedence import built
from braze_assets_tests.projects import Project

__all__ = ["built"]

CATALOG = """\
type: braze_assets.AttributeCatalog
attributes:
  attributes:
    tier: {name: Loyalty Tier, null_policy: unset, description: Current tier, owners: [team:loyalty]}
    points: {type: "Decimal(9,2)", pii: true}
    elsewhere: {description: No table here has it.}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path, str(tmp_path / "storage"))
    made.write("vip/vip.sql", "SELECT external_id, tier, points FROM members")
    made.write("vip/defs.yaml", SYNC)
    made.write("catalog/defs.yaml", CATALOG)
    return made


def test_the_catalog_under_the_sync(project: Project, built: list[SyncDefinition]) -> None:
    """K03: setting by setting, whether the sync speaks of the column or of its name in Braze."""
    for spoken in ("tier", "Loyalty Tier"):
        project.write("vip/defs.yaml", SYNC + f"  attributes: {{{spoken}: {{description: Mine}}}}\n")
        loaded(project)
        rows = built[-1].rows
        assert rows.names == {"tier": "Loyalty Tier"}
        assert rows.settings("Loyalty Tier").description == "Mine"
        assert rows.settings("Loyalty Tier").null_policy == "unset"
        assert str(rows.settings("points").cast) == "Decimal(9,2)"
        assert set(built[-1].lineage) == {"external_id", "Loyalty Tier", "points"}


@pytest.mark.parametrize(
    ("of_catalog", "of_sync", "policy"),
    [
        ("", "", "block"),
        ("  new_attributes: warn\n", "", "warn"),
        ("  new_attributes: allow\n", "  guards: {new_attributes: block}\n", "block"),
    ],
)
def test_the_policy_of_new_names(
    project: Project, built: list[SyncDefinition], of_catalog: str, of_sync: str, policy: str
) -> None:
    """K10."""
    project.write("catalog/defs.yaml", CATALOG + of_catalog)
    project.write("vip/defs.yaml", SYNC + of_sync)
    loaded(project)
    guards = built[0].plan.guards
    assert guards.new_attributes == policy
    assert set(guards.known_attributes) == {"Loyalty Tier", "points", "elsewhere"}


def test_without_a_catalog_new_names_are_warned_of(project: Project, built: list[SyncDefinition]) -> None:
    (project.folder / "catalog/defs.yaml").unlink()
    loaded(project)
    assert built[0].plan.guards.new_attributes == "warn"


def test_a_catalog_of_one_destination(project: Project, built: list[SyncDefinition]) -> None:
    project.write("eu/defs.yaml", EU)
    project.write("catalog/defs.yaml", CATALOG + "  destinations: [eu]\n")
    loaded(project)
    assert not built[-1].rows.names
    project.write("vip/defs.yaml", SYNC + "  destination: eu\n")
    loaded(project)
    assert built[-1].rows.names


def test_personal_data_by_the_catalogs_word(project: Project) -> None:
    """K07: `points` is said to be."""
    project.write("none/defs.yaml", TEMPLATE.replace("pii: true", "pii: false"))
    project.write("vip/defs.yaml", SYNC + "  template: everyday\n")
    error = refused(project)
    assert "points is personal data" in error.cause
    assert "vip/vip.sql:1" in str(error.place)


@pytest.mark.parametrize(
    ("line", "number", "cause", "remedy"),
    [
        ("emial: {kind: profile}", 4, "emial is no profile field", "Did you mean email?"),
        ("email: {kind: custom}", 4, "email is a profile field", "kind: profile"),
        ("email: {type: String}", 4, "has the type Braze gives it", "Take it out"),
        ("tier: {type: Colour}", 4, "Colour", "CAST"),
        ("tier: {bucket: {round_to: 5, at_least: 3}}", 4, "exactly one way", "below"),
        ("tier: {buckt: {}}", 4, "attributes.tier.buckt", "bucket"),
        ("tier: {bucket: {belw: {}}}", 4, "belw", ""),
        ("tier: {name: x}\n    points: {name: x}", 5, "Two columns", "another name"),
    ],
)
def test_what_is_wrong_says_where(project: Project, line: str, number: int, cause: str, remedy: str) -> None:
    project.write("catalog/defs.yaml", f"{CATALOG[: CATALOG.index('    tier')]}    {line}\n")
    error = refused(project)
    assert cause in error.cause
    assert f"catalog/defs.yaml:{number}" in str(error.place)
    assert remedy in str(error.remedy)


def test_an_unknown_destination_of_a_catalog(project: Project) -> None:
    project.write("europe/defs.yaml", EU.replace("name: eu", "name: europe"))
    project.write("catalog/defs.yaml", CATALOG + "  destinations: [eurpe]\n")
    error = refused(project)
    assert "'eurpe' is unknown" in error.cause
    assert "catalog/defs.yaml:7" in str(error.place)
    assert "Did you mean europe?" in str(error.remedy)


def test_two_catalogs_of_one_attribute(project: Project) -> None:
    project.write(
        "other/defs.yaml", CATALOG.replace("attributes:\n  attr", "attributes:\n  name: other\n  attr")
    )
    error = refused(project)
    assert "Two catalogs speak of the attribute" in error.cause
    assert "catalog/defs.yaml" in str(error.place)
    assert "other/defs.yaml" in str(error.place)

"""A wrong file says where it is wrong and what was expected (BAD INPUT)."""

import re
from pathlib import Path

import dagster as dg
import pytest

from braze_assets.errors import BrazeAssetsError, ConfigurationError, QueryError
from braze_assets_tests.projects import Project

GOOD = """\
type: braze_assets.AttributeSync
attributes:
  name: vip
  table:
    sql: vip.sql
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path, str(tmp_path / "storage"))
    made.write("vip/vip.sql", "SELECT external_id, tier FROM members")
    return made


def refused(project: Project, yaml: str) -> BrazeAssetsError:
    project.write("vip/defs.yaml", yaml)
    with pytest.raises(BrazeAssetsError) as error:
        project.load()
    return error.value


def test_a_right_one_loads(project: Project) -> None:
    project.write("vip/defs.yaml", GOOD)
    members = dg.AssetSpec(["customer_360", "members"])
    keys = {key.to_user_string() for key in project.definitions(assets=[members]).resolve_all_asset_keys()}
    assert {"vip", "vip_findings", "vip_delta", "vip_sync", "vip_audit"} <= keys


def test_a_table_that_is_not_there_is_named(project: Project) -> None:
    project.write("vip/defs.yaml", GOOD)
    with pytest.raises(ConfigurationError, match="vip reads the table members, which is not there") as error:
        project.definitions(assets=[dg.AssetSpec(["customer_360", "member"])])
    assert "Did you mean member?" in str(error.value.remedy)
    assert re.search(r"vip/vip.sql:1$", str(error.value.place))


def test_a_setting_of_no_column_is_named(project: Project) -> None:
    error = refused(project, GOOD + "  attributes:\n    teir: {description: Current}\n")
    assert "'teir', which is no column of the query" in error.cause
    assert re.search(r"vip/defs.yaml:7$", str(error.place))
    assert "Did you mean 'tier'?" in str(error.remedy)


def test_a_setting_behind_a_star_is_not_judged(project: Project) -> None:
    project.write("vip/vip.sql", "SELECT * FROM members")
    project.write("vip/defs.yaml", GOOD + "  attributes:\n    teir: {description: Current}\n")
    assert project.load() is not None


@pytest.mark.parametrize(
    ("line", "number", "cause", "remedy"),
    [
        ("  identifer: braze_id\n", 6, "'identifer' is unknown", "Did you mean 'identifier'?"),
        (
            "  guards:\n    max_share_change: 0.1\n",
            7,
            "'guards.max_share_change' is unknown",
            "max_share_changed",
        ),
        ("  mode: alive\n", 6, "'mode' is wrong", "docs/configuration.md"),
        ("  test_users: 0\n", 6, "'test_users' is wrong", "docs/configuration.md"),
        (
            "  guards:\n    max_share_changed: 2\n",
            7,
            "'guards.max_share_changed' is wrong",
            "docs/configuration.md",
        ),
        ("  partitions:\n    start: yesterday\n", 7, "'partitions.start' is wrong", "docs/configuration.md"),
    ],
)
def test_a_wrong_setting_is_named_with_file_and_line(
    project: Project, line: str, number: int, cause: str, remedy: str
) -> None:
    error = refused(project, GOOD + line)
    assert isinstance(error, ConfigurationError)
    assert cause in error.cause
    assert f"vip/defs.yaml:{number}" in str(error.place)
    assert remedy in str(error.remedy)


def test_a_missing_setting_is_named(project: Project) -> None:
    error = refused(project, GOOD.replace("  name: vip\n", ""))
    assert "'name' is missing" in error.cause
    assert "vip/defs.yaml" in str(error.place)


def test_a_table_has_one_origin(project: Project) -> None:
    error = refused(project, GOOD + "    url: vip.csv\n")
    assert "either `sql`" in error.cause
    assert "vip/defs.yaml" in str(error.place)


def test_a_name_must_fit_an_asset(project: Project) -> None:
    error = refused(project, GOOD.replace("name: vip", "name: our vips"))
    assert "'name' is wrong" in error.cause


def test_yaml_that_does_not_parse_is_named(project: Project) -> None:
    error = refused(project, GOOD + "  mode: [live\n")
    assert "vip/defs.yaml" in str(error.place)


def test_an_unknown_component_is_named(project: Project) -> None:
    error = refused(project, GOOD.replace("AttributeSync", "AtributeSync"))
    assert "AtributeSync" in error.cause
    assert "vip/defs.yaml" in str(error.place)
    assert "AttributeSync" in str(error.remedy)


@pytest.mark.parametrize(
    ("sql", "cause", "place"),
    [
        ("SELECT external_id, tier FRM members", "does not parse", "vip.sql:1"),
        ("SELECT\n  tier\nFROM members", "external_id", "vip.sql"),
        ("SELECT external_id, tier AS Tier, 1 AS tier FROM members", "tier", "vip.sql"),
        ("DELETE FROM members", "one SELECT", "vip.sql"),
        ("SELECT external_id, a FROM members WHERE day < $today", "$today is unknown", "vip.sql:1"),
    ],
)
def test_wrong_sql_is_named_with_file_and_line(project: Project, sql: str, cause: str, place: str) -> None:
    project.write("vip/vip.sql", sql)
    error = refused(project, GOOD)
    assert isinstance(error, QueryError)
    assert cause in error.cause
    assert place in str(error.place)
    assert error.remedy


def test_a_missing_sql_file_is_named(project: Project) -> None:
    (project.folder / "vip/vip.sql").rename(project.folder / "vip/vips.sql")
    error = refused(project, GOOD)
    assert "The SQL file vip.sql is not there" in error.cause
    assert re.search(r"vip/defs.yaml:\d+$", str(error.place))
    assert "Did you mean vips.sql?" in str(error.remedy)


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("  schedule: every day\n", "every day"),
        ("  owners: [somebody]\n", "somebody"),
        ("  partitions: {cadence: none}\n  schedule: after each partition\n", "no partitions"),
        ("  attributes: {tier: {type: Colour}}\n", "Colour"),
    ],
)
def test_what_dagster_would_refuse_is_named_too(project: Project, line: str, cause: str) -> None:
    error = refused(project, GOOD + line)
    assert isinstance(error, ConfigurationError)
    assert cause in error.cause
    assert error.place
    assert error.remedy

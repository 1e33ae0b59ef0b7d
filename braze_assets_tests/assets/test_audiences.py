"""Audiences from YAML to Braze (K17, K33, K34, K37)."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from braze_assets.commands.main import main
from braze_assets.errors import ConfigurationError
from braze_assets_tests.assets.town import D1, D2, D3, Town
from braze_assets_tests.projects import failure

AUDIENCES = """\
type: braze_assets.Audiences
attributes:
  name: who
  identifier: external_id
  mode: live
  attribute_name: "in_{audience}"
  audiences:
    - segment: lapsing
    - {segment: vip, exclude: [employees]}
"""
PARTS = ["who", "who_delta", "who_sync"]


@pytest.fixture
def told(town: Town) -> Town:
    """Two audiences: 0 to 4 lapse, 3 to 7 are important, 7 is an employee."""
    town.project.write("who/defs.yaml", AUDIENCES)
    for day in (D1, D2, D3):
        town.put("lapsing", day, range(5))
        town.put("vip", day, range(3, 8))
        town.put("employees", day, [7])
    return town


def command(town: Town, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    monkeypatch.setenv("BRAZE_ASSETS_STORAGE", town.project.storage)
    return CliRunner().invoke(main, ["audiences", *arguments])


def test_who_enters_is_set_and_who_leaves_is_unset(told: Town) -> None:
    """K17, K33: entered, left, back."""
    assert told.run(PARTS, D1).success
    assert told.held(0) == {"in_lapsing": True}
    assert told.held(4) == {"in_lapsing": True, "in_vip": True}
    assert told.held(7) == {}
    told.put("vip", D2, range(4, 9))
    told.put("lapsing", D2, range(1, 5))
    assert told.run(PARTS, D2).success
    assert told.held(0) == {}
    assert told.held(3) == {"in_lapsing": True}
    assert told.held(8) == {"in_vip": True}
    assert told.objects == 7 + 3
    assert told.run(PARTS, D3).success
    assert told.held(0) == {"in_lapsing": True}
    assert told.held(8) == {}


def test_one_array_attribute_instead(told: Town) -> None:
    """K33: the array form."""
    told.project.write("who/defs.yaml", AUDIENCES + "  array: audiences\n")
    assert told.run(PARTS, D1).success
    assert told.held(0) == {"audiences": ["lapsing"]}
    assert sorted(told.held(4)["audiences"]) == ["lapsing", "vip"]
    told.put("lapsing", D2, range(1, 4))
    assert told.run(PARTS, D2).success
    assert told.held(0) == {}
    assert told.held(4) == {"audiences": ["vip"]}
    told.put("lapsing", D3, [])
    refused = told.run(PARTS, D3)
    assert "`lapsing` (3 members before)" in failure(refused, "who_sync")


def test_each_audience_is_asked_whether_it_became_empty(told: Town) -> None:
    """K33: one of two is empty; nothing is sent."""
    assert told.run(PARTS, D1).success
    before = told.objects
    told.put("vip", D2, [])
    assert "`vip` (4 members before)" in failure(told.run(PARTS, D2), "who_sync")
    assert told.objects == before


def test_a_retired_audience_loses_its_members_first(told: Town) -> None:
    """K34: whatever the guards of shares say of many."""
    told.project.write("who/defs.yaml", AUDIENCES + "  guards: {min_users: 0, max_share_changed: 0.1}\n")
    assert told.run(PARTS, D1).success
    retired = AUDIENCES.replace("{segment: vip, exclude: [employees]}", "{segment: vip, retired: true}")
    told.project.write(
        "who/defs.yaml",
        retired + "  guards: {min_users: 0, max_share_changed: 0.1, max_share_removed: 0.1}\n",
    )
    assert told.run(PARTS, D2).success
    assert [told.held(n) for n in range(3, 7)] == [{"in_lapsing": True}] * 2 + [{}] * 2
    gone = "\n".join(line for line in AUDIENCES.splitlines() if "vip" not in line) + "\n"
    told.project.write("who/defs.yaml", gone)
    result = told.run(PARTS, D3)
    assert result.success
    [check] = [e for e in result.get_asset_check_evaluations() if e.check_name == "orphaned_audiences"]
    assert check.passed


def test_an_orphan_is_reported_and_retired_by_the_command(
    told: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """K34: its line was deleted; nothing happens in Braze until somebody says so."""
    assert told.run(PARTS, D1).success
    gone = "\n".join(line for line in AUDIENCES.splitlines() if "vip" not in line) + "\n"
    told.project.write("who/defs.yaml", gone)
    result = told.run(PARTS, D2)
    assert result.success
    [check] = [e for e in result.get_asset_check_evaluations() if e.check_name == "orphaned_audiences"]
    assert not check.passed
    assert "in_vip (4 users)" in str(check.description)
    assert "braze-assets audiences retire who in_vip" in str(check.description)
    assert [told.held(n).get("in_vip") for n in (3, 4, 5, 6)] == [True] * 4

    shown = command(told, monkeypatch, "retire", "who", "in_vip")
    assert shown.exit_code == 0, shown.output
    assert "Nothing was changed" in shown.output
    code = shown.output.split("--confirm ")[1].split()[0]
    done = command(told, monkeypatch, "retire", "who", "in_vip", "--confirm", code)
    assert "Done." in done.output, done.output
    result = told.run(PARTS, D3)
    assert result.success
    assert [told.held(n) for n in (3, 6)] == [{"in_lapsing": True}, {}]
    [check] = [e for e in result.get_asset_check_evaluations() if e.check_name == "orphaned_audiences"]
    assert check.passed
    assert "There is nothing to do" in command(told, monkeypatch, "retire", "who", "in_vip").output
    unknown = command(told, monkeypatch, "retire", "who", "in_nothing")
    assert "has no attribute in_nothing" in unknown.output


SYNC = """\
type: braze_assets.AttributeSync
attributes:
  name: other
  table: {sql: other.sql}
"""


def overlapping(town: Town, sql: str, more: str = "") -> Path:
    town.project.write("other/other.sql", sql)
    return town.project.write("other/defs.yaml", SYNC + more)


def test_two_syncs_that_write_one_attribute_are_refused(told: Town) -> None:
    """K37: with the place of both."""
    overlapping(told, "SELECT external_id,\n  true AS in_vip FROM merged_customers")
    with pytest.raises(ConfigurationError, match="Two syncs write the attribute in_vip") as error:
        told.project.load()
    assert "other/other.sql:2" in str(error.value.place)
    assert "who/defs.yaml:3" in str(error.value.place)
    assert "owns: [in_vip]" in str(error.value.remedy)


@pytest.mark.parametrize("owner", ["other", "who"])
def test_the_owner_of_an_attribute_sends_it_alone(told: Town, owner: str) -> None:
    """K37: whichever of the two is loaded first."""
    own = "  owns: [in_vip]\n"
    overlapping(
        told,
        "SELECT external_id, true AS in_vip, 1 AS x FROM merged_customers",
        own if owner == "other" else "",
    )
    told.project.write("who/defs.yaml", AUDIENCES + (own if owner == "who" else ""))
    result = told.run([*PARTS, "other", "other_delta"], D1)
    assert result.success
    assert ("in_vip" in told.table("other", D1)[0]) == (owner == "other")
    assert ("in_vip" in told.table("who", D1)[0]) == (owner == "who")


def test_behind_a_star_the_plan_is_held_back(told: Town) -> None:
    """K37: the columns are not known before the query ran."""
    overlapping(told, "SELECT * FROM (SELECT external_id, true AS in_vip FROM merged_customers)")
    result = told.run(["other", "other_delta"], D1)
    [check] = [e for e in result.get_asset_check_evaluations() if e.check_name == "overlap"]
    assert not check.passed
    assert "`in_vip` (by who)" in str(check.description)


@pytest.mark.parametrize(
    ("old", "new", "cause", "line"),
    [
        ("segment: lapsing", "segment: lapsin", "'lapsin'", 8),
        ("exclude: [employees]", "exclude: [employes]", "'employes'", 9),
        ("exclude: [employees]", "exclude: [vip]", "'vip' is included and excluded", 9),
        ("segment: lapsing", "segment: vip", "called 'vip'", 9),
        ('"in_{audience}"', '"in_all"', "write one attribute", 6),
        ("segment: lapsing", "segmnt: lapsing", "segmnt", 8),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(
    town: Town, old: str, new: str, cause: str, line: int
) -> None:
    """BAD INPUT."""
    town.project.write("who/defs.yaml", AUDIENCES.replace(old, new))
    with pytest.raises(ConfigurationError) as error:
        town.project.load()
    assert cause in error.value.cause
    assert "who/defs.yaml" in str(error.value.place)

"""A sync delivered as CSV, by real runs: into a drop that imports it, and as files to be imported by hand."""

from pathlib import Path

import dagster as dg
import pytest

from braze_assets.emulator.process import LocalBraze
from braze_assets.errors import BrazeAssetsError
from braze_assets_tests.assets.drop import ANYWHERE, Drop
from braze_assets_tests.projects import Project, failure, metadata

PARTS = ["vip", "vip_delta", "vip_csv"]
CSV = 'external_id,tier,points,code,tags\nu1,gold,7,0123,"a,b"\nu2,"l1\nl2",-1.50,true,\nu3,,,,c\n'
SQL = """\
SELECT external_id, tier, TRY_CAST(points AS DECIMAL(9,2)) AS points, code, string_split(tags, ',') AS tags
FROM people
"""
YAML = """\
type: braze_assets.AttributeSync
attributes:
  name: vip
  table: {sql: vip.sql}
  sources: {people: {url: people.csv}}
  partitions: {cadence: none}
  guards: {min_users: 100}
"""


def vip(project: Project, *lines: str) -> None:
    project.write("vip/defs.yaml", YAML + "".join(f"  {line}\n" for line in lines))
    project.write("vip/vip.sql", SQL)
    (project.folder / "vip" / "people.csv").write_text(CSV)


@ANYWHERE
def test_what_is_delivered_by_a_drop_is_what_requests_deliver(drop: Drop) -> None:
    """L03, L16: the profiles are those of the same sync with `delivery: api`."""
    drop.braze.control.seed([{"external_id": f"u{n}", "attributes": {}} for n in (1, 2, 3)])
    drop.settings("casts: {code: string}\ndelta: true")
    vip(drop.project, "mode: live", "delivery: csv_drop", "csv_drop: loyalty")
    result = drop.project.run(PARTS, instance=drop.instance)
    assert result.success
    facts = metadata(result, "vip_csv")
    assert (facts["rows"], facts["left_out"]) == (3, "The files carry every value of the plan.")
    assert "code: string" in facts["casts"]
    drop._definitions = None
    imported = drop.imports()
    assert [each.success for each in imported] == [True]
    held = {user: drop.held(user) for user in ("u1", "u2", "u3")}

    vip(drop.project, "mode: live", "audit_sample: 0")
    assert drop.project.run(["vip", "vip_delta", "vip_sync"]).success
    drop.braze.control.wait_until_applied()
    assert held == {user: drop.held(user) for user in held}
    assert held["u1"] == {"tier": "gold", "points": 7.0, "code": "0123", "tags": ["a", "b"]}


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_a_preview_writes_nothing_into_a_drop_and_a_test_few_users(drop: Drop) -> None:
    """K23: what lies in the folder would be sent."""
    vip(drop.project, "delivery: csv_drop", "csv_drop: loyalty")
    preview = drop.project.run(PARTS)
    assert preview.success
    assert "Preview: 3 rows would be written" in metadata(preview, "vip_csv")["summary"]
    assert drop.names() == []
    vip(drop.project, "mode: test", "test_users: 2", "delivery: csv_drop", "csv_drop: loyalty")
    assert metadata(drop.project.run(PARTS), "vip_csv")["rows"] == 2
    [name] = drop.names()
    assert name.startswith("vip-")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, str(tmp_path / "storage"))


def test_a_download_says_what_it_lacks_and_how_to_import_it(project: Project) -> None:
    """L16, L17: no arrays; default and custom columns, a name, the steps."""
    vip(project, "delivery: csv_download")
    result = project.run(PARTS)
    assert result.success
    facts = metadata(result, "vip_csv")
    [file] = list(Path(project.storage, "csv").rglob("*.csv"))
    assert file.read_text() == 'external_id,tier,points,code\nu1,gold,7.00,0123\nu2,"l1\nl2",-1.50,true\n'
    assert (facts["rows"], facts["objects_without_a_value"]) == (2, 1)
    assert "| tags | array | 2 |" in facts["left_out"]
    assert str(file) in facts["files"]
    steps = facts["how_to_import"]
    assert "Name the import `vip" in steps
    assert "Custom attributes: `tier`, `points`, `code`" in steps
    assert "Texts that look like numbers or true and false: `code`" in steps
    [check] = [
        each for each in result.get_asset_check_evaluations() if each.check_name == "everything_carried"
    ]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    # Nothing was acknowledged: the next file has it all again, and only that file is there.
    again = project.run(PARTS)
    assert metadata(again, "vip_csv")["rows"] == 2
    assert len(list(Path(project.storage, "csv").rglob("*.csv"))) == 1


def test_large_downloads_are_several_files(project: Project) -> None:
    """L16: split at a number of bytes, each with the header."""
    vip(project, "delivery: csv_download", "csv_file_bytes: 1000")
    lines = "".join(f"u{n},{'x' * 200},1,a,\n" for n in range(20))
    (project.folder / "vip" / "people.csv").write_text("external_id,tier,points,code,tags\n" + lines)
    result = project.run(PARTS)
    files = sorted(Path(project.storage, "csv").rglob("*.csv"))
    assert len(files) == 5
    assert all(file.stat().st_size <= 1000 for file in files)
    assert all(file.read_text().startswith("external_id,tier,points,code\n") for file in files)
    assert metadata(result, "vip_csv")["rows"] == 20


def test_no_file_of_a_plan_that_is_refused_or_of_a_draft(project: Project) -> None:
    """X5, K19: and none of before is left to be imported by mistake."""
    vip(project, "delivery: csv_download")
    assert project.run(PARTS).success
    project.write("vip/vip.sql", SQL.replace("code,", "code, tier AS email_subscribe,"))
    refused = project.run(PARTS)
    assert not refused.success
    assert "consent_fields" in str(failure(refused, "vip_csv"))
    assert list(Path(project.storage, "csv").rglob("*.csv")) == []
    project.write("vip/vip.sql", "/*\n---\nstatus: draft\n---\n*/\n" + SQL)
    assert not project.run(PARTS).success


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["delivery: csv_drop", "csv_drop: loyaltie"], "loyalty"),
        (["delivery: csv_drop"], "there is none"),
        (["csv_drop: loyalty"], "its delivery is 'api'"),
        (["delivery: csv_drop", "csv_drop: by_id"], "have the identifier"),
        (["delivery: csv_drop", "csv_drop: other"], "reads? as utf-16|read as utf-16"),
        (["delivery: csv_dropp"], "delivery"),
    ],
)
def test_wrong_deliveries_are_refused_with_their_line(project: Project, lines: list[str], said: str) -> None:
    drop = "type: braze_assets.CsvDrop\nattributes: {{name: {name}, url: /tmp/x{more}}}\n"
    project.write("loyalty/defs.yaml", drop.format(name="loyalty", more=""))
    project.write("other/defs.yaml", drop.format(name="other", more=", encoding: utf-16"))
    project.write("by_id/defs.yaml", drop.format(name="by_id", more=", identifier: braze_id"))
    vip(project, *lines)
    with pytest.raises(BrazeAssetsError, match=said) as caught:
        project.load()
    assert "vip/defs.yaml:" in str(caught.value)


def test_a_drop_of_nobody_is_the_folder_of_the_destination(
    project: Project, s3_bucket: str, braze: LocalBraze
) -> None:
    """K05: bucket and folder of the destination, for whoever imports from there."""
    project.write(
        "to/defs.yaml",
        f"""\
        type: braze_assets.Destination
        attributes: {{name: acme, instance: "{braze.url}", identifier: external_id, s3_bucket: {s3_bucket},
          s3_folder: in}}
        """,
    )
    vip(project, "mode: live", "delivery: csv_drop", "destination: acme")
    result = project.run(PARTS)
    assert result.success
    assert f"s3://{s3_bucket}/in/vip-" in metadata(result, "vip_csv")["files"]

"""A table of one's own by URL: CSV or Parquet, without partitions (issue of `docs/your-own-table.md`)."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from braze_assets.emulator.process import LocalBraze
from braze_assets_tests.projects import Project, failure, metadata

PARTS = ["vip", "vip_findings", "vip_delta", "vip_sync"]
LIVE = {"vip_sync": {"mode": "live"}}
YAML = """\
type: braze_assets.AttributeSync
attributes: {name: vip, table: {url: FILE}, partitions: {cadence: none}}
"""
CSV = 'external_id,first_name,Loyalty Points,vip\n0001,Ada,1982,true\n0002,"Grace, B.",75,false\n1.10,,,\n'


@pytest.fixture
def braze() -> Iterator[LocalBraze]:
    with LocalBraze() as started:
        started.control.seed([{"external_id": name, "attributes": {}} for name in ("0001", "0002", "1.10")])
        yield started


@pytest.fixture
def project(tmp_path: Path, braze: LocalBraze, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("BRAZE_API_KEY", braze.api_key)
    made = Project(tmp_path, str(tmp_path / "storage"), braze.url)
    made.write("vip/defs.yaml", YAML.replace("FILE", "customers.csv"))
    return made


def test_from_a_csv_file_to_a_preview_to_braze(project: Project, braze: LocalBraze) -> None:
    """K06, K23, L07, L09: identifiers and names arrive as they are written."""
    project.write("vip/customers.csv", CSV)
    preview = project.run(PARTS)
    assert preview.success
    assert metadata(preview, "vip")["dagster/row_count"] == 3
    assert metadata(preview, "vip_delta")["objects"] == 2
    assert metadata(preview, "vip_sync")["mode"] == "preview"
    assert braze.control.counters()["requests"] == 0

    assert project.run(PARTS, config=LIVE).success
    braze.control.wait_until_applied()
    assert braze.control.attributes("0001") == {"first_name": "Ada", "Loyalty Points": 1982, "vip": True}
    assert braze.control.attributes("0002") == {"first_name": "Grace, B.", "Loyalty Points": 75, "vip": False}
    assert braze.control.attributes("1.10") == {}

    project.write("vip/customers.csv", CSV.replace("1982", "1983"))
    again = project.run(PARTS, config=LIVE)
    assert metadata(again, "vip_sync")["accepted"] == 1


def test_a_parquet_file(project: Project, braze: LocalBraze) -> None:
    project.write("vip/defs.yaml", YAML.replace("FILE", "customers.parquet"))
    table = pa.table({"external_id": ["0001"], "tags": [["a", "b", "a"]]})
    pq.write_table(table, project.folder / "vip" / "customers.parquet")
    assert project.run(PARTS, config=LIVE).success
    braze.control.wait_until_applied()
    assert braze.control.attributes("0001") == {"tags": ["b", "a"]}


@pytest.mark.parametrize(
    ("text", "causes"),
    [
        (None, ["customers.csv", "What to do"]),
        ("", ["no header", "What to do"]),
        ("id,first_name\n1,Ada\n", ["external_id", "What to do"]),
        ("external_id,first_name\n1,Ada,extra\n", ["customers.csv", "What to do"]),
    ],
    ids=["missing", "empty", "no identifier", "ragged"],
)
def test_a_wrong_file_is_explained(project: Project, text: str | None, causes: list[str]) -> None:
    if text is not None:
        project.write("vip/customers.csv", text)
    found = failure(project.run(PARTS), "vip")
    assert all(cause in found for cause in causes), found
    assert "Ada" not in found


def test_an_emptied_table_removes_nobody(project: Project, braze: LocalBraze) -> None:
    """X5: an empty source is never taken for `remove everybody`."""
    project.write("vip/customers.csv", CSV)
    assert project.run(PARTS, config=LIVE).success
    before = braze.control.counters()["requests"]
    project.write("vip/customers.csv", CSV.splitlines()[0] + "\n")
    emptied = project.run(PARTS, config=LIVE)
    assert "The table has no rows" in failure(emptied, "vip_sync")
    assert braze.control.counters()["requests"] == before

"""Nested and array attributes in a user's own project: whole at first, then only what changed (K18b)."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from braze_assets.emulator import LocalBraze
from braze_assets_tests.projects import Project, failure, metadata

YAML = """
type: braze_assets.AttributeSync
attributes:
  name: pets
  table:
    sql: pets.sql
  sources:
    animals:
      url: animals.parquet
  partitions:
    cadence: none
  mode: live
  update_existing_only: false
  guards:
    max_share_changed: null
  attributes:
    home:
      update: patch
    likes:
      update: patch
"""

SQL = """
SELECT external_id, {{'city': city, 'since': {since}, 'size': 1.50::DECIMAL(9, 2)}} AS home, likes, tier
FROM animals
"""


@pytest.fixture
def braze() -> Iterator[LocalBraze]:
    with LocalBraze(record_requests=50) as local:
        yield local


def test_an_object_is_set_whole_and_patched_later(
    tmp_path: Path, braze: LocalBraze, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAZE_API_KEY", braze.api_key)
    project = Project(tmp_path, str(tmp_path / "storage"), braze.url)
    project.write("pets/defs.yaml", YAML)
    project.write("pets/pets.sql", SQL.format(since="DATE '2026-01-02'"))

    def sync(city: str, likes: list[str]) -> dict[str, object]:
        table = pa.table({"external_id": ["001"], "city": [city], "likes": [likes], "tier": ["gold"]})
        pq.write_table(table, project.folder / "pets" / "animals.parquet")
        result = project.run(["pets", "pets_delta", "pets_sync"])
        assert result.success, failure(result, "pets_sync")
        return metadata(result, "pets_sync")

    assert sync("Bonn", ["fish", "sun"])["accepted"] == 1
    home = {"city": "Bonn", "since": {"$time": "2026-01-02"}, "size": 1.5}
    [profile] = braze.control.profiles()
    assert profile["attributes"] == {"home": home, "likes": ["fish", "sun"], "tier": "gold"}

    assert sync("Köln", ["fish", "sun", "rain"])["accepted"] == 1
    [sent] = json.loads(braze.control.recorded()[-1]["body"])["attributes"]
    assert sent["home"] == {"city": "Köln"}
    assert sent["_merge_objects"] is True
    assert sent["likes"] == {"add": ["rain"]}
    assert "tier" not in sent
    [profile] = braze.control.profiles()
    assert profile["attributes"]["home"] == {**home, "city": "Köln"}
    assert profile["attributes"]["likes"] == ["fish", "sun", "rain"]

    assert sync("Köln", ["fish", "sun", "rain"])["objects"] == 0

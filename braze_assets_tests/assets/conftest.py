"""A world for each test: a project in a temporary folder, and a local Braze."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from braze_assets.emulator.process import LocalBraze
from braze_assets_tests.assets.drop import Drop
from braze_assets_tests.assets.town import Town
from braze_assets_tests.assets.world import World
from braze_assets_tests.projects import Project


@pytest.fixture
def braze() -> Iterator[LocalBraze]:
    with LocalBraze() as started:
        yield started


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if getattr(request, "param", "folder") == "s3":
        return f"s3://{request.getfixturevalue('s3_bucket')}/prefix"
    return str(tmp_path / "storage")


@pytest.fixture
def drop(tmp_path: Path, place: str, braze: LocalBraze, monkeypatch: pytest.MonkeyPatch) -> Drop:
    """A drop in a folder beside the storage, and two hundred users in Braze."""
    monkeypatch.setenv("BRAZE_API_KEY", braze.api_key)
    people = ["abc123", *(f"{number:04}" for number in range(200))]
    braze.control.seed([{"external_id": each, "attributes": {}} for each in people])
    url = f"{place}/drop" if place.startswith("s3://") else str(tmp_path / "drop")
    (tmp_path / "drop").mkdir()
    return Drop(Project(tmp_path, place, braze.url), braze, url)


@pytest.fixture
def world(tmp_path: Path, place: str, braze: LocalBraze, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("BRAZE_API_KEY", braze.api_key)
    braze.control.seed([{"external_id": f"{number:04}", "attributes": {}} for number in range(200)])
    return World(Project(tmp_path, place, braze.url), braze)


@pytest.fixture
def town(tmp_path: Path, braze: LocalBraze, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setenv("BRAZE_API_KEY", braze.api_key)
    braze.control.seed([{"external_id": f"{number:04}", "attributes": {}} for number in range(200)])
    return Town(Project(tmp_path, str(tmp_path / "storage"), braze.url), braze)

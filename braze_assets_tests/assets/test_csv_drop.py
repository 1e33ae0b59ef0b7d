"""CSV drops, end to end: a sensor, real runs, a local Braze, in a folder and on S3."""

from pathlib import Path

import pytest

from braze_assets.emulator.process import LocalBraze
from braze_assets_tests.assets.drop import Drop
from braze_assets_tests.projects import Project, failure, metadata

SEED = "external_id,Loyalty Points,Last Brand Purchased\nabc123,1982,Solomon\n"
ANYWHERE = pytest.mark.parametrize("place", ["folder", "s3"], indirect=True)


@pytest.fixture
def drop(tmp_path: Path, place: str, braze: LocalBraze, monkeypatch: pytest.MonkeyPatch) -> Drop:
    monkeypatch.setenv("BRAZE_API_KEY", braze.api_key)
    people = ["abc123", *(f"{number:04}" for number in range(200))]
    braze.control.seed([{"external_id": each, "attributes": {}} for each in people])
    url = f"{place}/drop" if place.startswith("s3://") else str(tmp_path / "drop")
    Path(tmp_path / "drop").mkdir(exist_ok=True)
    return Drop(Project(tmp_path, place, braze.url), braze, url)


@ANYWHERE
def test_the_example_of_the_seed_arrives_exactly_so(drop: Drop) -> None:
    """L05, L06, L07: `abc123,1982,Solomon` under `external_id,Loyalty Points,Last Brand Purchased`."""
    drop.put("loyalty.csv", SEED)
    [result] = drop.imports()
    assert result.success
    assert drop.held("abc123") == {"Loyalty Points": 1982, "Last Brand Purchased": "Solomon"}
    assert drop.results(result) == [
        {
            "line": 2,
            "external_id": "abc123",
            "outcome": "sent",
            "attribute": None,
            "reason": None,
            "detail": None,
        }
    ]
    assert metadata(result, "loyalty_results")["sent"] == 1
    assert drop.names() == ["loyalty.csv"]

"""Marks of hours that must be made again (X10)."""

from datetime import timedelta
from pathlib import Path

import pytest

from braze_assets.currents.refill import clear, mark, marked, tokens
from braze_assets.storage import Storage
from braze_assets_tests.currents.conftest import HOUR, OPEN

LATER = HOUR + timedelta(hours=1)


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "s3":
        return Storage(f"s3://{request.getfixturevalue('s3_bucket')}/root")
    return Storage(str(tmp_path / "root"))


def test_marks_are_kept_by_event_type_and_hour(storage: Storage) -> None:
    """X10: marked once or thrice, an hour is named once; clearing it leaves the others."""
    assert marked(storage, [OPEN, "other"]) == {}
    mark(storage, OPEN, [LATER, HOUR])
    mark(storage, OPEN, [LATER])
    assert marked(storage, [OPEN, "other"]) == {OPEN: [HOUR, LATER]}
    assert marked(storage, ["other"]) == {}
    clear(storage, OPEN, LATER)
    clear(storage, OPEN, LATER)
    assert marked(storage, [OPEN]) == {OPEN: [HOUR]}


def test_a_mark_made_during_the_run_outlives_it(storage: Storage) -> None:
    """X10: what was marked after a run began is not done by that run."""
    mark(storage, OPEN, [HOUR])
    seen = tokens(storage, OPEN, HOUR)
    mark(storage, OPEN, [HOUR])
    clear(storage, OPEN, HOUR, seen)
    assert marked(storage, [OPEN]) == {OPEN: [HOUR]}
    clear(storage, OPEN, HOUR, tokens(storage, OPEN, HOUR))
    assert marked(storage, [OPEN]) == {}

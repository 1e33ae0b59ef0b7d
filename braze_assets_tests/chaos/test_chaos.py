"""X1-X3, X5, X6: a hundred schedules of faults, kills and overtaking, with fixed seeds.

`make chaos` runs a thousand longer ones. What fails prints its seed and the command that replays it.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from braze_assets_tests.chaos.model import BAD, Model, Table
from braze_assets_tests.chaos.schedule import make_schedule

_CHUNK = 50


@pytest.mark.parametrize("first", range(1, 101, _CHUNK))
def test_schedules_of_faults(first: int) -> None:
    command = [sys.executable, "-m", "braze_assets_tests.chaos", "--schedules", str(_CHUNK)]
    # On a folder: an S3 server of its own for every schedule takes too long here.
    command += ["--seed", str(first), "--actions", "3", "--jobs", "2", "--s3", "0", "--fail-fast"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert ran.returncode == 0, f"{ran.stdout[-6000:]}\n{ran.stderr[-2000:]}"
    assert f"{_CHUNK} schedules in" in ran.stdout


def test_a_seed_is_a_schedule() -> None:
    assert str(make_schedule(7).steps) == str(make_schedule(7).steps)
    assert str(make_schedule(7).steps) != str(make_schedule(8).steps)


def test_the_model_itself() -> None:
    """It is short enough to be believed; these are the cases one would ask about."""
    model = Model()
    first = Table({"a": "", "b": ""}, {"u": {"a": 1, "b": None}, "v": {"a": BAD, "b": 2}})
    model.tried(first)
    assert list(model.wrong(first, {"u": {"a": 1}, "v": {"b": 2}})) == []
    assert len(list(model.wrong(first, {"u": {"a": True}, "v": {"b": 2}}))) == 1
    assert len(list(model.wrong(first, {"u": {"a": 1, "b": 5}, "v": {"b": 2}}))) == 1
    model.at_rest({"u": {"a": 1}, "v": {"b": 2}})
    second = Table({"a": ""}, {"u": {"a": None}}, {"a": "unset"}, removed_rows="keep")
    model.tried(second)
    assert list(model.wrong(second, {"v": {"b": 2}})) == []
    assert len(list(model.wrong(second, {"u": {"a": 1}, "v": {"b": 2}}))) == 1
    gone = Table({"a": ""}, {"u": {"a": None}}, removed_rows="unset")
    assert list(model.wrong(gone, {"u": {"a": 1}})) == [], "a NULL that is omitted leaves what was there"
    assert list(model.wrong(gone, {"u": {"a": 1}, "v": {"b": 2}})) != [], "who left is emptied"

"""A few thousand damaged files (K40, BAD INPUT); `make fuzz` has a hundred thousand."""

import collections
import os
import signal

import pytest

from braze_assets_tests.fuzz.__main__ import run
from braze_assets_tests.fuzz.mutations import KINDS, mutated
from braze_assets_tests.fuzz.outcome import outcome


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=KINDS)
def test_a_damaged_file_gives_a_table_or_one_kind_of_error(kind: int) -> None:
    """K40: nothing else is raised, places are in the file, and the ids are those of the table."""
    seeds = range(kind, 4_500, len(KINDS))
    found = collections.Counter(outcome(seed) for seed in seeds)
    assert not [what for what in found if what.startswith("RAISED")], found
    assert sum(found.values()) == 500
    assert len(found) > 1 or kind == KINDS.index("count")


def test_a_seed_makes_the_same_file_again() -> None:
    assert mutated(4711) == mutated(4711)
    assert mutated(4711) != mutated(4712)


def _deadly(seed: int) -> str:
    if seed == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return "RAISED an error" if seed == 9 else "whole"


def test_a_file_that_ends_its_process_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    """The fuzzing would be worth nothing if a crash went unseen, or took other files' results along."""
    assert run(12, 0, 1, _deadly) == 1
    said = capsys.readouterr().out
    assert "12 files, 2 failed" in said
    assert "CRASH OR HANG" in said
    assert [line.rpartition(" ")[2] for line in said.splitlines() if "--seed" in line] == ["7", "9"]
    assert run(6, 0, 1, _deadly) == 0

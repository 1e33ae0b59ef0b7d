"""A few thousand damaged files (K40, BAD INPUT); `make fuzz` has a hundred thousand."""

import collections

import pytest

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

"""K35: the split stays put, its shares are right, and it is independent between campaigns."""

import hashlib
import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_assets.campaigns import Split
from braze_assets.storage import connect

KEYS = 20_000
ANSWERS = [None, "b", "b", "a"]


def drawn(split: Split, first: int = 0, last: int = KEYS) -> dict[str, str | None]:
    with connect() as connection:
        rows = connection.sql(
            f"SELECT k, {split.sql('k')} FROM (SELECT 'c' || i AS k FROM range({first}, {last}) AS r(i))"
        ).fetchall()
    return dict(rows)


def by_the_book(split: Split, key: str) -> str | None:
    """The rule as docs/campaigns.md has it."""

    def draw(what: str) -> float:
        text = f"braze_assets:1:{split.seed}:{what}:{key}"
        return (int(hashlib.md5(text.encode()).hexdigest()[:13], 16) + 0.5) / 16**13

    if draw("~control") < split.control:
        return None
    return max(split.treatments, key=lambda name: math.log(draw(name)) / split.treatments[name])


SPLITS = st.builds(
    Split,
    seed=st.text(max_size=8).filter(lambda text: "\x00" not in text),
    treatments=st.dictionaries(
        st.from_regex(r"[a-z0-9_]{1,6}", fullmatch=True),
        st.floats(1, 99, allow_nan=False),
        min_size=1,
        max_size=5,
    ),
    control=st.floats(0, 0.9),
)
KEY = st.text(min_size=1, max_size=40).filter(lambda text: "\x00" not in text)


@settings(deadline=None, max_examples=60)
@given(split=SPLITS, keys=st.lists(KEY, min_size=1, max_size=10, unique=True))
def test_the_sql_is_the_documented_rule(split: Split, keys: list[str]) -> None:
    with connect() as connection:
        for key in keys:
            [(found,)] = connection.execute(
                f"SELECT {split.sql('k')} FROM (SELECT $key AS k)", {"key": key}
            ).fetchall()
            assert found == by_the_book(split, key)


def test_known_answers() -> None:
    """Another version of anything must give the same."""
    split = Split(seed="summer", treatments={"a": 45, "b": 35}, control=0.2)
    keys = ["a3c1d9f0-0000-4000-8000-000000000001", "42", "Zoë", ""]
    assert [by_the_book(split, key) for key in keys] == ANSWERS
    with connect() as connection:
        found = [
            connection.execute(f"SELECT {split.sql('k')} FROM (SELECT $k AS k)", {"k": key}).fetchall()[0][0]
            for key in keys
        ]
    assert found == ANSWERS


def test_nobody_moves_when_the_audience_grows() -> None:
    split = Split(seed="s", treatments={"a": 1, "b": 1}, control=0.1)
    small = drawn(split, 0, 1000)
    assert drawn(split).items() >= small.items()


@pytest.mark.parametrize(
    ("treatments", "control"),
    [
        ({"a": 50, "b": 50}, 0.0),
        ({"a": 45, "b": 45}, 0.1),
        ({"a": 80, "b": 15, "c": 4.5}, 0.005),
        ({"": 90}, 0.1),
    ],
)
def test_shares_are_within_five_standard_deviations(treatments: dict[str, float], control: float) -> None:
    counts = Counter(drawn(Split(seed="shares", treatments=treatments, control=control)).values())
    total = sum(treatments.values())
    expected = {name: share / total * (1 - control) for name, share in treatments.items()}
    for name, share in {**expected, None: control}.items():
        assert abs(counts[name] - KEYS * share) <= 5 * math.sqrt(KEYS * share * (1 - share))


def test_a_treatment_that_is_added_moves_nobody_between_the_others() -> None:
    two = drawn(Split(seed="s", treatments={"a": 45, "b": 45}, control=0.1))
    three = drawn(Split(seed="s", treatments={"c": 30, "b": 30, "a": 30}, control=0.1))
    moved = {key for key in two if two[key] != three[key]}
    assert {three[key] for key in moved} == {"c"}
    assert len(moved) > KEYS / 5


def test_more_control_only_adds_to_control() -> None:
    less = drawn(Split(seed="s", treatments={"a": 45, "b": 45}, control=0.1))
    more = drawn(Split(seed="s", treatments={"a": 40, "b": 40}, control=0.2))
    assert {more[key] for key in less if less[key] != more[key]} == {None}
    assert not any(less[key] is None and more[key] is not None for key in less)


def test_campaigns_are_independent() -> None:
    """As many as by chance get the same in both: a quarter each, within five standard deviations."""
    shares = {"a": 50, "b": 50}
    one, two = (drawn(Split(seed=seed, treatments=shares)) for seed in ("one", "two"))
    pairs = Counter((one[key], two[key]) for key in one)
    for pair in (("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")):
        assert abs(pairs[pair] - KEYS / 4) <= 5 * math.sqrt(KEYS * 0.25 * 0.75)
    assert drawn(Split(seed="one", treatments=shares)) == one

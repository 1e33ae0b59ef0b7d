"""Draws are even, independent of each other, and change when they should."""

import itertools

import duckdb
import pytest

from braze_assets.customer_360.draws import Draws, zero_filled
from braze_assets_tests.customer_360.conftest import number

DRAWS = Draws(1)


@pytest.fixture(scope="module")
def plain() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("CREATE TABLE k AS SELECT range AS i FROM range(100_000)")
    return con


def test_shares(plain: duckdb.DuckDBPyConnection) -> None:
    assert number(plain, f"SELECT count(*) FROM k WHERE {DRAWS.chance('a', 0.02)}") == pytest.approx(
        2_000, rel=0.1
    )
    counts = plain.execute(f"SELECT {DRAWS.whole('b', 10)} AS w, count(*) FROM k GROUP BY w").fetchall()
    assert sorted(w for w, _ in counts) == list(range(10))
    assert all(n == pytest.approx(10_000, rel=0.05) for _, n in counts)
    low, high = plain.execute(f"SELECT min({DRAWS.unit('c')}), max({DRAWS.unit('c')}) FROM k").fetchall()[0]
    assert 0 < low < 0.001
    assert 0.999 < high <= 1
    mean = plain.execute(f"SELECT avg({DRAWS.wait('d', 200)}) FROM k").fetchall()[0][0]
    assert mean == pytest.approx(200, rel=0.03)


def test_labels_and_seeds_are_independent(plain: duckdb.DuckDBPyConnection) -> None:
    one = DRAWS.chance("a", 0.5)
    for other in (DRAWS.chance("b", 0.5), Draws(2).chance("a", 0.5)):
        assert number(plain, f"SELECT count(*) FROM k WHERE {one} AND {other}") == pytest.approx(
            25_000, rel=0.05
        )
    # The weakness of hash(key, salt): the parity of two labels would always agree or always differ.
    parity = f"{DRAWS.bits('a')} % 2 = {DRAWS.bits('b')} % 2"
    assert number(plain, f"SELECT count(*) FROM k WHERE {parity}") == pytest.approx(50_000, rel=0.05)


def test_a_version_rises_by_one_on_the_day_it_names(plain: duckdb.DuckDBPyConnection) -> None:
    period = 100
    days = [DRAWS.version("v", period, day) for day in range(150, 153)]
    for number_of, (before, after) in enumerate(itertools.pairwise(days), start=151):
        rose = f"{after.number} - {before.number}"
        assert number(plain, f"SELECT count(*) FROM k WHERE {rose} NOT IN (0, 1)") == 0
        assert number(plain, f"SELECT count(*) FROM k WHERE {rose} = 1") == pytest.approx(1_000, rel=0.15)
        wrong = f"({rose} = 1) <> ({after.changed_on} = {number_of})"
        assert number(plain, f"SELECT count(*) FROM k WHERE {wrong}") == 0


def test_zero_filled_numbers_are_never_cut(plain: duckdb.DuckDBPyConnection) -> None:
    query = f"SELECT {zero_filled('n', 4)} FROM (VALUES (7), (1234), (123456)) t(n)"
    assert plain.execute(query).fetchall() == [("0007",), ("1234",), ("123456",)]

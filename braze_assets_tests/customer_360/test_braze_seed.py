"""The profiles a local Braze starts with."""

import json
from collections import Counter

import duckdb
import pytest

from braze_assets.customer_360 import braze_seed_sql, seed_profiles, table_sql
from braze_assets_tests.customer_360.conftest import SETTINGS


@pytest.fixture(scope="module")
def profiles(con: duckdb.DuckDBPyConnection) -> list[dict[str, object]]:
    return list(seed_profiles(con, SETTINGS))


def test_most_customers_are_known_and_some_strangers(
    con: duckdb.DuckDBPyConnection, profiles: list[dict[str, object]]
) -> None:
    query = table_sql("merged_customers", SETTINGS, SETTINGS.start)
    rows = con.execute(f"SELECT external_id FROM ({query}) WHERE external_id IS NOT NULL").fetchall()
    customers = {external_id for (external_id,) in rows}
    known = {profile["external_id"] for profile in profiles}
    assert len(known) == len(profiles), "no external id twice"
    assert 0.85 < len(known & customers) / len(customers) < 0.89
    assert len(known - customers) == 150


def test_attributes_under_near_miss_names(profiles: list[dict[str, object]]) -> None:
    names: Counter[str] = Counter()
    for profile in profiles:
        assert set(profile) == {"external_id", "attributes"}
        attributes = profile["attributes"]
        assert isinstance(attributes, dict)
        assert None not in attributes.values()
        names.update(attributes.keys())
    assert 0.2 < names["One_and_Done"] / len(profiles) < 0.4
    assert 0 < names["birthday"] < names["One_and_Done"]


def test_two_profiles_share_an_email(profiles: list[dict[str, object]]) -> None:
    emails = Counter(
        json.dumps(p["attributes"].get("email")) for p in profiles if isinstance(p["attributes"], dict)
    )
    assert [n for email, n in emails.items() if email != "null" and n > 1] == [2]


def test_it_is_always_the_same(con: duckdb.DuckDBPyConnection, profiles: list[dict[str, object]]) -> None:
    assert list(seed_profiles(con, SETTINGS)) == profiles


def test_amperity_id_as_external_id(con: duckdb.DuckDBPyConnection) -> None:
    query = braze_seed_sql(SETTINGS, identifier="amperity_id", strangers=0.0)
    rows = con.execute(f"SELECT profile ->> 'external_id' FROM ({query})").fetchall()
    assert sum(len(text) == 36 for (text,) in rows) == len(rows) - 2

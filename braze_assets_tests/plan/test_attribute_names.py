"""Names nobody knows, near misses, and names of personal data (K07, K10)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from braze_assets.braze.fields import personal
from braze_assets.plan import GuardSettings, PlanSettings
from braze_assets.plan.attribute_names import near_miss
from braze_assets_tests.plan.test_guards import verdict
from braze_assets_tests.plan.world import World


@pytest.fixture
def world(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> World:
    return World(connection, str(tmp_path))


def guards(**settings: Any) -> PlanSettings:
    return PlanSettings(guards=GuardSettings(**settings))


def rows(world: World, *names: str, profile: tuple[str, ...] = ()) -> Any:
    values = [{"external_id": f"u{n}", **dict.fromkeys(names, n)} for n in range(3)]
    return world.rows(values, dict.fromkeys(names, "BIGINT"), profile=profile)


@pytest.mark.parametrize(
    ("name", "known", "near"),
    [
        ("One and Done", ["one_and_done"], "one_and_done"),
        ("one_and_done", ["One and Done"], "One and Done"),
        ("LOYALTY-TIER", ["loyalty_tier", "tier"], "loyalty_tier"),
        ("loyalty_teir", ["loyalty_tier"], "loyalty_tier"),
        ("l3m_order_revenue", ["l12m_order_revenue"], None),
        ("recency", ["frequency", "monetary"], None),
        ("tier", ["tier"], None),
        ("tier", [], None),
    ],
)
def test_near_misses(name: str, known: list[str], near: str | None) -> None:
    """K10: case, spaces, signs and typing mistakes; names whose numbers differ are meant to."""
    assert near_miss(name, known) == near


def test_a_first_sync_shows_its_names_and_goes_on(world: World) -> None:
    """K10: nothing is known that they could be measured by."""
    header, _ = world.plan(rows(world, "visits", "tier", "email", profile=("email",)))
    found = verdict(header, "new_attributes")
    assert (found.passed, found.observed) == (True, "visits, tier")
    assert "`visits`, `tier`" in found.message


def test_two_names_of_one_table_that_are_nearly_the_same(world: World) -> None:
    header, _ = world.plan(rows(world, "one_and_done", "One and Done"))
    found = verdict(header, "new_attributes")
    assert (found.passed, found.allowed) == (False, True)
    assert "`One and Done` (nearly `one_and_done`, in the same table)" in found.message


@pytest.mark.parametrize(
    ("policy", "passed", "allowed", "blocked"),
    [("warn", False, True, False), ("block", False, False, True), ("allow", True, False, False)],
)
def test_a_new_name_later_on(world: World, policy: str, passed: bool, allowed: bool, blocked: bool) -> None:
    """K10: shown before it is sent, with what it is nearly."""
    world.sync_rows(rows(world, "one_and_done", "visits"))
    world.settings = guards(new_attributes=policy)
    header, _ = world.plan(rows(world, "One and Done", "visits", "colour"))
    found = verdict(header, "new_attributes")
    assert (found.passed, found.allowed, header.blocked) == (passed, allowed, blocked)
    assert found.observed == "One and Done, colour"
    assert "`One and Done` (nearly `one_and_done`, which is known), `colour`" in found.message


def test_what_the_ledger_or_the_catalog_has_is_known(world: World) -> None:
    world.sync_rows(rows(world, "visits"))
    world.settings = guards(new_attributes="block", known_attributes=["tier"])
    assert not world.plan(rows(world, "visits", "tier", "email", profile=("email",)))[0].blocked
    header, _ = world.plan(rows(world, "visits", "Tier"))
    assert [each.guard for each in header.blocking] == ["new_attributes"]
    assert "Not in the catalog yet: `Tier` (nearly `tier`" in header.blocking[0].message
    header, _ = world.plan(rows(world, "visits", "Tier"), allow=["new_attributes"])
    assert not header.blocked


def test_a_catalog_speaks_in_the_first_sync_too(world: World) -> None:
    world.settings = guards(new_attributes="block", known_attributes=["tier"])
    assert world.plan(rows(world, "tier", "colour"))[0].blocked


@pytest.mark.parametrize(
    "name",
    ["email", "dob", "Birthdate", "surname", "address", "Zip Code", "home_city", "full_name", "phoneNumber"],
)
def test_what_is_personal_by_its_name(name: str) -> None:
    assert personal(name)


@pytest.mark.parametrize(
    "name", ["country", "language", "loyalty_tier", "email_opens", "city_tier", "visits"]
)
def test_what_is_not(name: str) -> None:
    assert not personal(name)


def test_personal_data_is_refused_where_the_template_says_so(world: World) -> None:
    """K07."""
    table = rows(world, "visits", "zip_code", "shoe_size", "email", profile=("email",))
    assert not world.plan(table)[0].blocked
    world.settings = guards(allow_personal=False)
    header, _ = world.plan(table)
    assert [each.guard for each in header.blocking] == ["personal_data"]
    assert header.blocking[0].observed == "zip_code, email"
    world.settings = guards(
        allow_personal=False, personal_attributes=["shoe_size"], impersonal_attributes=["zip_code"]
    )
    assert verdict(world.plan(table)[0], "personal_data").observed == "shoe_size, email"

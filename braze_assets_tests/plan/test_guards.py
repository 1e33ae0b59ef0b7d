"""The guards: what blocks a plan, and what it says (K13, X4, X5, X12)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from braze_assets.plan import GUARDS, GuardSettings, PlanHeader, PlanSettings, Verdict
from braze_assets_tests.plan.world import World

TYPES = {"visits": "BIGINT"}


@pytest.fixture
def world(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> World:
    return World(connection, str(tmp_path), settings=PlanSettings(guards=GuardSettings(min_users=10)))


def users(count: int, **values: Any) -> list[dict[str, Any]]:
    return [{"external_id": f"u{n}", "visits": n, **values} for n in range(count)]


def verdict(header: PlanHeader, guard: str) -> Verdict:
    [found] = [each for each in header.verdicts if each.guard == guard]
    return found


def guards(**settings: Any) -> PlanSettings:
    return PlanSettings(guards=GuardSettings(min_users=10, **settings))


def test_every_plan_has_one_verdict_of_each_guard(world: World) -> None:
    header, _ = world.plan(world.rows(users(1), TYPES))
    assert [each.guard for each in header.verdicts] == [guard.name for guard in GUARDS]
    assert not header.blocked
    assert all(guard.description for guard in GUARDS)


def test_an_empty_table_blocks_when_the_ledger_holds_users(world: World) -> None:
    """X5: an empty source is not a wish to remove everybody; the plan is written all the same."""
    assert not world.plan(world.rows([], TYPES))[0].blocked
    world.sync_rows(world.rows(users(3), TYPES))
    header, plan = world.plan(world.rows([], TYPES))
    assert [each.guard for each in header.blocking] == ["rows_present"]
    assert "3 users" in header.blocking[0].message
    assert plan.exists()


def test_identifier_errors(world: World) -> None:
    """X5: over 1 % null or duplicate identifiers block; fewer are left out and the rest goes on (K06)."""
    bad = {"external_id": None, "_error": "null_identifier"}
    assert not world.plan(world.rows([*users(199), bad], TYPES))[0].blocked
    header, _ = world.plan(world.rows([*users(50), bad], TYPES))
    assert [each.guard for each in header.blocking] == ["identifier_present"]
    assert "null_identifier: 1" in header.blocking[0].message


@pytest.mark.parametrize("name", ["birthday", "Birthdate", "surname", "Email"])
def test_shadowing_a_profile_field_blocks(world: World, name: str) -> None:
    """K13: with the fix named; each can be allowed by name."""
    table = world.rows([{"external_id": "1", name: "x"}], {name: "VARCHAR"})
    header, _ = world.plan(table)
    [found] = header.blocking
    assert found.guard == "shadow_fields"
    assert f"`{name}` looks like `" in found.message
    assert "guards.allow_shadow" in found.message
    world.settings = guards(allow_shadow=[name])
    assert not world.plan(table)[0].blocked


def test_consent_is_refused_unless_allowed(world: World) -> None:
    """X12."""
    types = {"email_subscribe": "VARCHAR"}
    table = world.rows([{"external_id": "1", "email_subscribe": "subscribed"}], types, profile=list(types))
    header, _ = world.plan(table)
    assert [each.guard for each in header.blocking] == ["consent_fields"]
    world.settings = guards(allow_consent=["email_subscribe"])
    assert not world.plan(table)[0].blocked


def test_share_changed(world: World) -> None:
    """X5: of the users in the ledger; a first sync has none, and new users are not changes."""
    header, plan = world.plan(world.rows(users(20), TYPES))
    assert not header.blocked
    world.send(header, plan)
    changed = [{**row, "visits": -1} if n < 11 else row for n, row in enumerate(users(40))]
    header, _ = world.plan(world.rows(changed, TYPES))
    found = verdict(header, "share_changed")
    assert (found.passed, found.observed, found.limit) == (False, 0.55, 0.5)
    assert "11 of 20 users" in found.message
    assert "visits (31)" in found.message
    header, _ = world.plan(world.rows(changed, TYPES), allow={"share_changed"})
    assert verdict(header, "share_changed").allowed
    assert not header.blocked
    world.settings = guards(max_share_changed=None)
    assert not world.plan(world.rows(changed, TYPES))[0].blocked


def test_unknown_outcomes_are_not_changes(world: World) -> None:
    """A first sync that died does not block the plan that heals it."""
    table = world.rows(users(20), TYPES)
    header, plan = world.plan(table)
    world.record(send := world.begin(header, plan), world.pending(send, plan)[:1])
    header, _ = world.plan(table)
    assert header.counts.objects == 19
    assert not header.blocked


def test_share_removed(world: World) -> None:
    """X5: newly vanished users; those that are kept in the ledger are not counted for ever."""
    world.sync_rows(world.rows(users(20), TYPES))
    fewer = world.rows(users(15), TYPES)
    header, plan = world.plan(fewer)
    found = verdict(header, "share_removed")
    assert (found.passed, found.observed) == (False, 0.25)
    assert "5 of 20 users" in found.message
    world.send(header, plan)
    assert not world.plan(fewer)[0].blocked
    world.settings = PlanSettings(removed_rows="unset", guards=GuardSettings(min_users=10))
    header, plan = world.plan(fewer)
    assert [each.guard for each in header.blocking] == ["share_removed"]
    assert header.counts.unset == 5
    world.send(header, plan)
    assert not world.plan(fewer)[0].blocked


def test_share_guards_need_enough_users(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    world = World(connection, str(tmp_path))
    world.sync_rows(world.rows(users(20), TYPES))
    assert not world.plan(world.rows([{"external_id": "u0", "visits": -5}], TYPES))[0].blocked


def test_the_data_point_budget(world: World) -> None:
    """X4: a budget that blocks."""
    world.settings = guards(data_point_budget=2)
    assert not world.plan(world.rows(users(2), TYPES))[0].blocked
    header, _ = world.plan(world.rows(users(3), TYPES))
    assert [each.guard for each in header.blocking] == ["data_point_budget"]
    assert "3 data points; the budget is 2" in header.blocking[0].message


def test_a_waived_guard_says_so(world: World) -> None:
    """The waiver is for one plan and is recorded in it."""
    table = world.rows([{"external_id": "1", "birthday": "x"}], {"birthday": "VARCHAR"})
    header, _ = world.plan(table, allow={"shadow_fields"})
    found = verdict(header, "shadow_fields")
    assert (found.passed, found.allowed) == (False, True)
    assert not header.blocked
    assert world.plan(table)[0].blocked


def test_messages_have_no_identifiers(world: World) -> None:
    """X15."""
    world.sync_rows(world.rows(users(20, external_id="secret")[:1] + users(20), TYPES))
    header, _ = world.plan(world.rows([], TYPES))
    assert "secret" not in str(header.verdicts)

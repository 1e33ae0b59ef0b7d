"""Attributes that change for nearly everybody with nearly every plan are named, with advice (K03, X4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from braze_assets.plan import GuardSettings, PlanSettings, Verdict
from braze_assets_tests.plan.test_guards import verdict
from braze_assets_tests.plan.world import World

USERS = 20
TYPES = {"tier": "VARCHAR", "days": "BIGINT"}


@pytest.fixture
def world(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> World:
    guards = GuardSettings(min_users=10, max_share_changed=None)
    return World(connection, str(tmp_path), settings=PlanSettings(guards=guards))


def day(world: World, number: int, changed: int = USERS) -> Any:
    """Of the users, `changed` have another number of days than the day before."""
    world.day = number
    return world.rows(
        [
            {"external_id": f"u{n}", "tier": "gold", "days": number if n < changed else 0}
            for n in range(USERS)
        ],
        TYPES,
    )


def found(world: World, rows: Any) -> Verdict:
    return verdict(world.plan(rows)[0], "churny_attributes")


def test_what_changes_for_everybody_every_day_is_named(world: World) -> None:
    for number in (1, 2):
        world.sync_rows(day(world, number))
    # The first plan has new users only, and says nothing.
    assert found(world, day(world, 3)).passed
    world.sync_rows(day(world, 3))
    said = found(world, day(world, 4))
    assert (said.passed, said.allowed, said.observed) == (False, True, "days")
    assert "last 3 plans" in said.message
    assert "`days` (100% of the users on average)" in said.message
    assert "bucket" in said.message
    assert not world.plan(day(world, 4))[0].blocked


def test_one_quiet_day_is_enough(world: World) -> None:
    for number in (1, 2, 3):
        world.sync_rows(day(world, number, changed=3 if number == 3 else USERS))
    assert found(world, day(world, 4, changed=3)).passed


def test_plans_that_are_gone_do_not_count(world: World) -> None:
    for number in (1, 2, 3):
        world.sync_rows(day(world, number))
    assert not found(world, day(world, 4)).passed
    for path in world.storage.path("plans").rglob("*.parquet"):
        path.unlink()
    assert found(world, day(world, 4)).passed


def test_it_can_be_switched_off(world: World) -> None:
    for number in (1, 2, 3):
        world.sync_rows(day(world, number))
    world.settings = PlanSettings(guards=GuardSettings(min_users=10, max_share_changed=None, max_churn=None))
    assert found(world, day(world, 4)).passed

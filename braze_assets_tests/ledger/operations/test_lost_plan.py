"""A send dies and its plan is lost: everything goes again, and the ledger stays (X1, X2)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from braze_assets.commands.main import main
from braze_assets.errors import LedgerError
from braze_assets.ledger.operations import diagnose, lost_plan, repair
from braze_assets.plan import GuardSettings, PlanSettings
from braze_assets.storage import open_path
from braze_assets_tests.plan.world import World

TYPES = {"a": "BIGINT", "b": "BIGINT"}
SETTINGS = PlanSettings(
    guards=GuardSettings(max_share_changed=None, max_share_removed=None), removed_rows="unset"
)


def row(name: str, a: int | None, b: int | None = None) -> dict[str, Any]:
    return {"external_id": name, "a": a, "b": b}


def wanted(world: World, *rows: dict[str, Any]) -> Any:
    return world.rows(rows, TYPES, null_policy="unset")


def killed(world: World, table: Any, receipts: int) -> tuple[str, list[dict[str, Any]]]:
    """A send that dies after some receipts; where its plan is."""
    header, plan = world.plan(table)
    send = world.begin(header, plan)
    objects = world.pending(send, plan)
    world.record(send, objects[:receipts])
    return plan.uris[0], objects


def lose(world: World, plan_uri: str) -> None:
    open_path(plan_uri).unlink()
    for path in open_path(f"{world.ledger.uri}/plans").iterdir():
        path.unlink()


def sent(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {each["external_id"]: {name: each[name] for name in TYPES if name in each} for each in objects}


def test_the_plans_own_file_is_taken_where_the_kept_one_is_gone(
    connection: duckdb.DuckDBPyConnection, storage_url: str
) -> None:
    world = World(connection, storage_url, settings=SETTINGS)
    table = wanted(world, *(row(f"u{n}", n) for n in range(4)))
    killed(world, table, 2)
    for path in open_path(f"{world.ledger.uri}/plans").iterdir():
        path.unlink()
    assert len(world.sync_rows(table)) == 2, "the two without receipts, and no others"
    assert world.sync_rows(table) == []


def test_what_a_lost_plan_may_have_sent_is_put_right(
    connection: duckdb.DuckDBPyConnection, storage_url: str
) -> None:
    """Also values that are not wanted any more, and users that only its receipts know."""
    world = World(connection, storage_url, settings=SETTINGS)
    world.sync_rows(wanted(world, row("u0", 1), row("u1", 1), row("u2", 1)))
    plan_uri, objects = killed(
        world, wanted(world, row("u0", 2), row("u1", 1, 5), row("u2", 1), row("new", 7)), 99
    )
    assert len(objects) == 3
    lose(world, plan_uri)
    with pytest.raises(LedgerError, match="is gone") as caught:
        world.plan(wanted(world, row("u0", 1)))
    assert "braze-assets ledger restore crm" in str(caught.value.remedy)
    lost = lost_plan(world.ledger, connection)
    assert lost is not None
    assert diagnose(world.ledger) == []
    repair(world.ledger, connection, now=world.tick())
    assert lost_plan(world.ledger, connection) is None
    # What is wanted now is what was wanted before the lost plan: all of it goes.
    table = wanted(world, row("u0", 1), row("u1", 1), row("u2", 1))
    assert sent(world.sync_rows(table)) == {
        "u0": {"a": 1, "b": None},
        "u1": {"a": 1, "b": None},
        "u2": {"a": 1, "b": None},
        "new": {"a": None},
    }
    assert world.sync_rows(table) == []
    assert {name: values.get("a") for name, values in world.held().items() if "a" in values} == {
        "u0": 1,
        "u1": 1,
        "u2": 1,
    }


def test_the_first_plan_of_a_ledger_may_be_lost_too(
    connection: duckdb.DuckDBPyConnection, storage_url: str
) -> None:
    world = World(connection, storage_url, settings=SETTINGS)
    plan_uri, _ = killed(world, wanted(world, row("u0", 1), row("u1", 1)), 1)
    lose(world, plan_uri)
    repair(world.ledger, connection, now=world.tick())
    assert sent(world.sync_rows(wanted(world, row("u1", 1)))).keys() == {"u0", "u1"}
    assert world.sync_rows(wanted(world, row("u1", 1))) == []


def test_a_repair_that_dies_still_knows_that_a_plan_was_lost(
    connection: duckdb.DuckDBPyConnection, storage_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(connection, storage_url, settings=SETTINGS)
    world.sync_rows(wanted(world, row("u0", 1)))
    plan_uri, _ = killed(world, wanted(world, row("u0", 1, 5)), 1)
    lose(world, plan_uri)
    with monkeypatch.context() as patch:
        patch.setattr(sys.modules[repair.__module__], "commit_change", _dies)
        with pytest.raises(KeyboardInterrupt):
            repair(world.ledger, connection, now=world.tick())
    with pytest.raises(LedgerError, match="in repair"):
        world.plan(wanted(world, row("u0", 1)))
    repair(world.ledger, connection, now=world.tick())
    assert sent(world.sync_rows(wanted(world, row("u0", 1)))) == {"u0": {"a": 1, "b": None}}


def _dies(*arguments: Any) -> None:
    raise KeyboardInterrupt


def test_the_command_says_what_is_lost_and_does_it_when_confirmed(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(connection, str(tmp_path), settings=SETTINGS)
    monkeypatch.setenv("BRAZE_ASSETS_STORAGE", str(tmp_path))
    monkeypatch.delenv("BRAZE_ASSETS_DEPLOYMENT", raising=False)
    plan_uri, _ = killed(world, wanted(world, row("u0", 1)), 1)
    lose(world, plan_uri)
    shown = CliRunner().invoke(main, ["ledger", "restore", "crm"])
    assert shown.exit_code == 0, shown.output
    assert "The plan of the last send (step 1) is gone" in shown.output
    assert world.held() == {}
    code = shown.output.split("--confirm ")[1].split()[0]
    wrong = CliRunner().invoke(main, ["ledger", "restore", "crm", "--confirm", "restore-plan9"])
    assert wrong.exit_code != 0
    done = CliRunner().invoke(main, ["ledger", "restore", "crm", "--confirm", code])
    assert "Done." in done.output
    assert json.dumps(world.held()) == '{"u0": {"_unknown": ["a"]}}'
    assert "No table is damaged." in CliRunner().invoke(main, ["ledger", "restore", "crm"]).output

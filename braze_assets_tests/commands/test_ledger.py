"""`braze-assets ledger`: size and code first, done when confirmed (K18)."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from braze_assets.commands.main import main
from braze_assets_tests.plan.world import World

TYPES = {"a": "BIGINT", "b": "VARCHAR"}


@pytest.fixture
def world(connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("BRAZE_ASSETS_STORAGE", str(tmp_path / "storage"))
    monkeypatch.delenv("BRAZE_ASSETS_DEPLOYMENT", raising=False)
    made = World(connection, str(tmp_path / "storage"))
    made.sync_rows(made.rows([{"external_id": f"user-{n}", "a": n, "b": "x"} for n in range(3)], TYPES))
    return made


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["ledger", *arguments])
    assert result.exit_code == code, result.output
    return result.output


def confirmed(*arguments: str) -> str:
    asked = run(*arguments)
    assert "Nothing was changed." in asked
    found = re.search(r"--confirm (\S+)", asked)
    assert found
    done = run(*arguments, "--confirm", found[1])
    assert "Done." in done
    return asked


def test_every_operation(world: World, tmp_path: Path) -> None:
    asked = confirmed("resync", "crm")
    assert re.search(r"users +3\nvalues +6\n", asked)
    assert "There is nothing to do." in run("resync", "crm")
    confirmed("forget", "crm", "--attribute", "b")
    file = tmp_path / "gone.csv"
    file.write_text("external_id\nuser-2\n")
    asked = confirmed("forget", "crm", "--user", "user-0", "--file", str(file))
    assert "user-0" not in asked
    assert set(world.held()) == {"user-1"}
    confirmed("release", "crm", "--user", "user-1", "--reason", "deleted")
    confirmed("restore", "crm", "--to", "1")
    confirmed("compact", "crm", "--history-days", "0", "--receipt-days", "0")
    confirmed("forget", "crm", "--everything")
    held = tmp_path / "held.csv"
    held.write_text("external_id,a\nuser-7,7\n")
    confirmed("adopt", "crm", str(held), "--type", "a=Decimal(9,2)")
    assert str(world.held()["user-7"]["a"]) == "7.00"
    shown = run("show", "crm")
    assert "adoption of a file" in shown
    assert "user-7" not in shown


def test_history(world: World, tmp_path: Path) -> None:
    assert re.search(r"^ +1  2\d{3}-", run("history", "crm"), re.MULTILINE)
    assert "3 users" in run("history", "crm", "--on", "1")
    assert re.search(r"^a +2$", run("history", "crm", "--on", "1", "--user", "user-2"), re.MULTILINE)
    assert "does not hold" in run("history", "crm", "--on", "1", "--user", "nobody")
    run("history", "crm", "--on", "1", "--out", str(tmp_path / "then.parquet"))
    assert pq.read_table(tmp_path / "then.parquet").num_rows == 3
    assert "goes back to" in run("history", "crm", "--on", "2020-01-01", code=1)
    run("history", "crm", "--on", "yesterday", code=2)


def test_what_cannot_be_is_said(world: World) -> None:
    assert "has no ledger yet" in run("show", "nothing", code=1)
    assert "Give users" in run("forget", "crm", code=2)
    assert "not of this operation" in run("resync", "crm", "--confirm", "resync-1-000000", code=1)
    assert "2 values" not in run("resync", "crm")
    World(world.connection, world.storage.url, identifier="braze_id").sync_rows(
        World(world.connection, world.storage.url, identifier="braze_id").rows(
            [{"braze_id": "b", "a": 1}], {"a": "BIGINT"}
        )
    )
    assert "ledgers by external_id, braze_id" in run("show", "crm", code=1)
    assert "users" in run("show", "crm", "--identifier", "braze_id")


def test_a_new_ledger_may_start_with_an_adoption(world: World, tmp_path: Path) -> None:
    held = tmp_path / "held.csv"
    held.write_text("external_id,a\nuser-7,7\n")
    confirmed("adopt", "other", str(held))
    assert re.search(r"users +1\n", run("show", "other"))

"""Real damage to a ledger: refused by name of the file, nothing changed, and the way out works."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner
from deltalake import DeltaTable, write_deltalake

from braze_assets.commands.main import main
from braze_assets.errors import LedgerError
from braze_assets.ledger.operations import Resync, diagnose, operate, repair
from braze_assets.plan import GuardSettings, PlanSettings
from braze_assets.storage import open_path
from braze_assets_tests.plan.world import World

TYPES = {"a": "BIGINT"}
NO_GUARDS = PlanSettings(guards=GuardSettings(max_share_changed=None, max_share_removed=None))


def log(world: World, table: str) -> list[Any]:
    return sorted(open_path(f"{world.ledger.uri}/{table}/_delta_log").glob("*.json"), key=str)


def garbage(world: World, table: str) -> None:
    log(world, table)[-1].write_bytes(b"\x00\x00\x00 nothing")


def truncated(world: World, table: str) -> None:
    last = log(world, table)[-1]
    last.write_bytes(last.read_bytes()[:-40])


def empty(world: World, table: str) -> None:
    log(world, table)[-1].write_bytes(b"")


def gone(world: World, table: str) -> None:
    log(world, table)[-2].unlink()


def no_checkpoint(world: World, table: str) -> None:
    DeltaTable(f"{world.ledger.uri}/{table}").create_checkpoint()
    next(iter(open_path(f"{world.ledger.uri}/{table}/_delta_log").glob("*.parquet"))).unlink()


def bad_checkpoint(world: World, table: str) -> None:
    DeltaTable(f"{world.ledger.uri}/{table}").create_checkpoint()
    next(iter(open_path(f"{world.ledger.uri}/{table}/_delta_log").glob("*.parquet"))).write_bytes(b"PARx")


def no_data(world: World, table: str) -> None:
    open_path(f"{world.ledger.uri}/{table}/{world.ledger.acknowledged().files[0]}").unlink()


def bad_data(world: World, table: str) -> None:
    open_path(f"{world.ledger.uri}/{table}/{world.ledger.acknowledged().files[0]}").write_bytes(
        b"PAR1 but not"
    )


LOG = [garbage, truncated, empty, gone, no_checkpoint, bad_checkpoint]


def filled(connection: duckdb.DuckDBPyConnection, url: str) -> World:
    world = World(connection, url, settings=NO_GUARDS)
    for value in (1, 2):
        world.sync_rows(world.rows([{"external_id": f"u{n}", "a": value * n} for n in range(3)], TYPES))
    return world


def check(world: World, damage: Callable[[World, str], None], table: str) -> None:
    before = snapshot(world, table) if "://" not in world.ledger.uri else {}
    damage(world, table)
    before = snapshot(world, table) if before else {}
    wanted = world.rows([{"external_id": f"u{n}", "a": n} for n in range(3)], TYPES)
    with pytest.raises(LedgerError) as refused:
        world.plan(wanted)
    assert table in str(refused.value.place)
    assert "braze-assets ledger restore crm" in str(refused.value)
    assert "The ledger is damaged" in str(refused.value)
    assert not before or snapshot(world, table) == before
    found = repair(world.ledger, world.connection, now=world.tick())
    assert [each.name for each in found] == [table]
    assert diagnose(world.ledger) == []
    # Braze may hold any of the values: the old ones are wanted, and all of them go.
    # With a checkpoint nothing is lost, so that only the difference goes.
    assert len(world.sync_rows(wanted)) == (2 if "checkpoint" in damage.__name__ else 3)
    assert world.sync_rows(wanted) == []
    assert {row["a"] for row in world.held().values()} == {0, 1, 2}


def snapshot(world: World, table: str) -> dict[str, bytes]:
    root = Path(world.ledger.uri, table)
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("table", ["acknowledged", "sends"])
@pytest.mark.parametrize("damage", LOG)
def test_a_damaged_log(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, damage: Callable[[World, str], None], table: str
) -> None:
    check(filled(connection, str(tmp_path)), damage, table)


@pytest.mark.parametrize("damage", [no_data, bad_data])
def test_damaged_data(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, damage: Callable[[World, str], None]
) -> None:
    check(filled(connection, str(tmp_path)), damage, "acknowledged")


def test_damage_on_s3(connection: duckdb.DuckDBPyConnection, storage_url: str) -> None:
    check(filled(connection, storage_url), garbage, "acknowledged")


def test_damaged_receipts_lose_nothing_but_themselves(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    world = filled(connection, str(tmp_path))
    garbage(world, "receipts")
    with pytest.raises(LedgerError, match="braze-assets ledger restore crm"):
        world.plan(world.rows([{"external_id": "u0", "a": 5}], TYPES))
    repair(world.ledger, connection, now=world.tick())
    assert len(world.sync_rows(world.rows([{"external_id": "u0", "a": 5}], TYPES))) == 1


@pytest.mark.parametrize("table", ["acknowledged", "sends"])
@pytest.mark.parametrize("where", ["set_aside", "commit_change", "append"])
def test_a_repair_that_dies_is_finished_by_the_next(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    table: str,
    where: str,
) -> None:
    world = filled(connection, str(tmp_path))
    garbage(world, table)
    with monkeypatch.context() as patch:
        if where == "append":
            real = world.ledger.journal.append

            def append(state: Any, entry: Any) -> None:
                if entry.state == "operated":
                    raise KeyboardInterrupt
                real(state, entry)

            patch.setattr(world.ledger.journal, "append", append)
        else:
            patch.setattr(sys.modules["braze_assets.ledger.operations.repair"], where, _die)
        with pytest.raises(KeyboardInterrupt):
            repair(world.ledger, connection, now=world.tick())
    wanted = world.rows([{"external_id": f"u{n}", "a": n} for n in range(3)], TYPES)
    with pytest.raises(LedgerError):
        world.plan(wanted)
    repair(world.ledger, connection, now=world.tick())
    assert len(world.sync_rows(wanted)) == 3


def test_a_journal_that_was_put_back_is_noticed(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    world = filled(connection, str(tmp_path))
    for path in log(world, "sends")[-2:]:
        os.remove(str(path))
    with pytest.raises(LedgerError, match="its table has seen step"):
        world.plan(world.rows([{"external_id": "u0", "a": 1}], TYPES))
    repair(world.ledger, connection, now=world.tick())
    assert len(world.sync_rows(world.rows([{"external_id": "u0", "a": 1}], TYPES))) == 1


def test_the_command(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAZE_ASSETS_STORAGE", str(tmp_path))
    world = filled(connection, str(tmp_path))
    assert "No table is damaged" in CliRunner().invoke(main, ["ledger", "restore", "crm"]).output
    garbage(world, "acknowledged")
    asked = CliRunner().invoke(main, ["ledger", "restore", "crm"]).output
    assert "goes back to version" in asked
    code = asked.split("--confirm ")[1].strip()
    wrong = CliRunner().invoke(main, ["ledger", "restore", "crm", "--confirm", "restore"])
    assert wrong.exit_code == 1
    assert "Done." in CliRunner().invoke(main, ["ledger", "restore", "crm", "--confirm", code]).output
    assert len(world.held()) == 3


def test_a_ledger_of_a_newer_version_is_refused(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    world = filled(connection, str(tmp_path))
    DeltaTable(f"{world.ledger.uri}/sends").alter.set_table_properties(
        {"braze_assets.format": "99"}, raise_if_not_exists=False
    )
    with pytest.raises(LedgerError, match=r"(?s)format 99.*Upgrade braze-assets"):
        world.ledger.position()


def test_a_ledger_of_the_first_version_is_read_and_marked(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Without a mark, and without the journal's column `operation`."""
    world = filled(connection, str(tmp_path))
    for name in ("sends", "receipts", "acknowledged"):
        table = DeltaTable(f"{world.ledger.uri}/{name}")
        if name == "sends":
            write_deltalake(
                table, table.to_pyarrow_table().drop(["operation"]), mode="overwrite", schema_mode="overwrite"
            )
        table.alter.set_table_properties({"braze_assets.format": "1"}, raise_if_not_exists=False)
    wanted = world.rows([{"external_id": f"u{n}", "a": n} for n in range(3)], TYPES)
    assert world.ledger.position().sequence == 4
    operate(world.ledger, Resync(), connection, now=world.tick())
    assert len(world.sync_rows(wanted)) == 3
    assert world.sync_rows(wanted) == []
    marks = {
        DeltaTable(f"{world.ledger.uri}/{name}").metadata().configuration["braze_assets.format"]
        for name in ("sends", "receipts", "acknowledged")
    }
    assert marks == {"2"}


def _die(*arguments: Any, **options: Any) -> None:
    raise KeyboardInterrupt

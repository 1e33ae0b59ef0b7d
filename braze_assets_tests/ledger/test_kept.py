"""X1: the plan the ledger keeps outlives whoever cleans up late."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from braze_assets.errors import LedgerMovedError
from braze_assets.ledger import Ledger
from braze_assets.storage import StoredTable
from braze_assets_tests.plan.world import World


def test_a_run_that_was_overtaken_does_not_clean_up_after_the_one_that_overtook_it(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by chaos: stopped between its step in the journal and its cleaning up."""
    world = World(connection, str(tmp_path))
    table = world.rows([{"external_id": "u", "a": 1}], {"a": "BIGINT"})
    first = world.plan(table)
    slow = world.ledger
    world.ledger = Ledger(world.storage, world.sync, "external_id")
    tidy = slow._tidy
    begun = []

    def overtaken(plan_id: str) -> None:
        second = world.plan(table, name="second")
        begun.append(world.begin(*second))
        tidy(plan_id)

    monkeypatch.setattr(slow, "_tidy", overtaken)
    slow.begin(
        plan_id=first[0].plan_id,
        partition=first[0].partition,
        as_of=first[0].as_of,
        plan_uri=first[1].uris[0],
        expected_position=first[0].ledger_position,
        now=world.tick(),
    )
    [send] = begun
    world.record(send, world.pending(send, send.plan))
    assert send.finish(connection, world.tick()).accepted == 1
    assert world.held() == {"u": {"a": 1}}
    third = world.plan(world.rows([{"external_id": "u", "a": 2}], {"a": "BIGINT"}))
    world.send(*third)
    kept = tmp_path / "ledger" / "crm" / "external_id" / "plans"
    assert [path.stem for path in kept.iterdir()] == [third[0].plan_id], "and no plan is kept for ever"


def test_of_two_first_sends_of_a_sync_one_begins(
    connection: duckdb.DuckDBPyConnection, storage_url: str
) -> None:
    """Found by chaos: stopped before its first step, a run wrote it onto the other run's first one."""
    world = World(connection, storage_url)
    table = world.rows([{"external_id": "u", "a": 1}], {"a": "BIGINT"})
    first, second = world.plan(table, name="first"), world.plan(table, name="second")
    late = Ledger(world.storage, world.sync, "external_id")
    read, states = late.journal.read, [late.journal.read()]
    late.journal.read = lambda: states.pop() if states else read()  # type: ignore[method-assign]
    world.begin(*first)
    world.ledger = late
    with pytest.raises(LedgerMovedError):
        world.begin(*second)
    assert [entry.plan_id for entry in read().entries] == [first[0].plan_id]


def test_who_is_overtaken_while_it_folds_is_told_so(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by chaos: the run that overtakes removes the plan that is being folded; that was a raw error."""
    world = World(connection, str(tmp_path))
    first = world.plan(world.rows([{"external_id": "u", "a": 1}], {"a": "BIGINT"}))
    send = world.begin(*first)
    kept, slow = world.ledger.kept.table, world.ledger
    world.ledger = Ledger(world.storage, world.sync, "external_id")

    def overtaken(plan_id: str, plan_uri: str) -> StoredTable:
        monkeypatch.setattr(slow.kept, "table", kept)
        world.begin(*world.plan(world.rows([{"external_id": "u", "a": 2}], {"a": "BIGINT"})))
        return StoredTable.at(tmp_path / "ledger" / "crm" / "external_id" / "plans" / f"{plan_id}.parquet")

    monkeypatch.setattr(slow.kept, "table", overtaken)
    with pytest.raises(LedgerMovedError, match="Another run began"):
        send.finish(connection, world.tick())

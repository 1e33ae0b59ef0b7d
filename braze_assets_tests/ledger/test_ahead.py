"""K16, X1, X3: a fold prepared during its send is the fold made after it, or it is thrown away."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from braze_assets.ledger import ahead as module
from braze_assets.ledger.ahead import FoldAhead
from braze_assets.ledger.delta import data_files
from braze_assets.ledger.fold import Fold
from braze_assets.storage import open_path
from braze_assets_tests.plan.world import World

TYPES = {"a": "BIGINT", "b": "VARCHAR"}
OUTCOMES = ("accepted", "accepted", "rejected", "unknown", None)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every send is worth it, and its parts are of two objects."""
    monkeypatch.setattr(module, "_WORTH", 1)
    monkeypatch.setattr(module, "_PART", 2)
    monkeypatch.setattr(module, "_MOST", 16)
    monkeypatch.setattr(module, "_SHARE", 1_000)


def users(count: int, **values: Any) -> list[dict[str, Any]]:
    return [{"external_id": f"u{i}", "a": i, **values} for i in range(count)]


def deliver(world: World, rows: Any, types: dict[str, str], *, ahead: bool, order: int = 1) -> Any:
    """Send what differs, each user with the outcome of its number; wait for the preparation in between."""
    header, plan = world.plan(world.rows(rows, types), allow=("share_changed", "type_change"))
    send = world.begin(header, plan)

    def record() -> Any:
        for row in world.pending(send, plan)[::order]:
            outcome = OUTCOMES[int(row["identifier"][1:]) % len(OUTCOMES)]
            if outcome is not None:
                world.record(send, [row], outcome)
        return send.finish(world.connection, world.tick())

    if not ahead:
        return record()
    with send.folding_ahead(world.tick()):
        return record()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("order", [1, -1])
def test_it_is_the_same_fold(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, order: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Any] = []
    commit = FoldAhead.commit

    def counted(*arguments: Any, **numbers: int) -> bool:
        kept.append(commit(*arguments, **numbers))
        return kept[-1]

    monkeypatch.setattr(FoldAhead, "commit", counted)
    results = []
    for way in (True, False):
        world = World(connection, str(tmp_path / str(way)))
        steps = [
            (users(11, b="x"), TYPES),
            (users(13, b="y"), TYPES),
            (users(13, b="y", c=1.5), {**TYPES, "c": "DOUBLE"}),
            (users(9, b=1), {"a": "BIGINT", "b": "BIGINT"}),
        ]
        said = []
        for rows, types in steps:
            done = deliver(world, rows, types, ahead=way, order=order)
            said.append((done.accepted, done.rejected, done.unknown, done.users, world.held()))
        results.append(said)
        folder = open_path(world.ledger.held_table.uri)
        assert {file["path"] for file in data_files(world.ledger.held_table.open_or_create())} <= {
            path.name for path in folder.iterdir()
        }
    assert kept == [True] * 4, "what was prepared was used"
    assert results[0] == results[1]


@pytest.mark.usefixtures("small")
def test_what_does_not_fit_any_more_is_thrown_away(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(connection, str(tmp_path))
    header, plan = world.plan(world.rows(users(6), {"a": "BIGINT"}))
    send = world.begin(header, plan)
    folder = open_path(world.ledger.held_table.uri)

    def stored() -> list[str]:
        return [path.name for path in folder.iterdir() if path.name.endswith(".parquet")]

    used: list[int] = []
    monkeypatch.setattr(FoldAhead, "commit", lambda *_, **__: used.append(1))
    with send.folding_ahead(world.tick()):
        for row in world.pending(send, plan):
            world.record(send, [row])
        limit = time.monotonic() + 10
        while not stored() and time.monotonic() < limit:
            time.sleep(0.01)
        assert stored(), "written while the send goes on"
        # Receipts that came past this process, and a commit that came past it.
        world.ledger.receipts.append(world.receipts(send, world.pending(send, plan)[:1], "accepted"))
        assert send.finish(world.connection, world.tick()).accepted == 6
    assert not used
    assert len(stored()) == 1
    assert len(world.held()) == 6
    assert not [each.name for each in threading.enumerate() if each.name.startswith("ledger-")]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("place", ["split", "write"])
def test_a_preparation_that_fails_is_no_failure_of_the_send(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(connection, str(tmp_path))
    ours = getattr(Fold, place)

    def failing(*arguments: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise OSError(28, "No space left on device")
        ours(*arguments)

    monkeypatch.setattr(Fold, place, failing)
    assert deliver(world, users(6), {"a": "BIGINT"}, ahead=True).accepted == 3
    assert {name: row.get("a") for name, row in world.held().items() if "_unknown" not in row}


@pytest.mark.usefixtures("small")
def test_a_second_outcome_ends_it(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    world = World(connection, str(tmp_path))
    header, plan = world.plan(world.rows(users(4), {"a": "BIGINT"}))
    send = world.begin(header, plan)
    rows = world.pending(send, plan)
    with send.folding_ahead(world.tick()):
        world.record(send, rows, "rejected")
        world.record(send, rows[:1])
        result = send.finish(world.connection, world.tick())
    assert (result.accepted, result.rejected) == (1, 3)
    assert set(world.held()) == {"u0"} == {rows[0]["identifier"]}

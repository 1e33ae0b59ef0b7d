"""K16, X3: the fold writes new files in parts, leaves alone what it need not touch, and counts as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from braze_assets.ledger.delta import data_files
from braze_assets.ledger.rewrite import Rewrite
from braze_assets.storage import open_path
from braze_assets_tests.plan.world import World


@pytest.fixture
def world(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> World:
    return World(connection, str(tmp_path / "storage"))


TYPES = {"a": "BIGINT", "b": "VARCHAR"}


def users(start: int, stop: int, **values: Any) -> list[dict[str, Any]]:
    return [{"external_id": f"u{i}", "a": i, "b": str(i), **values} for i in range(start, stop)]


def paths(world: World) -> set[str]:
    return {file["path"] for file in data_files(world.ledger.held_table.open_or_create())}


def deliver(world: World, rows: list[dict[str, Any]], types: dict[str, str] = TYPES, **outcomes: str) -> None:
    """Send what differs; `outcomes` by identifier, all others are accepted."""
    header, plan = world.plan(world.rows(rows, types), allow=("share_changed", "type_change"))
    send = world.begin(header, plan)
    for row in world.pending(send, plan):
        outcome = outcomes.get(row["identifier"], "accepted")
        if outcome != "none":
            world.record(send, [row], outcome)
    send.finish(world.connection, world.tick())


def values(world: World, name: str = "a") -> dict[str, Any]:
    return {identifier: row.get(name) for identifier, row in world.held().items()}


@pytest.mark.parametrize("part", [1, 2, 3, 7, 1_000])
def test_a_fold_in_parts_is_the_same_fold(world: World, part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("braze_assets.ledger.fold._PART", part)
    deliver(world, users(0, 7), u3="rejected")
    assert values(world) == {f"u{i}": i for i in (0, 1, 2, 4, 5, 6)}
    deliver(world, users(0, 9, b="new"), u1="rejected", u2="unknown", u5="none")
    held = world.held()
    assert {name: row["b"] for name, row in held.items() if "_unknown" not in row} == {
        "u0": "new",
        "u1": "1",
        "u3": "new",
        "u4": "new",
        "u6": "new",
        "u7": "new",
        "u8": "new",
    }
    assert {name: list(row["_unknown"]) for name, row in held.items() if "_unknown" in row} == {
        "u2": ["b"],
        "u5": ["b"],
    }
    deliver(
        world,
        [{"external_id": f"u{i}", "a": str(i), "c": 1.5} for i in range(9)],
        {"a": "VARCHAR", "c": "DOUBLE"},
    )
    held = world.held()
    assert {name: (row["a"], row["c"]) for name, row in held.items()} == {
        f"u{i}": (str(i), 1.5) for i in range(9)
    }


def test_files_without_a_touched_user_stay(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("braze_assets.ledger.fold._PART", 2)
    deliver(world, users(0, 6))
    before = paths(world)
    assert len(before) == 3
    deliver(world, [*users(0, 5), {"external_id": "u5", "a": 50, "b": "5"}])
    assert len(before & paths(world)) == 2
    assert values(world) == {**{f"u{i}": i for i in range(5)}, "u5": 50}
    kept = paths(world)
    deliver(
        world,
        [{**row, "c": 1} for row in users(0, 1)] + users(1, 5) + [{"external_id": "u5", "a": 50, "b": "5"}],
        {**TYPES, "c": "BIGINT"},
    )
    assert len(kept) == 4
    assert len(kept & paths(world)) == 3, "a new column is no reason to write all files anew"
    assert values(world, "c") == {"u0": 1, **{f"u{i}": None for i in range(1, 6)}}


def test_small_files_are_joined_when_they_are_written_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("braze_assets.ledger.fold._PART", 1)
        deliver(world, users(0, 6))
    assert len(paths(world)) == 6
    deliver(world, users(0, 6, b="x"))
    assert len(paths(world)) == 1


def test_whatever_came_meanwhile_is_not_written_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """X1: also what delta-rs itself would let pass, such as a compaction of the files that are replaced."""
    monkeypatch.setattr("braze_assets.ledger.fold._PART", 2)
    deliver(world, users(0, 6))
    commit, calls = Rewrite.commit, []

    def meanwhile(*arguments: Any, **options: Any) -> None:
        calls.append(1)
        if len(calls) == 1:
            world.ledger.held_table.open_or_create().optimize.compact()
        commit(*arguments, **options)

    monkeypatch.setattr(Rewrite, "commit", meanwhile)
    deliver(world, [*users(0, 5), {"external_id": "u5", "a": 50, "b": "5"}])
    assert len(calls) == 2, "the first commit was refused, and the fold made again"
    assert values(world) == {**{f"u{i}": i for i in range(5)}, "u5": 50}
    stored = {path.name for path in open_path(world.ledger.held_table.uri).iterdir()}
    assert paths(world) <= stored


@pytest.mark.parametrize("place", ["write", "commit"])
def test_what_a_failed_fold_wrote_is_removed_unless_it_may_count(
    world: World, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X3: the reply to a commit may be lost while the commit came through; its files must stay."""
    monkeypatch.setattr("braze_assets.ledger.fold._PART", 2)
    deliver(world, users(0, 3))
    folder = open_path(world.ledger.held_table.uri)
    before = {path.name for path in folder.iterdir()}
    ours, calls = getattr(Rewrite, place), []

    def fail(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        done = ours(*arguments, **options)
        if place == "commit" or len(calls) == 3:
            raise ConnectionResetError
        return done

    monkeypatch.setattr(Rewrite, place, fail)
    with pytest.raises(ConnectionResetError):
        deliver(world, users(0, 3, b="x"))
    after = {path.name for path in folder.iterdir()}
    assert paths(world) <= after
    assert (after == before) == (place == "write")
    assert {row["b"] for row in world.held().values()} == ({"x"} if place == "commit" else {"0", "1", "2"})

"""Operations on the ledger: their size first, one commit, and a next plan that sends the difference (K18)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from upath import UPath

from braze_assets.errors import BrazeAssetsError, ConfigurationError, LedgerError, LedgerMovedError
from braze_assets.ledger.operations import (
    Adopt,
    Compact,
    ForgetAttributes,
    ForgetSync,
    ForgetUsers,
    Operation,
    Outcome,
    Release,
    Restore,
    Resync,
    held_on,
    operate,
    overview,
    propose,
    users_in_file,
    users_named,
    versions,
)
from braze_assets.plan import GuardSettings, PlanSettings
from braze_assets.storage import write_parquet
from braze_assets_tests.plan.world import World

TYPES = {"a": "BIGINT", "B b": "VARCHAR"}
NO_GUARDS = PlanSettings(
    guards=GuardSettings(max_share_changed=None, max_share_removed=None, max_identifier_errors=1.0)
)


def users(count: int, **values: Any) -> list[dict[str, Any]]:
    return [{"external_id": f"u{n}", "a": n, "B b": f"text {n}", **values} for n in range(count)]


@pytest.fixture
def world(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> World:
    return World(connection, str(tmp_path), settings=NO_GUARDS)


@pytest.fixture
def anywhere(connection: duckdb.DuckDBPyConnection, storage_url: str) -> World:
    return World(connection, storage_url, settings=NO_GUARDS)


def do(world: World, operation: Operation, **options: Any) -> Outcome:
    """Asked and confirmed, as a person does it."""
    asked = propose(world.ledger, operation, world.connection)
    assert not asked.done
    done = operate(world.ledger, operation, world.connection, now=world.tick(), confirm=asked.code, **options)
    assert done.done or done.size.nothing
    return done


def test_resync_sends_everything_again_and_forgets_nothing(world: World) -> None:
    table = world.rows(users(3), TYPES)
    world.sync_rows(table)
    done = do(world, Resync())
    assert (done.size.users, done.size.values) == (3, 6)
    assert all(row["_unknown"] == ["B b", "a"] for row in world.held().values())
    assert {row["a"] for row in world.held().values()} == {0, 1, 2}
    assert propose(world.ledger, Resync(), world.connection).size.nothing
    assert len(world.sync_rows(table)) == 3
    assert world.sync_rows(table) == []
    assert not any("_unknown" in row for row in world.held().values())


def test_resync_of_one_attribute(world: World) -> None:
    table = world.rows(users(2), TYPES)
    world.sync_rows(table)
    do(world, Resync(["B b"]))
    assert [set(each) - {"external_id", "_update_existing_only"} for each in world.sync_rows(table)] == [
        {"B b"},
        {"B b"},
    ]
    with pytest.raises(ConfigurationError, match="has no attribute c"):
        propose(world.ledger, Resync(["c"]), world.connection)


def test_a_resynced_value_that_is_gone_is_still_unset(world: World) -> None:
    world.sync_rows(world.rows(users(1), TYPES))
    do(world, Resync())
    sent = world.sync_rows(world.rows(users(1, a=None), TYPES, null_policy="unset"))
    assert sent[0]["a"] is None


def test_forgotten_users_leave_rows_receipts_and_the_kept_plan(world: World) -> None:
    table = world.rows(users(3), TYPES)
    world.sync_rows(table)
    done = do(world, ForgetUsers(users_named(["u1", "nobody"])))
    assert done.size.figures()["users"] == 1
    assert done.size.figures()["receipts"] == 1
    assert set(world.held()) == {"u0", "u2"}
    assert world.ledger.lookup(world.connection, "u1").num_rows == 0
    assert world.ledger.lookup(world.connection, "u0").num_rows == 1
    assert not list(world.storage.path("ledger", "crm", "external_id", "plans").iterdir())
    assert [each["external_id"] for each in world.sync_rows(table)] == ["u1"]


def test_a_forgotten_attribute_goes_anew(world: World) -> None:
    table = world.rows(users(2), TYPES)
    world.sync_rows(table)
    done = do(world, ForgetAttributes(["a"]))
    assert (done.size.users, done.size.values) == (2, 2)
    assert list(world.ledger.acknowledged().types()) == ["B b"]
    assert sorted(each["a"] for each in world.sync_rows(table)) == [0, 1]


def test_forgetting_a_sync_leaves_its_journal_only(world: World) -> None:
    table = world.rows(users(2), TYPES)
    old = world.plan(table)
    world.send(*old)
    planned = world.plan(world.rows(users(3), TYPES))
    do(world, ForgetSync())
    assert world.held() == {}
    assert world.ledger.receipts.everything(world.connection) is None
    position = world.ledger.position()
    assert (position.plan_id, position.as_of, position.settled) == (None, None, True)
    for before in (old, planned):
        with pytest.raises(LedgerMovedError):
            world.begin(*before)
    left = (
        [str(path) for path in Path(world.ledger.uri).rglob("*.parquet")]
        if "://" not in world.ledger.uri
        else []
    )
    assert not [path for path in left if "/_delta_log/" not in path and "/sends/" not in path]
    world.day = -5  # Nothing is older than nothing.
    assert len(world.sync_rows(world.rows(users(2), TYPES))) == 2
    assert world.sync_rows(world.rows(users(2), TYPES)) == []
    assert do(world, ForgetSync()).done


def test_released_users_keep_their_receipts_and_the_merged_ones_are_unknown(anywhere: World) -> None:
    """X13."""
    world = anywhere
    table = world.rows(users(3), TYPES)
    world.sync_rows(table)
    done = do(world, Release(users_named(["u0"]), "merged", users_named(["u2", "u0", "nobody"])))
    assert done.size.figures() == {**done.size.figures(), "users": 1, "marked_unknown": 1}
    assert set(world.held()) == {"u1", "u2"}
    assert world.held()["u2"]["_unknown"] == ["B b", "a"]
    assert world.ledger.lookup(world.connection, "u0").num_rows == 1
    assert {each["external_id"] for each in world.sync_rows(table)} == {"u0", "u2"}


def test_names_that_a_merge_cannot_quote(world: World) -> None:
    table = world.rows([{"external_id": "u1", "a`b": 1}, {"external_id": "u2", "a`b": 2}], {"a`b": "BIGINT"})
    world.sync_rows(table)
    do(world, Release(users_named(["u1"]), "deleted", users_named(["u2"])))
    assert world.held() == {"u2": {"a`b": 2, "_unknown": ["a`b"]}}


def test_adopting_a_file_of_what_braze_holds(world: World, tmp_path: Path) -> None:
    file = tmp_path / "held.csv"
    file.write_text("external_id,a,B b\nu0,0,text 0\nu1,7,\n,1,x\nu2,2,text 2\nu2,2,text 2\n")
    done = do(world, Adopt(url=str(file)))
    assert done.size.figures() == {**done.size.figures(), "users": 2, "rows_left_out": 3}
    assert world.held() == {"u0": {"a": 0, "B b": "text 0"}, "u1": {"a": 7}}
    sent = world.sync_rows(world.rows(users(3), TYPES))
    assert {each["external_id"]: set(each) & set(TYPES) for each in sent} == {
        "u1": {"a", "B b"},
        "u2": {"a", "B b"},
    }
    assert world.sync_rows(world.rows(users(3), TYPES)) == []


def test_adopting_into_a_ledger_that_has_rows(world: World, tmp_path: Path) -> None:
    world.sync_rows(world.rows(users(3), TYPES))
    do(world, Resync(["a"]))
    file = tmp_path / "held.parquet"
    table = pa.table({"external_id": ["u1", "new"], "a": [70, 71], "C": ["x", "y"]})
    write_parquet(UPath(file), table)
    with pytest.raises(LedgerError, match="has 3 users already"):
        propose(world.ledger, Adopt(url=str(file)), world.connection)
    do(world, Adopt(url=str(file), existing="merge"))
    held = world.held()
    assert held["u1"] == {"a": 70, "B b": "text 1", "C": "x"}
    assert held["u0"] == {"a": 0, "B b": "text 0", "_unknown": ["a"]}
    assert held["new"] == {"a": 71, "C": "y"}
    do(world, Adopt(url=str(file), existing="replace"))
    assert world.held() == {"u1": {"a": 70, "C": "x"}, "new": {"a": 71, "C": "y"}}


def test_restoring_a_version_marks_what_differs(world: World) -> None:
    world.sync_rows(world.rows(users(2), TYPES))
    version = world.ledger.acknowledged().version
    assert version is not None
    world.sync_rows(
        world.rows([*users(1), {"external_id": "u1", "a": 9, "B b": "text 1"}, *users(3)[2:]], TYPES)
    )
    do(world, Restore(world.ledger, version))
    assert world.held() == {
        "u0": {"a": 0, "B b": "text 0"},
        "u1": {"a": 1, "B b": "text 1", "_unknown": ["a"]},
        "u2": {"_unknown": ["B b", "a"]},
    }
    sent = world.sync_rows(world.rows(users(3), TYPES))
    assert {each["external_id"]: set(each) & set(TYPES) for each in sent} == {"u1": {"a"}, "u2": {"a", "B b"}}


def test_compaction_keeps_what_the_ledger_needs(world: World) -> None:
    for number in range(4):
        world.sync_rows(world.rows(users(2, a=number), TYPES))
    held, before = world.held(), overview(world.ledger, world.connection)
    world.now += timedelta(days=40)
    done = do(world, Compact(history_days=0, receipt_days=30))
    after = overview(world.ledger, world.connection)
    assert world.held() == held
    assert after.bytes_with_history < before.bytes_with_history
    assert done.figures()["ledger_files"] == 4
    assert done.figures()["ledger_files_now"] == 1
    assert world.ledger.lookup(world.connection, "u0").num_rows == 1  # The last plan's.
    assert world.sync_rows(world.rows(users(2, a=3), TYPES)) == []
    assert len(world.sync_rows(world.rows(users(2, a=5), TYPES))) == 2


def test_what_braze_held_then_or_why_that_cannot_be_said(world: World) -> None:
    world.sync_rows(world.rows(users(1), TYPES))
    first = versions(world.ledger)[-1]
    world.sync_rows(world.rows(users(1, a=5), TYPES))
    source = held_on(world.ledger, first.version).sql(world.connection)
    assert world.connection.sql(f"SELECT a FROM {source}").fetchall() == [(0,)]
    assert held_on(world.ledger, first.time).version == first.version
    with pytest.raises(LedgerError, match="goes back to"):
        held_on(world.ledger, first.time - timedelta(days=1))
    with pytest.raises(LedgerError, match="has no version 99"):
        held_on(world.ledger, 99)
    world.ledger.acknowledged().table.vacuum(0, dry_run=False, enforce_retention_duration=False)  # type: ignore[union-attr]
    with pytest.raises(LedgerError, match="were removed"):
        held_on(world.ledger, first.version)


def test_a_code_of_another_state_is_refused_with_the_new_size(world: World) -> None:
    world.sync_rows(world.rows(users(1), TYPES))
    code = propose(world.ledger, Resync(), world.connection).code
    world.sync_rows(world.rows(users(2), TYPES))
    with pytest.raises(LedgerMovedError, match=r"users 2, values 4") as refused:
        operate(world.ledger, Resync(), world.connection, now=world.tick(), confirm=code)
    assert propose(world.ledger, Resync(), world.connection).code in str(refused.value)
    for other in (Resync(["a"]), ForgetSync(), ForgetUsers(users_named(["u1"]))):
        assert propose(world.ledger, other, world.connection).code != code
    assert not any("_unknown" in row for row in world.held().values())


def test_the_same_code_twice_is_done_once(world: World) -> None:
    table = world.rows(users(1), TYPES)
    world.sync_rows(table)
    code = propose(world.ledger, Resync(), world.connection).code
    for _ in range(2):
        outcome = operate(world.ledger, Resync(), world.connection, now=world.tick(), confirm=code)
        assert outcome.done
    assert [entry.state for entry in world.ledger.journal.read().entries].count("operated") == 1


def test_an_operation_refuses_while_a_send_is_open(world: World) -> None:
    header, plan = world.plan(world.rows(users(2), TYPES))
    send = world.begin(header, plan)
    world.record(send, world.pending(send, plan)[:1])
    code = propose(world.ledger, Resync(), world.connection).code
    with pytest.raises(LedgerError, match="has not finished"):
        operate(world.ledger, Resync(), world.connection, now=world.tick(), confirm=code)
    send.check()
    outcome = operate(world.ledger, Resync(), world.connection, now=world.tick(), confirm=code, settle=True)
    assert outcome.done
    with pytest.raises(LedgerMovedError):
        send.check()
    with pytest.raises(LedgerMovedError):
        send.finish(world.connection, world.tick())
    with pytest.raises(LedgerMovedError):
        world.begin(header, plan)  # It is not resumed.
    assert world.ledger.journal.read().abandoned
    assert all(set(row["_unknown"]) == {"a", "B b"} for row in world.held().values())


def test_a_plan_made_before_an_operation_is_refused(world: World) -> None:
    table = world.rows(users(2), TYPES)
    world.sync_rows(table)
    planned = world.plan(world.rows(users(2, a=3), TYPES))
    do(world, ForgetUsers(users_named(["u0"])))
    with pytest.raises(LedgerMovedError, match="Make the plan again"):
        world.begin(*planned)


@pytest.mark.parametrize("when", ["before the commit", "after the commit"])
def test_an_operation_that_dies(world: World, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    """Before its commit nothing has happened but the fence; after it, the next run finishes."""
    table = world.rows(users(2), TYPES)
    world.sync_rows(table)
    operation = ForgetUsers(users_named(["u0"]))
    code = propose(world.ledger, operation, world.connection).code
    with monkeypatch.context() as patch:
        place = "braze_assets.ledger.operations.run.commit_change"
        if when == "after the commit":
            place = "braze_assets.ledger.operations.forget.ForgetUsers.finish"
        patch.setattr(place, _die)
        with pytest.raises(_Killed):
            operate(world.ledger, operation, world.connection, now=world.tick(), confirm=code)
    assert len(world.held()) == (2 if when == "before the commit" else 1)
    if when == "before the commit":
        assert not world.ledger.position().settled
        with pytest.raises(BrazeAssetsError, match="confirm it with"):
            operate(world.ledger, operation, world.connection, now=world.tick(), confirm=code)
        assert world.sync_rows(table) == []
        do(world, operation)
    else:
        assert operate(world.ledger, operation, world.connection, now=world.tick(), confirm=code).done
    assert set(world.held()) == {"u1"}
    assert world.ledger.lookup(world.connection, "u0").num_rows == 0
    assert len(world.sync_rows(table)) == 1


def test_an_operation_that_was_overtaken_does_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan is made between its fence and its commit: the operation fails, the plan holds."""
    from braze_assets.ledger.operations import run

    table = world.rows(users(2), TYPES)
    world.sync_rows(table)
    real, planned = run.commit_change, []

    def meanwhile(*arguments: Any, **options: Any) -> None:
        if not planned:
            planned.append(world.plan(world.rows(users(2, a=8), TYPES)))
        real(*arguments, **options)

    monkeypatch.setattr(run, "commit_change", meanwhile)
    with pytest.raises(LedgerMovedError, match="nothing was changed"):
        operate(world.ledger, ForgetUsers(users_named(["u0"])), world.connection, now=world.tick())
    assert len(world.held()) == 2
    assert len(world.send(*planned[0])[0]) == 2


def test_a_plan_cannot_be_made_from_the_old_state_and_sent_after(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its position is read while the operation is under way."""
    from braze_assets.ledger.operations import run

    table = world.rows(users(2), TYPES)
    world.sync_rows(table)
    real, seen = run.commit_change, []

    def meanwhile(*arguments: Any, **options: Any) -> None:
        seen.append(world.ledger.position())
        real(*arguments, **options)

    monkeypatch.setattr(run, "commit_change", meanwhile)
    operate(world.ledger, ForgetUsers(users_named(["u0"])), world.connection, now=world.tick())
    assert not seen[0].settled
    assert seen[0].sequence == world.ledger.position().sequence - 1


def test_users_in_a_file(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_text("external_id\n0001\n0002\n0002\n")
    found = users_in_file(connection, str(file), "external_id")
    assert sorted(found.column("identifier").to_pylist()) == ["0001", "0002"]


def test_nothing_names_a_user(world: World) -> None:
    """X15: neither size nor journal."""
    world.sync_rows(world.rows([{"external_id": "marked@x.org", "a": 1}], TYPES))
    done = do(world, ForgetUsers(users_named(["marked@x.org"])))
    assert "marked" not in str(done)
    assert "marked" not in str(world.ledger.journal.read().entries[-1])


class _Killed(BaseException):
    """As sudden as a kill."""


def _die(*arguments: Any, **options: Any) -> None:
    raise _Killed

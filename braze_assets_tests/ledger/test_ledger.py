"""The ledger: the fence, receipts, the fold, dying at any instant (K16, X1, X3); on a folder and on S3."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from braze_assets.errors import LedgerError, LedgerMovedError
from braze_assets.ledger import Ledger
from braze_assets.ledger.delta import CommitConflict
from braze_assets.ledger.rewrite import Rewrite
from braze_assets.storage import StoredTable, connect
from braze_assets_tests.plan.world import World, day

TYPES = {"a": "BIGINT", "Loyalty Points": "VARCHAR"}


def users(count: int, **values: Any) -> list[dict[str, Any]]:
    return [{"external_id": f"u{number}", "a": number, **values} for number in range(count)]


@pytest.fixture
def world(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> World:
    return World(connection, str(tmp_path))


@pytest.fixture
def anywhere(connection: duckdb.DuckDBPyConnection, storage_url: str) -> World:
    return World(connection, storage_url)


def test_a_whole_send_on_a_folder_and_on_s3(anywhere: World) -> None:
    """K16: the ledger holds what was accepted, and the same data again is nothing."""
    table = anywhere.rows(users(3), TYPES)
    header, plan = anywhere.plan(table)
    objects, result = anywhere.send(header, plan)
    assert [row["n"] for row in objects] == [0, 1, 2]
    assert (result.accepted, result.rejected, result.unknown, result.users) == (3, 0, 0, 3)
    assert anywhere.held() == {f"u{number}": {"a": number} for number in range(3)}
    assert anywhere.sync_rows(table) == []
    changed = anywhere.rows([*users(2), {"external_id": "u2", "a": 2, "Loyalty Points": "x"}], TYPES)
    assert anywhere.sync_rows(changed) == [
        {"external_id": "u2", "_update_existing_only": True, "Loyalty Points": "x"}
    ]
    assert anywhere.held()["u2"] == {"a": 2, "Loyalty Points": "x"}


def test_two_plans_of_one_position_only_one_begins(anywhere: World) -> None:
    """The ledger keeps the promise where the pool does not keep the peace."""
    table = anywhere.rows(users(1), TYPES)
    first, second = anywhere.plan(table), anywhere.plan(table)
    anywhere.begin(*first)
    with pytest.raises(LedgerMovedError, match="Make the plan again"):
        anywhere.begin(*second)


def test_of_two_writers_of_one_step_one_fails(anywhere: World) -> None:
    header, plan = anywhere.plan(anywhere.rows(users(1), TYPES))
    anywhere.begin(header, plan)
    state = anywhere.ledger.journal.read()
    other = Ledger(anywhere.storage, anywhere.sync, "external_id").journal
    entry = state.entries[-1]
    step = type(entry)(**{**vars(entry), "sequence": 2, "state": "resumed"})
    other.append(other.read(), step)
    with pytest.raises(CommitConflict):
        anywhere.ledger.journal.append(state, step)
    assert [e.sequence for e in anywhere.ledger.journal.read().entries] == [1, 2]


def test_a_run_that_was_overtaken_stops(world: World) -> None:
    """A resumed plan moves the fence; whoever held it may record no more."""
    header, plan = world.plan(world.rows(users(2), TYPES))
    first = world.begin(header, plan)
    objects = world.pending(first, plan)
    world.record(first, objects[:1])
    second = world.begin(header, plan)
    assert second.resumed
    with pytest.raises(LedgerMovedError, match="Another run"):
        world.record(first, objects[1:])
    with pytest.raises(LedgerMovedError):
        first.finish(world.connection, world.tick())
    assert [row["n"] for row in world.pending(second, plan)] == [1]


def test_resuming_sends_only_what_has_no_answer(world: World) -> None:
    """X3: accepted and rejected objects are done; unknown ones go again."""
    header, plan = world.plan(world.rows(users(4), TYPES))
    send = world.begin(header, plan)
    objects = world.pending(send, plan)
    for row, outcome in zip(objects, ["accepted", "rejected", "unknown"], strict=False):
        world.record(send, [row], outcome)
    again = world.begin(header, plan)
    assert [row["n"] for row in world.pending(again, plan)] == [2, 3]
    world.record(again, world.pending(again, plan))
    result = again.finish(world.connection, world.tick())
    assert (result.accepted, result.rejected, result.unknown) == (3, 1, 0)
    assert len(world.held()) == 3
    finished = world.begin(header, plan)
    assert world.pending(finished, plan) == []


def test_rejected_objects_do_not_move_the_ledger(world: World) -> None:
    """X1: what Braze refused is planned again, as long as it is wanted."""
    table = world.rows(users(2), TYPES)
    header, plan = world.plan(table)
    world.send(header, plan, outcome=lambda row: "rejected" if row["identifier"] == "u1" else "accepted")
    assert set(world.held()) == {"u0"}
    header, plan = world.plan(table)
    assert header.counts.new == 1


def test_a_test_send_then_live(world: World) -> None:
    """K23: a test moves the ledger for its users only; the live send of the same plan sends the rest."""
    header, plan = world.plan(world.rows(users(5), TYPES))
    objects, result = world.send(header, plan, limit=2)
    assert len(objects) == 2
    assert (result.accepted, result.unknown) == (2, 0)
    assert len(world.held()) == 2
    assert not any("_unknown" in row for row in world.held().values())
    objects, result = world.send(header, plan)
    assert [row["n"] for row in objects] == [2, 3, 4]
    assert len(world.held()) == 5


def test_an_unfinished_send_leaves_its_attributes_unknown(world: World) -> None:
    """From begin on, whatever has no answer may or may not have arrived: it is sent again, even back."""
    old, new = (
        world.rows(users(3), TYPES),
        world.rows([{"external_id": f"u{n}", "a": 9} for n in range(3)], TYPES),
    )
    world.sync_rows(old)
    header, plan = world.plan(new)
    send = world.begin(header, plan)
    world.record(send, world.pending(send, plan)[:1])
    # The process dies here. The old table is wanted again: a plain difference would find one user.
    header, plan = world.plan(old)
    assert header.counts.objects == 3
    assert world.ledger.position().settled
    assert sum("_unknown" in row for row in world.held().values()) == 2
    world.send(header, plan)
    assert world.held() == {f"u{n}": {"a": n} for n in range(3)}
    assert world.plan(old)[0].counts.objects == 0


def test_the_fold_is_interrupted_before_its_commit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """X3: nothing is half folded; the next settle does it."""
    header, plan = world.plan(world.rows(users(3), TYPES))
    send = world.begin(header, plan)
    world.record(send, world.pending(send, plan))
    with monkeypatch.context() as patch:
        patch.setattr("braze_assets.ledger.rewrite.Rewrite.commit", _die)
        with pytest.raises(_Killed):
            send.finish(world.connection, world.tick())
    assert world.held() == {}
    result = world.ledger.settle(world.tick())
    assert result is not None
    assert result.accepted == 3
    assert len(world.held()) == 3


def test_the_fold_is_interrupted_after_its_commit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """X3: what is folded is not folded twice; only the journal is completed."""
    header, plan = world.plan(world.rows(users(3), TYPES))
    send = world.begin(header, plan)
    world.record(send, world.pending(send, plan))
    with monkeypatch.context() as patch:
        patch.setattr("braze_assets.ledger.journal.Journal.append", _die)
        with pytest.raises(_Killed):
            send.finish(world.connection, world.tick())
    assert len(world.held()) == 3
    version = world.ledger.acknowledged().version
    assert not world.ledger.position().settled
    result = world.ledger.settle(world.tick())
    assert result is not None
    assert result.accepted == 3
    assert world.ledger.acknowledged().version == version
    assert world.ledger.settle(world.tick()) is None


def test_a_begin_that_dies_before_its_commit_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, plan = world.plan(world.rows(users(1), TYPES))
    with monkeypatch.context() as patch:
        patch.setattr("braze_assets.ledger.journal.Journal.append", _die)
        with pytest.raises(_Killed):
            world.begin(header, plan)
    assert world.ledger.position().sequence == 0
    world.send(header, plan)
    assert len(world.held()) == 1


def test_two_folds_at_once_agree(anywhere: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planner settles while the sender finishes: one commit, and the same ledger."""
    header, plan = anywhere.plan(anywhere.rows(users(3), TYPES))
    send = anywhere.begin(header, plan)
    anywhere.record(send, anywhere.pending(send, plan))
    commit, calls = Rewrite.commit, []

    def meanwhile(*arguments: Any, **options: Any) -> None:
        if not calls:
            calls.append(1)
            other = Ledger(anywhere.storage, anywhere.sync, "external_id")
            assert other.settle(anywhere.tick()) is not None
        commit(*arguments, **options)

    monkeypatch.setattr(Rewrite, "commit", meanwhile)
    result = send.finish(anywhere.connection, anywhere.tick())
    assert result.accepted == 3
    assert len(anywhere.held()) == 3
    assert anywhere.ledger.acknowledged().version == 1


def test_two_first_folds_at_once_insert_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other run makes the table after this one saw that there was none."""
    header, plan = world.plan(world.rows(users(3), TYPES))
    send = world.begin(header, plan)
    world.record(send, world.pending(send, plan))
    from braze_assets.ledger.fold import Fold

    commit, calls = Fold.commit, []

    def meanwhile(*arguments: Any, **options: Any) -> int:
        if not calls:
            calls.append(1)
            assert Ledger(world.storage, world.sync, "external_id").settle(world.tick()) is not None
        return commit(*arguments, **options)

    monkeypatch.setattr(Fold, "commit", meanwhile)
    assert send.finish(world.connection, world.tick()).accepted == 3
    source = world.ledger.acknowledged().sql(world.connection)
    assert world.connection.sql(f"SELECT count(*) FROM {source}").fetchall() == [(3,)]


@pytest.mark.parametrize("step", ["gathered", "count", "commit"])
def test_a_fold_that_slept_while_newer_plans_were_sent(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """X2: the plan it was folding has been removed meanwhile; that is nobody's fault."""
    old, new = (
        world.rows(users(3), TYPES),
        world.rows([{"external_id": f"u{n}", "a": 9} for n in range(3)], TYPES),
    )
    header, plan = world.plan(old)
    send = world.begin(header, plan)
    world.record(send, world.pending(send, plan))
    from braze_assets.ledger.fold import Fold

    original, calls = getattr(Fold, step), []

    def meanwhile(*arguments: Any, **options: Any) -> Any:
        if not calls:
            calls.append(1)
            world.sync_rows(new)
        return original(*arguments, **options)

    monkeypatch.setattr(Fold, step, meanwhile)
    asleep = Ledger(world.storage, world.sync, "external_id")
    with connect() as own:
        asleep.settle(world.tick(), own)
    assert calls
    assert world.held() == {f"u{n}": {"a": 9} for n in range(3)}


def test_who_is_overtaken_while_it_begins_is_told_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """X3: found by chaos: the run that overtakes removes the plan just kept, and that was a raw error."""
    from braze_assets.ledger.kept import KeptPlans

    header, plan = world.plan(world.rows(users(3), TYPES))
    newer = world.plan(world.rows([{"external_id": f"u{n}", "a": 9} for n in range(3)], TYPES))
    keep, kept = KeptPlans.keep, []

    def then_another_begins(self: KeptPlans, plan_id: str, plan_uri: str) -> Any:
        found = keep(self, plan_id, plan_uri)
        if not kept:
            kept.append(found[0])
            world.begin(*newer)
        return found

    monkeypatch.setattr(KeptPlans, "keep", then_another_begins)
    with pytest.raises(LedgerMovedError, match="stands at step 1 now"):
        world.begin(header, plan)
    assert not StoredTable.at(*kept[0].uris).exists(), "the other run has removed it"


def test_receipts_after_a_settle_are_folded_as_well(world: World) -> None:
    """A plan made while a send goes on marks its open objects; the send's own end clears the marks."""
    table = world.rows(users(2), TYPES)
    header, plan = world.plan(table)
    send = world.begin(header, plan)
    objects = world.pending(send, plan)
    world.record(send, objects[:1])
    early, early_plan = world.plan(table)
    assert early.counts.objects == 1
    world.record(send, objects[1:])
    # Even when the sender dies now: its receipts are there.
    assert world.plan(table)[0].counts.objects == 0
    with pytest.raises(LedgerMovedError):
        world.begin(early, early_plan)
    assert world.held() == {"u0": {"a": 0}, "u1": {"a": 1}}


def test_the_begun_plan_survives_its_file(world: World) -> None:
    """The plan's file is overwritten by a newer plan, or removed, while its outcomes are not folded."""
    header, plan = world.plan(world.rows(users(2), TYPES), name="delta")
    send = world.begin(header, plan)
    world.record(send, world.pending(send, plan)[:1])
    world.plan(world.rows(users(2), TYPES), name="delta")
    assert sum("_unknown" in row for row in world.held().values()) == 1
    resumed = world.begin(header, plan)
    with pytest.raises(LedgerError, match="is not the plan"):
        world.pending(resumed, StoredTable.at(*plan.uris))
    assert len(world.pending(resumed, resumed.plan)) == 1


def test_a_lost_plan_is_said_so(world: World) -> None:
    header, plan = world.plan(world.rows(users(1), TYPES))
    send = world.begin(header, plan)
    os.remove(send.plan.uris[0])
    os.remove(plan.uris[0])
    with pytest.raises(LedgerError, match=r"Restore that file"):
        world.ledger.settle(world.tick())


def test_a_file_that_is_another_plan_is_refused(world: World) -> None:
    header, plan = world.plan(world.rows(users(1), TYPES), name="delta")
    _, plan = world.plan(world.rows(users(2), TYPES), name="delta")
    with pytest.raises(LedgerError, match="another plan"):
        world.begin(header, plan)
    assert world.ledger.position().sequence == 0


def test_two_syncs_have_two_ledgers(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """K16: two destinations have two ledgers."""
    one = World(connection, str(tmp_path), sync="one")
    two = World(connection, str(tmp_path), sync="two")
    one.sync_rows(one.rows(users(1), TYPES))
    assert two.plan(two.rows(users(1), TYPES))[0].counts.new == 1


def test_what_braze_held_then(world: World) -> None:
    world.sync_rows(world.rows(users(1), TYPES))
    version = world.ledger.acknowledged().version
    world.sync_rows(world.rows([{"external_id": "u0", "a": 7}], TYPES))
    then = world.ledger.acknowledged(version).sql(world.connection)
    assert world.connection.sql(f"SELECT a FROM {then}").fetchall() == [(0,)]


def test_lookup_of_one_user(world: World) -> None:
    """X7: what was sent for this user, when, and what came of it."""
    table = world.rows(users(2), TYPES)
    header, plan = world.plan(table)
    world.send(header, plan, outcome=lambda row: "rejected" if row["identifier"] == "u1" else "accepted")
    world.sync_rows(table)
    log = world.ledger.lookup(world.connection, "u1").to_pylist()
    assert [(row["outcome"], row["reason"], row["partition"]) for row in log] == [
        ("rejected", "because", day(0)[0]),
        ("accepted", None, day(0)[0]),
    ]
    assert world.ledger.lookup(world.connection, "' OR true --").num_rows == 0


def test_receipts_of_another_shape_are_refused(world: World) -> None:
    header, plan = world.plan(world.rows(users(1), TYPES))
    send = world.begin(header, plan)
    with pytest.raises(LedgerError, match="lack the columns"):
        send.record(pa.table({"n": [1]}))


def test_many_small_appends_are_joined_and_lose_nothing(world: World) -> None:
    header, plan = world.plan(world.rows(users(70), TYPES))
    send = world.begin(header, plan)
    for row in world.pending(send, plan):
        world.record(send, [row])
    result = send.finish(world.connection, world.tick())
    assert (result.accepted, result.unknown) == (70, 0)
    assert world.ledger.receipts.count(world.connection, send.plan_id) == 70


def test_a_damaged_log_is_refused(world: World) -> None:
    world.sync_rows(world.rows(users(1), TYPES))
    log = Path(world.ledger.uri, "sends", "_delta_log", "00000000000000000001.json")
    log.write_text("not json")
    with pytest.raises(LedgerError, match="The ledger is damaged: a line of it is not JSON"):
        world.ledger.position()


class _Killed(BaseException):
    """As sudden as a kill."""


def _die(*arguments: Any, **options: Any) -> None:
    raise _Killed

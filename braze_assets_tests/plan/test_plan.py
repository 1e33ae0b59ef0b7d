"""What a plan sends, and in which bytes (K06, K12, K14, K16, K18a, X4, X6)."""

from __future__ import annotations

import json
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from braze_assets.braze.limits import Limits
from braze_assets.errors import ConfigurationError, PlanError, StorageError
from braze_assets.plan import GuardSettings, PlanSettings, empty_plan, make_plan, preview, read_plan_header
from braze_assets.storage import StoredTable
from braze_assets_tests.plan.world import World, day, objects

TYPES = {"first_name": "VARCHAR", "ltv": "DECIMAL(18,2)", "visits": "BIGINT"}


@pytest.fixture
def world(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> World:
    return World(connection, str(tmp_path))


def user(number: int, **values: Any) -> dict[str, Any]:
    return {"external_id": f"u{number}", "first_name": "Ann", "ltv": Decimal("1.50"), "visits": 3, **values}


def test_one_cell_changed_is_one_object_with_that_attribute(world: World) -> None:
    """K16: the identifier and that attribute, nothing else; old and new value can be seen."""
    world.sync_rows(world.rows([user(1), user(2)], TYPES))
    header, plan = world.plan(world.rows([user(1), user(2, ltv=Decimal("2.00"))], TYPES))
    [row] = objects(world.connection, plan)
    assert row["object"] == '{"external_id":"u2","_update_existing_only":true,"ltv":2.00}'
    assert (row["n"], row["kind"], row["attributes"]) == (0, "changed", ["ltv"])
    assert row["previous"] == '{"ltv":1.50}'
    assert row["data_points"] == 1
    assert row["values"] == {"first_name": None, "ltv": Decimal("2.00"), "visits": None}
    assert (header.status, header.counts.changed, header.counts.objects) == ("ready", 1, 1)
    assert header.counts.bytes == len(row["object"])


def test_the_same_data_again_is_an_empty_plan_that_is_written(world: World) -> None:
    """K16: same data, 0 objects; the file is there and says so."""
    table = world.rows([user(1)], TYPES)
    world.sync_rows(table)
    header, plan = world.plan(table)
    assert header.status == "empty"
    assert plan.num_rows == 0
    assert read_plan_header(plan) == header


@pytest.mark.parametrize("identifier", ["0123", "1.10", "true", "null", 'q"uo\\te', "Ünï😀", "a'b", " x "])
def test_external_ids_are_text(world: World, identifier: str) -> None:
    """K06: they stay as they are."""
    [body] = world.sync_rows(world.rows([user(1, external_id=identifier)], TYPES))
    assert body["external_id"] == identifier
    assert set(world.held()) == {identifier}


def test_a_user_alias_is_an_object(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """K06, K14: an alias is embedded as JSON, and users are created only when asked for."""
    settings = PlanSettings(update_existing_only=False)
    world = World(connection, str(tmp_path), identifier="user_alias", settings=settings)
    alias = '{"alias_name":"a","alias_label":"b"}'
    [body] = world.sync_rows(world.rows([{"user_alias": alias, "visits": 1}], TYPES))
    assert body == {
        "user_alias": {"alias_name": "a", "alias_label": "b"},
        "_update_existing_only": False,
        "visits": 1,
    }


def test_braze_ids(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    world = World(connection, str(tmp_path), identifier="braze_id")
    [body] = world.sync_rows(world.rows([{"braze_id": "5ff2", "visits": 1}], TYPES))
    assert body == {"braze_id": "5ff2", "_update_existing_only": True, "visits": 1}


def test_attributes_come_in_table_order_in_their_json_forms(world: World) -> None:
    """K12: one documented form each, also for names that need quoting."""
    types = {
        "z": "BOOLEAN",
        "Loyalty Points": "BIGINT",
        'q"uote': "VARCHAR",
        "back`tick": "DOUBLE",
        "dob": "DATE",
        "seen": "TIMESTAMP WITH TIME ZONE",
        "tags": "VARCHAR[]",
        "a.b": "DECIMAL(9,3)",
    }
    row = {
        "external_id": "1",
        "z": False,
        "Loyalty Points": 1982,
        'q"uote': 'say "hi"\n',
        "back`tick": 0.1,
        "dob": date(1980, 1, 2),
        "seen": datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=timezone.utc),
        "tags": ["b", "a"],
        "a.b": Decimal("-0.500"),
    }
    table = world.rows([row], types, profile=["dob"])
    header, plan = world.plan(table)
    [planned] = objects(world.connection, plan)
    assert planned["object"] == (
        '{"external_id":"1","_update_existing_only":true,"z":false,"Loyalty Points":1982,'
        '"q\\"uote":"say \\"hi\\"\\n","back`tick":0.1,"dob":"1980-01-02",'
        '"seen":"2026-01-02T03:04:05.678Z","tags":["b","a"],"a.b":-0.500}'
    )
    world.send(header, plan)
    assert world.sync_rows(table) == []
    # Again with every value changed, onto a ledger that holds them.
    changed = {**row, "z": True, "Loyalty Points": 1, 'q"uote': "", "back`tick": 1.5, "tags": []}
    [body] = world.sync_rows(world.rows([changed], types))
    assert set(body) == {
        "external_id",
        "_update_existing_only",
        "z",
        "Loyalty Points",
        'q"uote',
        "back`tick",
        "tags",
    }
    assert world.sync_rows(world.rows([changed], types)) == []


def test_null_policy(world: World) -> None:
    """K18a: `omit` sends nothing for a NULL; `unset` sends null where the ledger holds something, once."""
    policy = {"visits": "unset"}
    world.sync_rows(world.rows([user(1), user(2, visits=None)], TYPES, null_policy=policy))
    empty = world.rows([user(1, ltv=None, visits=None), user(2, visits=None)], TYPES, null_policy=policy)
    header, plan = world.plan(empty)
    [row] = objects(world.connection, plan)
    assert row["object"] == '{"external_id":"u1","_update_existing_only":true,"visits":null}'
    assert (row["kind"], row["data_points"]) == ("unset", 0)
    assert header.per_attribute["visits"].unset == 1
    world.send(header, plan)
    assert world.held()["u1"] == {"first_name": "Ann", "ltv": Decimal("1.50")}
    assert world.sync_rows(empty) == []
    # Re-entry works.
    assert world.sync_rows(world.rows([user(1), user(2, visits=None)], TYPES)) == [
        {"external_id": "u1", "_update_existing_only": True, "visits": 3}
    ]


def test_a_bad_cell_touches_nothing(world: World) -> None:
    """K11, K18a: a cell that could not be read is not a NULL that was wanted."""
    world.sync_rows(world.rows([user(1)], TYPES, null_policy="unset"))
    finding = [{"attribute": "visits", "problem": "not_a_number", "detail": None}]
    assert (
        world.sync_rows(world.rows([user(1, visits=None, _findings=finding)], TYPES, null_policy="unset"))
        == []
    )


def test_an_empty_string_is_a_value(world: World) -> None:
    """K12."""
    [body] = world.sync_rows(world.rows([user(1, first_name="")], TYPES))
    assert body["first_name"] == ""


def test_bad_rows_are_left_out_with_a_reason_and_the_rest_goes_on(world: World) -> None:
    """K06: null and duplicate identifiers are row errors; a ledger user behind one did not vanish."""
    world.settings = PlanSettings(removed_rows="unset")
    world.sync_rows(world.rows([user(1), user(2)], TYPES))
    rows = [
        user(1, visits=4),
        user(2, visits=5, _error="duplicate_identifier"),
        user(2, visits=6, _error="duplicate_identifier"),
        user(3, external_id=None, _error="null_identifier"),
    ]
    header, plan = world.plan(world.rows(rows, TYPES))
    planned = objects(world.connection, plan)
    assert [row["external_id"] for row in planned if row["n"] is not None] == ["u1"]
    left = sorted(row["reason"] for row in planned if row["kind"] == "left_out")
    assert left == ["duplicate_identifier", "duplicate_identifier", "null_identifier"]
    assert all(row["object"] is None for row in planned if row["kind"] == "left_out")
    assert (header.counts.left_out, header.counts.vanished, header.counts.users) == (3, 0, 4)


def test_vanished_users(world: World) -> None:
    """K18a: kept by default; `unset` removes every attribute held, once."""
    both, one = world.rows([user(1), user(2)], TYPES), world.rows([user(1)], TYPES)
    world.sync_rows(both)
    header, _ = world.plan(one)
    assert (header.counts.objects, header.counts.vanished) == (0, 1)
    world.settings = PlanSettings(removed_rows="unset")
    assert world.sync_rows(one) == [
        {"external_id": "u2", "_update_existing_only": True, "first_name": None, "ltv": None, "visits": None}
    ]
    assert world.sync_rows(one) == []
    assert len(world.sync_rows(both)) == 1


def test_columns_appear_and_vanish(world: World) -> None:
    """K16: a new column is sent for everybody, a vanished one is left alone unless asked for."""
    world.sync_rows(world.rows([user(1)], TYPES))
    wider = {**TYPES, "tier": "VARCHAR"}
    assert world.sync_rows(world.rows([user(1, tier="gold")], wider)) == [
        {"external_id": "u1", "_update_existing_only": True, "tier": "gold"}
    ]
    narrow = world.rows([user(1)], TYPES)
    header, _ = world.plan(narrow)
    assert header.counts.objects == 0
    assert "tier" in header.note
    world.settings = PlanSettings(removed_attributes="unset")
    assert world.sync_rows(narrow) == [{"external_id": "u1", "_update_existing_only": True, "tier": None}]
    assert world.sync_rows(narrow) == []


def test_a_column_renamed_in_case_only(world: World) -> None:
    """Braze's names are case-sensitive, DuckDB's and Delta's are not."""
    world.sync_rows(
        world.rows([{"external_id": "u1", "Visits": 3, "x": 1}], {"Visits": "BIGINT", "x": "BIGINT"})
    )
    table = world.rows([{"external_id": "u1", "visits": 3, "x": 1}], {"visits": "BIGINT", "x": "BIGINT"})
    assert world.sync_rows(table) == [{"external_id": "u1", "_update_existing_only": True, "visits": 3}]
    assert world.held() == {"u1": {"visits": 3, "x": 1}}
    assert world.sync_rows(table) == []


def test_numbers_may_widen_without_being_sent_again(world: World) -> None:
    """X5: an integer and the decimal of the same value are one number to Braze; text is not."""
    world.sync_rows(world.rows([user(1), user(2)], TYPES))
    wider = {**TYPES, "visits": "DECIMAL(20,1)"}
    rows = [user(1, visits=Decimal("3.0")), user(2, visits=Decimal("3.5"))]
    header, plan = world.plan(world.rows(rows, wider))
    assert not header.blocked
    sent, _ = world.send(header, plan)
    assert [json.loads(row["object"]) for row in sent] == [
        {"external_id": "u2", "_update_existing_only": True, "visits": 3.5}
    ]
    assert world.sync_rows(world.rows(rows, wider)) == []
    assert world.held()["u1"]["visits"] == Decimal("3.0")


def test_an_allowed_type_flip_starts_afresh(world: World) -> None:
    """X5: the column is sent again for everybody; who was not reached is unknown, not forgotten."""
    policy = {"visits": "unset"}
    world.sync_rows(world.rows([user(1), user(2), user(3)], TYPES, null_policy=policy))
    text = {**TYPES, "visits": "VARCHAR"}
    rows = world.rows(
        [user(1, visits="three"), user(2, visits="two"), user(3, visits=None)], text, null_policy=policy
    )
    header, plan = world.plan(rows)
    assert header.blocked
    assert header.flipped == ("visits",)
    assert "BIGINT" in header.blocking[0].message
    world.settings = PlanSettings(guards=GuardSettings(allow_type_change=["visits"]))
    header, plan = world.plan(rows)
    assert not header.blocked
    assert header.counts.objects == 3
    world.send(header, plan, limit=1)
    header, plan = world.plan(rows)
    assert header.counts.objects == 2
    world.send(header, plan)
    assert {who: row.get("visits") for who, row in world.held().items()} == {
        "u1": "three",
        "u2": "two",
        "u3": None,
    }
    assert world.sync_rows(rows) == []


def test_an_older_partition_is_stale(world: World) -> None:
    """X6: an older partition never overwrites newer values; a rewind is asked for and says what it does."""
    old = world.rows([user(1, visits=1)], TYPES)
    world.day = 2
    world.sync_rows(world.rows([user(1, visits=2)], TYPES))
    world.day = 1
    header, plan = world.plan(old)
    assert (header.status, header.counts.objects, plan.num_rows) == ("stale", 0, 0)
    assert day(2)[0] in header.note
    assert not header.blocked
    header, plan = world.plan(old, rewind=True)
    assert header.counts.objects == 1
    [verdict] = [v for v in header.verdicts if v.guard == "stale_partition"]
    assert (verdict.passed, verdict.allowed) == (False, True)
    assert "1 values of 1 users" in verdict.message
    world.send(header, plan)
    assert world.held()["u1"]["visits"] == 1
    assert world.ledger.position().partition == day(1)[0]


def test_an_empty_plan_that_was_sent_moves_the_partition(world: World) -> None:
    """X6: a newer day without changes still makes the older one stale."""
    table = world.rows([user(1)], TYPES)
    world.sync_rows(table)
    world.day = 3
    assert world.sync_rows(table) == []
    world.day = 2
    assert world.plan(world.rows([user(1, visits=9)], TYPES))[0].status == "stale"


def test_a_collapsed_partition(world: World) -> None:
    """D7: the earlier partitions of a range are written as empty, and say into which they are collapsed."""
    header, _ = world.plan(world.rows([user(1)], TYPES))
    key, as_of = day(-1)
    plan = empty_plan(header, partition=key, as_of=as_of, status="collapsed", into=header.partition)
    stored = world.store(plan)
    read = read_plan_header(stored)
    assert (read.status, read.partition) == ("collapsed", key)
    assert f"into partition {day(0)[0]}" in read.note
    assert read.plan_id != header.plan_id
    assert stored.num_rows == 0
    assert stored.schema.names[0] == "n"


def test_the_header_survives_its_file(world: World) -> None:
    header, plan = world.plan(world.rows([user(1)], TYPES))
    assert read_plan_header(plan) == header
    with pytest.raises(PlanError, match="not a plan"):
        read_plan_header(world.rows([user(1)], TYPES))


def test_plan_ids_sort_by_time(world: World) -> None:
    table = world.rows([user(1)], TYPES)
    ids = [world.plan(table)[0].plan_id for _ in range(3)]
    assert ids == sorted(set(ids))


def test_what_it_costs(world: World) -> None:
    """X4: data points by attribute: what is set counts, arrays once, consent fields and unsets never."""
    types = {"visits": "BIGINT", "tags": "VARCHAR[]", "email_subscribe": "VARCHAR"}
    rows = [
        {"external_id": "1", "visits": 1, "tags": ["a", "b"], "email_subscribe": "subscribed"},
        {"external_id": "2", "visits": None, "tags": ["a"], "email_subscribe": None},
    ]
    header, _ = world.plan(world.rows(rows, types, profile=["email_subscribe"]))
    assert (header.counts.data_points, header.counts.data_points_if_resent) == (3, 3)
    assert header.per_attribute["tags"].data_points == 2
    assert header.per_attribute["email_subscribe"].data_points == 0
    assert header.per_attribute["email_subscribe"].set == 1
    assert header.counts.attributes == 4
    world.sync_rows(world.rows(rows, types))
    header, _ = world.plan(world.rows([{**rows[0], "visits": 2}, rows[1]], types))
    assert (header.counts.data_points, header.counts.data_points_if_resent) == (1, 3)


def test_an_object_larger_than_a_request_is_left_out(world: World) -> None:
    world.settings = PlanSettings(limits=Limits(bytes_per_request=300))
    header, plan = world.plan(world.rows([user(1), user(2, first_name="x" * 250)], TYPES))
    [big] = [row for row in objects(world.connection, plan) if row["kind"] == "left_out"]
    assert (big["reason"], big["object"], big["n"]) == ("object_too_large", None, None)
    assert (header.counts.objects, header.counts.left_out, header.counts.data_points) == (1, 1, 3)
    assert not header.blocked


def test_many_objects_are_numbered_in_file_order(world: World) -> None:
    _, plan = world.plan(world.rows([{"external_id": f"u{n}", "visits": n} for n in range(5000)], TYPES))
    assert [row["n"] for row in objects(world.connection, plan)] == list(range(5000))


def test_a_preview_has_no_personal_data_unless_asked(world: World) -> None:
    """X15."""
    partition, as_of = day(0)
    plan = make_plan(
        world.connection,
        sync="crm",
        rows=world.rows([user(1), user(2, external_id=None, _error="null_identifier")], TYPES),
        ledger=world.ledger,
        settings=PlanSettings(),
        partition=partition,
        as_of=as_of,
        now=world.tick(),
    )
    assert preview(plan) == [
        (0, "new", "first_name, ltv, visits"),
        (None, "left_out", " (null_identifier)"),
    ] or preview(plan)[0] == (0, "new", "first_name, ltv, visits")
    assert "Ann" in preview(plan, include_values=True)[0][2]
    assert "Ann" not in str(preview(plan))
    assert "u1" not in str(preview(plan))


def test_bad_input(world: World, connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    table = world.rows([user(1)], TYPES)
    with pytest.raises(ConfigurationError, match="no guard named share_chnaged"):
        world.plan(table, allow={"share_chnaged"})
    with pytest.raises(StorageError, match="not there"):
        world.plan(StoredTable.at(tmp_path / "nothing.parquet"))
    other = World(connection, str(tmp_path), identifier="braze_id")
    with pytest.raises(PlanError, match="identifier is external_id"):
        other.plan(table)
    with pytest.raises(PlanError, match="no attributes"):
        world.plan(world.rows([{"external_id": "1"}], {}))

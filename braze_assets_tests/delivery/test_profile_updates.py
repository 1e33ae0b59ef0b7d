"""What Braze says that attributes became, against what it acknowledged (K42, X10)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from braze_assets.currents.events import fields_of
from braze_assets.currents.profile_updates import PROFILE_UPDATE, profile_update, updates_sql
from braze_assets.delivery.canonical import from_json_form
from braze_assets.delivery.profile_updates import DIFFERENCES, Comparison, compare_updates
from braze_assets.delivery.sameness import same
from braze_assets.ledger.operations import Doubt, operate
from braze_assets.rows import AttributeType, json_form
from braze_assets.storage import connect
from braze_assets_tests.plan.world import NOW, World

MINUTE = timedelta(minutes=1)
_ARROW = {"int": pa.int64(), "long": pa.int64(), "boolean": pa.bool_()}
SCHEMA = pa.schema(
    [
        *((each.name, _ARROW.get(each.type, pa.string())) for each in fields_of(PROFILE_UPDATE)),
        ("event_time", pa.timestamp("us", tz="UTC")),
    ]
)
TYPES = {
    "a": "BIGINT",
    "b": "BIGINT",
    "email": "VARCHAR",
    "price": "DECIMAL(10,2)",
    "since": "DATE",
    "seen": "TIMESTAMP WITH TIME ZONE",
    "tags": "VARCHAR[]",
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with connect() as connection:
        yield World(connection, str(tmp_path / "storage"))


def table(events: Sequence[dict[str, Any]]) -> pa.Table:
    rows = [
        {**each, "event_time": pa.scalar(each["time"] * 1_000_000, pa.timestamp("us", tz="UTC")).as_py()}
        for each in events
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def compare(
    world: World, events: Sequence[dict[str, Any]], others: Sequence[dict[str, Any]] = ()
) -> tuple[dict[tuple[str, str], str], Comparison]:
    """Identifier and attribute to the verdict of each difference; and the figures."""
    world.connection.register("of_the_hour", table(events))
    world.connection.register("of_others", table(others))
    found = compare_updates(
        world.connection,
        world.ledger,
        updates_sql("of_the_hour", SCHEMA.names, world.identifier),
        others=lambda users: updates_sql("of_others", SCHEMA.names, world.identifier, users),
    )
    rows = world.connection.sql(f"SELECT identifier, attribute, verdict FROM {DIFFERENCES}").fetchall()
    return {(identifier, name): verdict for identifier, name, verdict in rows}, found


def user(number: int, **values: Any) -> dict[str, Any]:
    return {"external_id": f"u{number}", "a": number, "b": 0, **values}


def update(number: int, at: datetime, source: str = "SDK", **values: Any) -> dict[str, Any]:
    return profile_update(number, at, values, external_id=f"u{number}", source=source)


def test_each_value_has_one_verdict(world: World) -> None:
    """K42: equal, changed afterwards, ours is later, not in the sync, unknown user."""
    world.sync_rows(world.rows([user(n, email=f"u{n}@example.com") for n in range(6)], TYPES))
    sent = world.now
    verdicts, found = compare(
        world,
        [
            update(0, sent + MINUTE, a=0, email="U0@example.com"),
            update(1, sent + 9 * MINUTE, a=77),
            update(2, sent - 9 * MINUTE, a=77),
            update(3, sent + MINUTE, colour="red", a=None),
            update(4, sent + MINUTE, tags=["x"]),
            update(99, sent + MINUTE, a=1, colour="red"),
            profile_update(5, sent, {"a": 1}, external_id=None),
        ],
    )
    assert verdicts == {
        ("u1", "a"): "changed_since",
        ("u2", "a"): "ours_is_later",
        ("u3", "a"): "changed_since",
        ("u4", "tags"): "not_held",
    }
    assert {name: count for name, count in found.values.items() if count} == {
        "equal": 2,
        "changed_since": 2,
        "ours_is_later": 1,
        "not_held": 1,
        "not_in_sync": 1,
        "unknown_user": 2,
        "unidentified": 1,
    }
    assert (found.events, found.users, found.unreadable) == (7, 6, 0)
    assert dict(found.changed) == {"a": 2}


def test_the_latest_value_of_a_user_and_attribute_wins_whatever_the_order(world: World) -> None:
    """X10: late, repeated and out of order, within the hour and in hours beside it."""
    world.sync_rows(world.rows([user(n) for n in range(4)], TYPES))
    at = world.now + timedelta(hours=1)
    events = [
        update(0, at + 2 * MINUTE, a=0),
        update(0, at, a=5),
        update(1, at, a=1),
        {**update(1, at, a=6), "id": "later", "time_ms": update(1, at)["time_ms"] + 1},
        update(2, at, a=7, b=7),
        update(3, at, a=8),
    ]
    elsewhere = [update(2, at + MINUTE, a=2), update(3, at - MINUTE, a=3)]
    for order in (events, events[::-1]):
        verdicts, _ = compare(world, order, elsewhere)
        assert verdicts == {
            ("u1", "a"): "changed_since",
            ("u2", "a"): "newer_event",
            ("u2", "b"): "changed_since",
            ("u3", "a"): "changed_since",
        }


def test_when_an_attribute_was_acknowledged_is_known_from_its_own_receipts(world: World) -> None:
    """A later send of another attribute does not make ours the later one."""
    world.sync_rows(world.rows([user(n) for n in range(3)], TYPES))
    between = world.now + timedelta(hours=1)
    world.now += timedelta(days=1)
    world.sync_rows(world.rows([user(0, b=1), {**user(1), "a": 9}, user(2)], TYPES))
    verdicts, _ = compare(world, [update(n, between, a=50) for n in range(3)])
    assert verdicts == {
        ("u0", "a"): "changed_since",
        ("u1", "a"): "ours_is_later",
        ("u2", "a"): "changed_since",
    }


def test_without_receipts_the_row_says_when(world: World) -> None:
    """Retention has taken the receipts: what cannot be told is not taken for somebody else's change."""
    world.sync_rows(world.rows([user(n) for n in range(2)], TYPES))
    world.ledger.receipts.forget(world.tick())
    verdicts, _ = compare(
        world, [update(0, world.now - 30 * MINUTE, a=50), update(1, world.now + 30 * MINUTE, a=50)]
    )
    assert verdicts == {("u0", "a"): "ours_is_later", ("u1", "a"): "changed_since"}


def test_what_braze_makes_of_our_own_value_is_not_somebody_elses(world: World) -> None:
    """To send it again would not help: the same would come of it each time."""
    world.sync_rows(world.rows([user(n) for n in range(4)], TYPES))
    after = world.now + timedelta(seconds=2)
    verdicts, found = compare(
        world,
        [
            update(0, after, source="REST", a=7),
            update(1, after, source="SDK", a=7),
            update(2, after, source="REST", a=2),
            update(2, after + MINUTE, source="REST", a=7),
            update(3, after + timedelta(hours=1), source="REST", a=7),
        ],
    )
    assert verdicts == {
        ("u0", "a"): "taken_otherwise",
        ("u1", "a"): "changed_since",
        ("u2", "a"): "changed_since",
        ("u3", "a"): "changed_since",
    }
    assert dict(found.taken_otherwise) == {"a": 1}


def test_a_value_that_we_removed_and_somebody_sets_again_is_a_change(world: World) -> None:
    world.sync_rows(world.rows([user(n) for n in range(2)], TYPES))
    world.sync_rows(world.rows([{**user(0), "a": None}, user(1)], TYPES, null_policy="unset"))
    verdicts, _ = compare(world, [update(0, world.now + 9 * MINUTE, a=0)])
    assert verdicts == {("u0", "a"): "changed_since"}
    verdicts, _ = compare(world, [update(0, world.now + 9 * MINUTE, a=None)])
    assert verdicts == {}


def test_other_spellings_are_no_difference_and_hidden_values_are_not_compared(world: World) -> None:
    email = "u1@example.com"
    world.sync_rows(
        world.rows(
            [
                user(
                    n,
                    email=email,
                    price=Decimal("1.50"),
                    since=datetime(2026, 1, 2).date(),  # noqa: DTZ001 - only the date of it
                    seen=NOW,
                    tags=["x", "y"],
                )
                for n in range(3)
            ],
            TYPES,
        )
    )
    at = world.now + 9 * MINUTE
    spelled = {
        "a": "0",
        "price": 1.5,
        "since": "2026-01-02T00:00:00.000+00:00",
        "seen": "2026-11-22 03:00:00 UTC",
        "tags": ["x", "y"],
    }
    events = [
        {**update(0, at, **spelled), "email_address": "[REDACTED]"},
        {**update(1, at), "email_address": hashlib.sha256(email.encode()).hexdigest()},
        {**update(2, at, tags=["y", "x"]), "email_address": hashlib.sha256(b"else").hexdigest()},
    ]
    verdicts, found = compare(world, events)
    assert verdicts == {("u2", "tags"): "changed_since"}
    assert found.values == {"equal": 6, "hidden": 2, "changed_since": 1}


@pytest.mark.parametrize("text", ["[REDACTED]", "{", "[1]", "5", ""])
def test_custom_attributes_that_are_no_object_are_counted_and_the_rest_is_compared(
    world: World, text: str
) -> None:
    world.sync_rows(world.rows([user(0, email="a@example.com")], TYPES))
    damaged = {**update(0, world.now + 9 * MINUTE, email="b@example.com"), "custom_attributes": text}
    verdicts, found = compare(world, [damaged])
    assert verdicts == {("u0", "email"): "changed_since"}
    assert found.unreadable == 1


def test_doubt_has_the_next_plan_send_those_values_and_no_others(world: World) -> None:
    """K42: marked in one commit behind the fence; a plan made before is refused; again it does nothing."""
    wanted = world.rows([user(n) for n in range(4)], TYPES)
    world.sync_rows(wanted)
    compare(world, [update(1, world.now + 9 * MINUTE, a=70), update(2, world.now + 9 * MINUTE, b=70)])
    doubt = Doubt(f"(SELECT identifier, attribute FROM {DIFFERENCES})", "changed in Braze by somebody else")
    before = world.ledger.journal.read().sequence
    done = operate(world.ledger, doubt, world.connection, now=world.tick())
    assert (done.done, done.size.users, done.size.values) == (True, 2, 2)
    assert world.ledger.journal.read().sequence == before + 1
    again = operate(world.ledger, doubt, world.connection, now=world.tick())
    assert not again.done
    verdicts, found = compare(world, [update(1, world.now + 9 * MINUTE, a=70)])
    assert verdicts == {("u1", "a"): "outcome_unknown"}
    assert found.values == {"outcome_unknown": 1}
    sent = world.sync_rows(wanted)
    assert sorted((each["external_id"], *sorted(set(each) & {"a", "b"})) for each in sent) == [
        ("u1", "a"),
        ("u2", "b"),
    ]
    assert world.sync_rows(wanted) == []


def test_doubt_of_what_the_ledger_does_not_have_changes_nothing(world: World) -> None:
    world.sync_rows(world.rows([user(0)], TYPES))
    values = "(SELECT unnest(['u0', 'u9']) AS identifier, unnest(['nothing', 'a']) AS attribute)"
    assert not operate(world.ledger, Doubt(values, "a test"), world.connection, now=world.tick()).done
    assert "_unknown" not in world.held()["u0"]


def test_users_are_known_by_braze_id_too(tmp_path: Path) -> None:
    with connect() as connection:
        world = World(connection, str(tmp_path / "storage"), identifier="braze_id")
        world.sync_rows(world.rows([{"braze_id": "b1", "a": 1}], TYPES))
        event = profile_update(1, world.now + 9 * MINUTE, {"a": 2}, external_id=None, braze_id="b1")
        assert compare(world, [event])[0] == {("b1", "a"): "changed_since"}


def test_an_empty_ledger_knows_nobody(world: World) -> None:
    verdicts, found = compare(world, [update(1, world.now, a=1)])
    assert verdicts == {}
    assert found.values == {"unknown_user": 1}


VALUES = {
    "BOOLEAN": st.booleans(),
    "BIGINT": st.integers(-(2**63), 2**63 - 1),
    "DOUBLE": st.floats(allow_nan=False, allow_infinity=False),
    "VARCHAR": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    "DATE": st.dates(min_value=datetime(1900, 1, 1).date()),  # noqa: DTZ001 - only the date of it
    "DECIMAL(20,4)": st.decimals(-(10**15), 10**15, places=4),
    "VARCHAR[]": st.lists(st.text("abc", max_size=3), unique=True),
    "DECIMAL(10,2)[]": st.lists(st.decimals(0, 10**7, places=2), unique=True),
}


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_canonical_value_is_read_back_from_its_json_form(data: st.DataObject) -> None:
    sql = data.draw(st.sampled_from(sorted(VALUES)))
    value = data.draw(VALUES[sql])
    kind = AttributeType.from_sql(sql)
    with connect() as connection:
        [(canonical, text)] = connection.sql(
            f"SELECT v, {json_form('v', kind)} FROM (SELECT CAST($value AS {sql}) AS v)",
            params={"value": value},
        ).fetchall()
    assert from_json_form(text, kind) == canonical
    assert same(canonical, json.loads(text, parse_float=Decimal), kind)

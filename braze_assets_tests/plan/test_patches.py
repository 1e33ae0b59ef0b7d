"""K18b: a patch makes exactly the new value of the old one, sent once or twice; else all of it is sent."""

from __future__ import annotations

import json
import tempfile
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from braze_assets.braze.limits import Limits
from braze_assets.emulator.nested import deep_merge, key_count
from braze_assets.emulator.workspace import Workspace
from braze_assets.ledger import Projection
from braze_assets.plan import GuardSettings, PlanSettings
from braze_assets.plan.cost import object_points
from braze_assets.plan.merge_patch import merge_patch
from braze_assets.rows import AttributeType
from braze_assets.storage import quote_literal
from braze_assets_tests.emulator.helpers import send, workspace
from braze_assets_tests.plan.world import World, objects

OBJECT = AttributeType("Object").sql
TYPES = {
    "l": "VARCHAR[]",
    "i": "BIGINT[]",
    "o": OBJECT,
    "p": OBJECT,
    "w": OBJECT,
    "os": f"{OBJECT}[]",
    "n": "BIGINT",
}
PATCHED = ("l", "i", "o", "p")
ITEMS = 6
"""So few that arrays reach their limit."""

WORDS = st.sampled_from(["a", "b", "c d", "long enough to be worth it", 'q"uo":te', "ö", "7"])
LISTS = st.lists(WORDS, max_size=ITEMS, unique=True)
LEAVES = (
    WORDS
    | st.integers(-3, 3)
    | st.booleans()
    | st.lists(WORDS, max_size=2)
    | st.just({"$time": "2026-01-02"})
)
KEYS = st.sampled_from(["a", "b", "c", "ä"])
FIELDS = st.recursive(
    LEAVES, lambda inner: st.dictionaries(KEYS, inner, min_size=1, max_size=3), max_leaves=5
)
OBJECTS = st.dictionaries(KEYS, FIELDS, min_size=1, max_size=4)


def canonical(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)


@st.composite
def changes(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> tuple[Any, Any]:
    """An old and a new value that often have something in common."""
    old, new = draw(st.none() | values), draw(st.none() | values)
    if isinstance(old, list) and draw(st.booleans()):
        kept = [item for item in old if draw(st.booleans())]
        new = [*kept, *(item for item in (new or [])[: draw(st.integers(0, 2))] if item not in kept)][:ITEMS]
    if isinstance(old, dict) and draw(st.booleans()):
        new = deep_merge(old, new or {})
    return old, new


USERS = st.fixed_dictionaries(
    {
        "l": changes(LISTS),
        "i": changes(st.lists(st.integers(10**15, 10**15 + 8), max_size=ITEMS, unique=True)),
        "o": changes(OBJECTS),
        "p": changes(OBJECTS),
        "w": changes(OBJECTS),
        "os": changes(st.lists(OBJECTS, max_size=2)),
        "n": changes(st.integers(0, 2)),
    }
)
OUTCOMES = st.sampled_from(["accepted", "accepted", "accepted", "applied", "lost", "rejected"])
"""What becomes of a user's first object; `applied` and `lost` are unknown to the ledger."""


def row(number: int, user: dict[str, Any], which: int) -> dict[str, Any]:
    cells: dict[str, Any] = {"external_id": f"u{number}"}
    for name, pair in user.items():
        value = pair[which]
        if value is not None and name in ("o", "p", "w"):
            value = {"$json": canonical(value)}
        if value is not None and name == "os":
            value = [{"$json": canonical(item)} for item in value]
        cells[name] = value
    return cells


def values(space: Workspace, number: int) -> dict[str, Any]:
    return dict(space.profiles.by_external_id[f"u{number}"].attributes)


def world(connection: duckdb.DuckDBPyConnection, **options: Any) -> World:
    guards = GuardSettings(max_share_changed=None, max_share_removed=None)
    plan_settings = PlanSettings(guards=guards, limits=Limits(array_items=ITEMS), **options)
    return World(connection, tempfile.mkdtemp(prefix="braze-patches-"), settings=plan_settings)


@settings(
    deadline=None,
    max_examples=15,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.tuples(USERS, OUTCOMES), min_size=1, max_size=12), st.sampled_from(["omit", "unset"]))
def test_patches_are_the_whole_value(
    connection: duckdb.DuckDBPyConnection, users: list[tuple[dict[str, Any], str]], policy: str
) -> None:
    """Whatever changed and whatever became of the send before: Braze holds what the table says."""
    crm, space = world(connection), workspace(array_items=ITEMS)
    send(space, *({"external_id": f"u{number}"} for number in range(len(users))))
    space.settle()
    outcomes = {f"u{number}": outcome for number, (_, outcome) in enumerate(users)}

    def table(which: int) -> Any:
        rows = [row(number, user, which) for number, (user, _) in enumerate(users)]
        return crm.rows(rows, TYPES, null_policy=policy, patched=PATCHED)

    def first(sent: dict[str, Any]) -> str | None:
        outcome = outcomes[sent["identifier"]]
        if outcome in ("accepted", "applied"):
            assert send(space, json.loads(sent["object"]))["message"] == "success"
        return outcome if outcome in ("accepted", "rejected") else None

    crm.send(*crm.plan(table(0)), outcome=first)
    space.settle()

    crm.day += 1
    header, plan = crm.plan(table(1))
    sent = {one["external_id"]: one for one in objects(connection, plan) if one["object"]}
    points, counted = 0, 0
    for number, (user, outcome) in enumerate(users):
        one = sent.get(f"u{number}")
        before = values(space, number)
        if one:
            body = json.loads(one["object"])
            check_shape(body, user, outcome)
            start = space.counters.data_points
            assert send(space, body)["message"] == "success"
            space.settle()
            counted += space.counters.data_points - start
            points += one["data_points"]
        after = values(space, number)
        for name, (_, new) in user.items():
            if new is not None:
                assert after.get(name) == new, name
            elif policy == "unset":
                assert name not in after
            else:
                assert after.get(name) == before.get(name)
        if one:
            assert send(space, body)["message"] == "success"  # retried after it was applied
            space.settle()
            assert canonical(values(space, number)) == canonical(after)
    assert header.counts.data_points == points == counted
    assert points == sum(count.data_points for count in header.per_attribute.values())

    crm.send(header, plan)
    again, _ = crm.plan(table(1))
    assert again.counts.objects == 0


def check_shape(body: dict[str, Any], user: dict[str, Any], outcome: str) -> None:
    """Patches only where they may be, and only if they are smaller."""
    merged = body.get("_merge_objects") is True
    whole_size = patch_size = 0
    for name in body.keys() & TYPES.keys():
        sent, (old, new) = body[name], user[name]
        if sent == new:
            assert not (merged and name in ("w", "os")), "an object sent whole is merged"
            continue
        if sent is None:
            continue
        assert name in PATCHED
        known = outcome == "accepted" and old is not None
        assert known, "a patch of a value that is not known"
        if name in ("o", "p"):
            assert merged
        else:
            assert set(sent) <= {"add", "remove"}
            assert len(sent.get("add", ())) <= 1
        whole_size, patch_size = whole_size + len(canonical(new)), patch_size + len(canonical(sent))
    assert patch_size <= whole_size


@settings(deadline=None, max_examples=300, derandomize=True)
@given(changes(OBJECTS))
def test_merge_patch(pair: tuple[Any, Any]) -> None:
    old, new = (value or {"a": 1} for value in pair)
    text = merge_patch(canonical(old), canonical(new))
    if text is None:
        return
    patch = json.loads(text)
    once = deep_merge(old, patch)
    assert canonical(once) == canonical(new)
    assert canonical(deep_merge(once, patch)) == canonical(new)
    assert len(text.encode()) <= len(canonical(new).encode())


@pytest.mark.parametrize(
    ("old", "new", "patch"),
    [
        ('{"a":1,"b":2}', '{"a":1,"b":3}', '{"b":3}'),
        ('{"a":1}', '{"a":1,"b":{"c":[1]}}', '{"b":{"c":[1]}}'),
        ('{"a":{"b":1.50,"c":2}}', '{"a":{"b":1.500,"c":2}}', '{"a":{"b":1.500}}'),
        ('{"a":12345678901234567890.12345678901234567890,"b":1}', '{"a":0.1234567890123456789012,"b":1}',
         '{"a":0.1234567890123456789012}'),
        ('{"a":1}', '{"a":true}', '{"a":true}'),
        ('{"a":{"$time":"2026-01-01"},"b":1}', '{"a":{"$time":"2026-01-02"},"b":1}',
         '{"a":{"$time":"2026-01-02"}}'),
        ('{"a":1,"b":2}', '{"a":1}', None),
        ('{"x":{"a":1,"b":2}}', '{"x":{"a":1},"y":1}', None),
        ('{"a":[1]}', '{"a":[1,2]}', None),
        ('{"a":1}', '{"a":{"b":1}}', None),
        ('{"a":{"b":1}}', '{"a":1}', None),
        ('{"a":{"$time":"2026-01-01"}}', '{"a":{"b":1}}', None),
        ('{"a":1}', '{"a":1}', None),
    ],
)  # fmt: skip
def test_what_can_be_merged(old: str, new: str, patch: str | None) -> None:
    assert merge_patch(old, new) == patch


@settings(
    deadline=None,
    max_examples=100,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(OBJECTS)
def test_every_key_is_a_data_point(connection: duckdb.DuckDBPyConnection, value: Any) -> None:
    text = quote_literal(canonical(value))
    [(points,)] = connection.sql(f"SELECT {object_points(text)}").fetchall()
    assert points == max(1, key_count(value))


LONG = [f"a value of some length {number}" for number in range(5)]


@pytest.mark.parametrize(
    ("old", "new", "sent"),
    [
        (LONG[:4], LONG[:5], {"add": LONG[4:]}),
        (LONG[:4], LONG[:3], {"remove": LONG[3:4]}),
        (LONG[:4], [*LONG[1:4], LONG[4]], {"add": LONG[4:], "remove": LONG[:1]}),
        (LONG[:3], LONG[:5], LONG[:5]),  # two added cost two data points, the whole array one
        (LONG[:4], [LONG[4], *LONG[:4]], [LONG[4], *LONG[:4]]),  # not at the end
        (LONG[:4], LONG[3::-1], LONG[3::-1]),
        (LONG[:5], [], []),
        ([*LONG, "x"], [*LONG[1:], "x", "y"], [*LONG[1:], "x", "y"]),  # over the limit on the way
        (["a"], ["a", "b"], ["a", "b"]),  # not smaller
    ],
)
def test_arrays(connection: duckdb.DuckDBPyConnection, old: list[str], new: list[str], sent: Any) -> None:
    crm = world(connection)
    crm.sync_rows(crm.rows([{"external_id": "u", "l": old}], {"l": "VARCHAR[]"}, patched=["l"]))
    table = crm.rows([{"external_id": "u", "l": new}], {"l": "VARCHAR[]"}, patched=["l"])
    header, plan = crm.plan(table)
    [one] = objects(connection, plan)
    assert json.loads(one["object"])["l"] == sent
    assert (
        one["data_points"] == header.per_attribute["l"].data_points == (0 if set(sent) == {"remove"} else 1)
    )
    assert json.loads(one["previous"]) == {"l": old}
    assert one["values"] == {"l": new}


def test_nothing_is_patched_on_what_is_only_projected(connection: duckdb.DuckDBPyConnection) -> None:
    """What a plan that is not sent yet would change was not acknowledged."""
    crm = world(connection)
    crm.sync_rows(crm.rows([{"external_id": "u", "l": LONG[:4]}], {"l": "VARCHAR[]"}, patched=["l"]))
    table = crm.rows([{"external_id": "u", "l": LONG}], {"l": "VARCHAR[]"}, patched=["l"])
    _, plan = crm.plan(table, projection=Projection(crm.ledger))
    [one] = objects(connection, plan)
    assert json.loads(one["object"])["l"] == LONG


def test_a_type_that_changed_is_sent_whole(connection: duckdb.DuckDBPyConnection) -> None:
    crm = world(connection)
    old = [{"external_id": "u", "l": [10**15, 10**15 + 1, 10**15 + 2]}]
    crm.sync_rows(crm.rows(old, {"l": "DECIMAL(18,0)[]"}, patched=["l"]))
    new = [{"external_id": "u", "l": [10**15 + 1, 10**15 + 2]}]
    [body] = crm.sync_rows(crm.rows(new, {"l": "BIGINT[]"}, patched=["l"]))
    assert body["l"] == new[0]["l"]


def test_a_change_to_an_object_is_a_change_of_type(connection: duckdb.DuckDBPyConnection) -> None:
    crm = world(connection)
    crm.sync_rows(crm.rows([{"external_id": "u", "x": "text"}], {"x": "VARCHAR"}))
    header, _ = crm.plan(crm.rows([{"external_id": "u", "x": {"$json": '{"a":1}'}}], {"x": OBJECT}))
    [verdict] = header.blocking
    assert verdict.guard == "type_change"
    assert "`x` was VARCHAR and is Object now" in verdict.message


HOME = {"city": "Bonn", "street": "a name of some length", "zip": "53111"}
MOVED = {**HOME, "zip": "53113"}


@pytest.mark.parametrize(
    ("change", "sent"),
    [
        ({"o": MOVED}, {"o": {"zip": "53113"}, "_merge_objects": True}),
        ({"o": MOVED, "n": 2}, {"o": {"zip": "53113"}, "n": 2, "_merge_objects": True}),
        ({"o": MOVED, "p": MOVED}, {"o": {"zip": "53113"}, "p": {"zip": "53113"}, "_merge_objects": True}),
        ({"o": MOVED, "p": None}, {"o": {"zip": "53113"}, "p": None, "_merge_objects": True}),
        ({"o": MOVED, "p": {"city": "Bonn"}}, {"o": MOVED, "p": {"city": "Bonn"}}),
        ({"o": MOVED, "w": MOVED}, {"o": MOVED, "w": MOVED}),
        ({"o": MOVED, "os": [MOVED]}, {"o": MOVED, "os": [MOVED]}),
        ({"w": MOVED}, {"w": MOVED}),
        ({"o": {"zip": "1"}}, {"o": {"zip": "1"}}),
    ],
)
def test_objects_are_merged_together_or_not_at_all(
    connection: duckdb.DuckDBPyConnection, change: dict[str, Any], sent: dict[str, Any]
) -> None:
    """`_merge_objects` holds for every object of a user."""
    crm = world(connection)
    old = {"o": HOME, "p": HOME, "w": HOME, "os": [HOME], "n": 1, "l": None, "i": None}
    pairs = {name: (value, change.get(name, value)) for name, value in old.items()}
    crm.sync_rows(crm.rows([row(0, pairs, 0)], TYPES, null_policy="unset", patched=PATCHED))
    [body] = crm.sync_rows(crm.rows([row(0, pairs, 1)], TYPES, null_policy="unset", patched=PATCHED))
    assert body == {"external_id": "u0", "_update_existing_only": True, **sent}


@pytest.mark.parametrize(("outcome", "patched"), [("accepted", True), ("rejected", True), (None, False)])
def test_after_an_unknown_outcome_the_whole_value_is_sent(
    connection: duckdb.DuckDBPyConnection, outcome: str | None, patched: bool
) -> None:
    """K18b, X3: Braze may hold the value before or the one after; what it acknowledged last is neither."""
    crm = world(connection)
    types = {"o": OBJECT, "l": "VARCHAR[]"}

    def table(home: dict[str, Any], list: list[str]) -> Any:
        cells = {"external_id": "u", "o": {"$json": canonical(home)}, "l": list}
        return crm.rows([cells], types, patched=["o", "l"])

    crm.sync_rows(table(HOME, LONG[:3]))
    crm.send(*crm.plan(table(MOVED, LONG[:4])), outcome=lambda _: outcome)
    new, items = {**MOVED, "city": "Köln"}, LONG[1:4]
    [body] = crm.sync_rows(table(new, items))
    assert (body.get("_merge_objects") is True) is patched
    assert (body["o"] == new) is not patched
    assert (body["l"] == items) is not patched
    header, _ = crm.plan(table(new, items))
    assert header.counts.objects == 0

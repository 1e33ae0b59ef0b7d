"""What is foreseen for a range is what its plans really are, when everything is accepted (D7)."""

import json
import random
import tempfile
from typing import Any

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_assets.ledger import Projection
from braze_assets.plan import Plan, PlanSettings, foresee_plans, make_plan
from braze_assets.storage import StoredTable, connect
from braze_assets_tests.plan.world import World, day, objects

TYPES = {"tier": "VARCHAR", "points": "BIGINT", "spend": "DECIMAL(9,2)", "tags": "VARCHAR[]", "gone": "DATE"}
SHAPES = (
    TYPES,
    {name: type for name, type in TYPES.items() if name != "gone"},
    {**TYPES, "points": "DECIMAL(12,3)"},
    {**TYPES, "spend": "VARCHAR"},
    {**TYPES, "new": "BOOLEAN"},
)


def value(chance: random.Random, type: str) -> Any:
    if chance.random() < 0.25:
        return None
    number = chance.randrange(3)
    if type.startswith("DECIMAL"):
        return f"{number}.25"
    forms: dict[str, Any] = {
        "VARCHAR": str(number),
        "BIGINT": number,
        "VARCHAR[]": [str(number)],
        "DATE": f"2026-01-0{number + 1}",
        "BOOLEAN": bool(number),
    }
    return forms[type]


def table(world: World, chance: random.Random) -> StoredTable:
    types = chance.choice(SHAPES)
    users = [str(number) for number in range(6) if chance.random() < 0.8]
    rows = [
        {
            "external_id": user,
            **{name: value(chance, type) for name, type in types.items()},
            **({"_error": "duplicate_identifier"} if chance.random() < 0.1 else {}),
        }
        for user in users
    ]
    return world.rows(rows, types, null_policy={"tier": "unset", "points": "unset"})


def content(world: World, plan: StoredTable) -> list[tuple[Any, ...]]:
    return sorted(
        (row["external_id"], row["kind"], row["object"] or "", row["reason"] or "", row["previous"] or "")
        for row in objects(world.connection, plan)
    )


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32), st.sampled_from(["keep", "unset"]), st.sampled_from(["keep", "unset"]))
def test_foreseen_plans_are_the_real_ones(seed: int, removed_rows: Any, removed_attributes: Any) -> None:
    """Columns come, go and change type; users join, leave and are in doubt from an earlier send."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, connect() as connection:
        options = PlanSettings(removed_rows=removed_rows, removed_attributes=removed_attributes)
        world = World(connection, folder, settings=options)
        header, plan = world.plan(table(world, chance))
        if header.counts.objects:
            world.send(header, plan, outcome=lambda row: chance.choice(["accepted", "rejected", None]))
        tables: dict[str | None, StoredTable] = {}
        ends = {}
        for number in range(1, 4):
            world.day = number
            key, ends[day(number)[0]] = day(number)
            tables[key] = table(world, chance)

        def make(key: str | None, projection: Projection | None) -> Plan:
            return make_plan(
                connection,
                sync=world.sync,
                rows=tables[key],
                ledger=world.ledger,
                settings=options,
                partition=key,
                as_of=ends[key or ""],
                now=world.tick(),
                projection=projection,
            )

        foreseen = []
        for made in foresee_plans(connection, world.ledger, list(tables), make, now=world.now):
            foreseen.append((made.header, content(world, world.store(made))))
        assert [header.follows for header, _ in foreseen] == [None, *list(tables)[:2]]
        for (key, rows), (expected, body) in zip(tables.items(), foreseen, strict=True):
            header, plan = world.plan(rows, partition=key, as_of=ends[key or ""])
            assert content(world, plan) == body
            assert (header.counts, header.per_attribute) == (expected.counts, expected.per_attribute)
            if header.counts.objects:
                world.send(header, plan)
            else:
                world.begin(header, plan).finish(connection, world.tick())


def test_nothing_is_written_to_the_ledger(connection: duckdb.DuckDBPyConnection, tmp_path: Any) -> None:
    """And a foreseen plan cannot be begun before the ledger has moved."""
    world = World(connection, str(tmp_path))
    world.sync_rows(world.rows([{"external_id": "a", "points": 1}], {"points": "BIGINT"}))
    before = world.ledger.position(), world.held()
    projection = Projection(world.ledger)
    header, plan = world.plan(world.rows([{"external_id": "a", "points": 2}], {"points": "BIGINT"}))
    projection.accept(
        connection,
        plan,
        plan_id=header.plan_id,
        partition=header.partition,
        as_of=header.as_of,
        users=1,
        vanished=0,
        objects=1,
        now=world.now,
    )
    assert (world.ledger.position(), world.held()) == before
    third = world.rows([{"external_id": "a", "points": 3}], {"points": "BIGINT"})
    world.day = 1
    foreseen, _ = world.plan(third, projection=projection)
    [row] = objects(connection, world.store(make_again(world, third, projection)))
    assert json.loads(row["previous"]) == {"points": 2}
    assert "Foreseen" in foreseen.note


def make_again(world: World, rows: StoredTable, projection: Projection) -> Plan:
    partition, as_of = day(world.day)
    return make_plan(
        world.connection,
        sync=world.sync,
        rows=rows,
        ledger=world.ledger,
        settings=world.settings,
        partition=partition,
        as_of=as_of,
        now=world.tick(),
        projection=projection,
    )

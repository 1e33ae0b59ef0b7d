"""K25: the SQL of a rule says what the rule says: the same members as plain Python finds, one by one."""

import re
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from braze_assets.segments import Segment, Tables, compile_segments, membership_sql, read_rule
from braze_assets_tests.segments.oracle import World, is_member
from braze_assets_tests.segments.worlds import SCHEMAS, rules, worlds

NAMES = ["first", "second", "third"]
CONNECTION = duckdb.connect()
CONNECTION.execute("SET TimeZone = 'UTC'")


@st.composite
def cases(draw: st.DrawFn) -> World:
    """Three segments, of which later ones may speak of earlier ones, and a world."""
    segments: dict[str, Any] = {}
    for name in NAMES:
        segments[name] = draw(rules(list(segments)))
    return draw(worlds(segments))


def _put(world: World) -> Tables:
    columns = {}
    for name, schema in SCHEMAS.items():
        table = pa.Table.from_pylist(list(world.tables[name]), schema=schema)
        CONNECTION.register("given_table", table)
        CONNECTION.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM given_table")
        described = CONNECTION.execute(f"DESCRIBE {name}").fetchall()
        columns[name] = {row[0]: row[1] for row in described}
    return Tables(columns)


def _rows(sql: str, world: World) -> list[tuple[Any, ...]]:
    return CONNECTION.execute(sql, {"as_of": world.as_of} if "$as_of" in sql else None).fetchall()


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(world=cases())
def test_sql_finds_the_members_that_python_finds(world: World) -> None:
    """K25. In one pass, and each by itself."""
    tables = _put(world)
    segments = {name: Segment(name, read_rule(rule, str)) for name, rule in world.segments.items()}
    expected = {
        row["amperity_id"]: tuple(
            is_member(rule, row["amperity_id"], world) for rule in world.segments.values()
        )
        for row in world.tables["merged_customers"]
    }
    together = _rows(compile_segments(list(segments.values()), tables), world)
    assert {row[0]: row[1:] for row in together} == expected
    for place, segment in enumerate(segments.values()):
        alone = _rows(membership_sql(segment, tables, segments), world)
        assert sorted(row[0] for row in alone) == sorted(each for each, of in expected.items() if of[place])


LAST_OF_MARCH_30 = datetime(2026, 3, 30, 23, 59, 59, 999999, tzinfo=timezone.utc).replace(tzinfo=None)
CORNERS = [
    ({"score": {"greater than": 9}}, {"score": float("nan")}, False),
    ({"score": {"at least": 9}}, {"score": float("inf")}, True),
    ({"score": "is blank"}, {"score": float("nan")}, True),
    ({"score": {"is not": 9}}, {"score": float("nan")}, True),
    ({"country": "is blank"}, {"country": "  "}, True),
    ({"country": "is not blank"}, {"country": ""}, False),
    ({"country": {"is not": "DE"}}, {"country": None}, True),
    ({"country": {"is in": []}}, {"country": "DE"}, False),
    ({"country": {"is not in": []}}, {"country": None}, True),
    ({"country": {"contains": "%"}}, {"country": "DE"}, False),
    ({"vip": "is not true"}, {"vip": None}, True),
    ({"vip": "is false"}, {"vip": None}, False),
    ({"tier": "is blank"}, {}, True),
    ({"tier": {"is not": "Gold"}}, {}, True),
    ({"not": {"all": [{"tier": {"is": "Gold"}}, {"vip": "is true"}]}}, {"vip": True}, True),
    ({"seen": "yesterday"}, {"seen": datetime(2026, 3, 30, tzinfo=timezone.utc)}, True),
    ({"seen": "yesterday"}, {"seen": datetime(2026, 3, 31, tzinfo=timezone.utc)}, False),
    ({"seen": "in the last 1 month"}, {"seen": datetime(2026, 2, 28, tzinfo=timezone.utc)}, True),
    ({"seen": "more than 1 month ago"}, {"seen": datetime(2026, 2, 28, tzinfo=timezone.utc)}, False),
    ({"born": {"between": [date(2026, 3, 1), date(2026, 3, 2)]}}, {"born": date(2026, 3, 2)}, True),
    ({"noted": {"before": "today"}}, {"noted": LAST_OF_MARCH_30}, True),
]


@pytest.mark.parametrize(("rule", "person", "expected"), CORNERS, ids=str)
def test_corners(rule: Any, person: dict[str, Any], expected: bool) -> None:
    """K25: blanks, NaN, empty lists, both sides of every boundary; as of 31 March."""
    people = [{"amperity_id": "c1", **person}]
    none: dict[str, list[Any]] = {name: [] for name in SCHEMAS}
    world = World(
        {**none, "merged_customers": people}, datetime(2026, 3, 31, tzinfo=timezone.utc), {"it": rule}
    )
    tables = _put(world)
    segment = Segment("it", read_rule(rule, str))
    assert _rows(compile_segments([segment], tables), world) == [("c1", expected)]
    assert _rows(membership_sql(segment, tables), world) == [("c1",)] * expected
    assert is_member(rule, "c1", world) is expected


def test_an_order_of_two_products_counts_once() -> None:
    """K25: orders are counted, not items; one without the product is none."""
    order = {
        "amperity_id": "c1",
        "order_id": "o1",
        "order_datetime": datetime(2026, 3, 1, tzinfo=timezone.utc),
    }
    items = [{**order, "product_id": f"p{n}", "item_revenue": Decimal(5)} for n in (1, 2, 3)]
    none: dict[str, list[Any]] = {name: [] for name in SCHEMAS}
    world = World(
        {**none, "merged_customers": [{"amperity_id": "c1"}], "unified_itemized_transactions": items},
        datetime(2026, 3, 31, tzinfo=timezone.utc),
        {},
    )
    tables = _put(world)
    bought = {"product": ["p1", "p2"]}
    for asked, expected in (
        ({"count": {"is": 1}}, True),
        ({"count": {"is": 2}}, False),
        ({"amount": {"is": 10}}, True),
        ({"amount": {"is": 15}}, False),
    ):
        rule = {"purchased": {**bought, **asked}}
        segment = Segment("it", read_rule(rule, str))
        assert _rows(compile_segments([segment], tables), world) == [("c1", expected)]
        assert is_member(rule, "c1", world) is expected


def test_a_condition_that_several_share_is_asked_once_and_a_table_read_once() -> None:
    """K25: however many segments use it."""
    columns = {name: {each.name: "VARCHAR" for each in schema} for name, schema in SCHEMAS.items()}
    columns["unified_transactions"] |= {
        "order_datetime": "TIMESTAMP WITH TIME ZONE",
        "order_quantity": "INTEGER",
    }
    rule = {"country": {"is": "DE"}, "purchased": "in the last 30 days"}
    segments = [Segment(f"s{n}", read_rule({**rule, "tier": {"is": str(n)}}, str)) for n in range(5)]
    segments.append(Segment("other", read_rule({"not purchased": "yesterday", "in segment": "s1"}, str)))
    sql = compile_segments(segments, Tables(columns))
    assert sql.count("country = 'DE'") == 1
    assert sql.count("INTERVAL 30 DAY AND") == 1
    for table in ("merged_customers", "extras", "unified_transactions"):
        assert len(re.findall(rf"FROM {table}\b", sql)) == 1


def test_sql_conditions_stand_beside_rules_on_the_same_column() -> None:
    """K25: the escape hatch, on a column that a rule asks as well, and of a row that is not there."""
    none: dict[str, list[Any]] = {name: [] for name in SCHEMAS}
    people = [{"amperity_id": "c1", "vip": True, "points": 5}, {"amperity_id": "c2"}]
    world = World({**none, "merged_customers": people}, datetime(2026, 3, 31, tzinfo=timezone.utc), {})
    tables = _put(world)
    rules: dict[str, Any] = {
        "both": {"vip": "is true", "sql": "vip AND points > 3 OR tier = 'x'"},
        "nobody": {"sql": 'tier IS NOT NULL AND "order"'},
        "rowless": {"sql": "tier IS NULL AND born IS NULL"},
        "clock": {"sql": "$as_of > TIMESTAMPTZ '2026-03-30 00:00:00+00' AND points = 5"},
    }
    segments = [Segment(name, read_rule(rule, str)) for name, rule in rules.items()]
    together = _rows(compile_segments(segments, tables), world)
    assert sorted(together) == [("c1", True, False, True, True), ("c2", False, False, True, False)]

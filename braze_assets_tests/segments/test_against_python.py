"""K25: the SQL of a rule says what the rule says: the same members as plain Python finds, one by one."""

from typing import Any

import duckdb
import pyarrow as pa
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


@settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))
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

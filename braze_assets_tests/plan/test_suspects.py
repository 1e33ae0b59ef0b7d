"""Whoever differs is looked at: narrowing a plan down by digests loses nobody."""

from datetime import datetime, timezone
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_assets.plan import PlanSettings
from braze_assets.plan.diff import Diff
from braze_assets.plan.suspects import find_suspects
from braze_assets.rows import Attribute, AttributeType, RowsHeader

VALUES = {
    "VARCHAR": ["NULL", "''", "'1'", "'true'", "'2026-11-23'", "'x'"],
    "BIGINT": ["NULL", "0", "1", "20261123"],
    "DOUBLE": ["NULL", "0.0", "1.0", "1.5"],
    "BOOLEAN": ["NULL", "true", "false"],
    "DATE": ["NULL", "DATE '2026-11-23'", "DATE '1970-01-01'"],
    "VARCHAR[]": ["NULL", "[]", "['']", "['', '']", "['1']", "['x', '1']", "['1', 'x']"],
    "BIGINT[]": ["NULL", "[]", "[0]", "[0, 0]", "[1]"],
    'STRUCT("$json" VARCHAR)': ["NULL", """{'$json': '{}'}""", """{'$json': '{"x":1}'}"""],
}
IDS = ["a", "b", "c", "d"]
kinds = st.none() | st.sampled_from(sorted(VALUES))


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    """Up to three attributes, each wanted, held or both, of types that may differ; and some users."""
    pairs = st.tuples(kinds, kinds).filter(lambda pair: pair[0] or pair[1])
    types = draw(st.lists(pairs, min_size=1, max_size=3))

    def table(side: int) -> dict[str, list[str]]:
        users = draw(st.lists(st.sampled_from(IDS), unique=True))
        columns = [each[side] for each in types if each[side]]
        return {user: [draw(st.sampled_from(VALUES[kind])) for kind in columns] for user in users}

    return {
        "types": types,
        "wanted": table(0),
        "held": table(1),
        "null": draw(st.sampled_from(["omit", "unset"])),
        "removed": draw(st.sampled_from(["keep", "unset"])),
        "wrong": draw(st.sets(st.sampled_from(IDS), max_size=1)),
        "unknown": draw(st.sets(st.sampled_from(IDS), max_size=1)),
    }


def table_sql(
    key: str, users: dict[str, list[str]], types: list[tuple[str, str]], more: dict[str, str]
) -> str:
    """A table expression with a marking column per user."""
    [(marked, kind)] = [(name, text) for name, text in more.items() if name.startswith("_")]
    names = "".join(f", NULL::{type_} AS {name}" for name, type_ in types)
    rows = [f"SELECT NULL::VARCHAR AS {key}, NULL::{kind} AS {marked}{names} WHERE false"]
    for user, values in users.items():
        mark = more.get(user, "NULL")
        cells = "".join(f", {value}" for value in values)
        rows.append(f"SELECT '{user}', {mark}{cells}")
    return f"({' UNION ALL '.join(rows)})"


@settings(max_examples=200, deadline=None)
@given(world=worlds())
def test_nobody_who_differs_is_left_out(world: dict[str, Any]) -> None:
    named = [(f"c{number}", *pair) for number, pair in enumerate(world["types"])]
    wanted = [(name, new) for name, new, _ in named if new]
    held = [(name, old) for name, _, old in named if old]
    attributes = tuple(
        Attribute(name, "custom", AttributeType.from_sql(kind), world["null"]) for name, kind in wanted
    )
    rows = table_sql(
        "external_id", world["wanted"], wanted, {"_error": "VARCHAR"} | dict.fromkeys(world["wrong"], "'x'")
    )
    unknown = {"_unknown": "VARCHAR[]"} | dict.fromkeys(world["unknown"], "['c0']")
    diff = Diff(
        rows=f"(SELECT *, NULL::STRUCT(attribute VARCHAR)[] AS _findings FROM {rows})",
        header=RowsHeader(
            name="crm",
            identifier="external_id",
            partition=None,
            as_of=datetime(2026, 11, 23, tzinfo=timezone.utc),
            query_digest="",
            attributes=attributes,
        ),
        held=table_sql("external_id", world["held"], held, unknown),
        held_types=dict(held),
        settings=PlanSettings(removed_attributes=world["removed"]),
    )
    with duckdb.connect() as con:
        everybody = con.sql(diff.candidates()).fetchall()
        suspects = find_suspects(con, diff, len(IDS), "suspects")
        narrowed = con.sql(diff.candidates(suspects.among)).fetchall()
    assert sorted(map(repr, narrowed)) == sorted(map(repr, everybody))


def differing(rows: str, held: str, types: list[tuple[str, str]], users: int) -> list[str]:
    """The identifiers among those wanted that are looked at."""
    diff = Diff(
        rows=rows,
        header=RowsHeader(
            name="crm",
            identifier="external_id",
            partition=None,
            as_of=datetime(2026, 11, 23, tzinfo=timezone.utc),
            query_digest="",
            attributes=tuple(Attribute(n, "custom", AttributeType.from_sql(t), "omit") for n, t in types),
        ),
        held=held,
        held_types=dict(types),
        settings=PlanSettings(),
    )
    with duckdb.connect() as con:
        suspects = find_suspects(con, diff, users, "suspects")
        found = con.sql(f"SELECT external_id FROM {rows} WHERE {suspects.among('external_id')} ORDER BY 1")
        return [user for (user,) in found.fetchall()]


def test_who_is_as_held_is_not_looked_at() -> None:
    """Otherwise narrowing down would save nothing."""
    world = {"a": ["1", "'x'"], "b": ["2", "'y'"], "c": ["3", "'z'"]}
    types = [("c0", "BIGINT"), ("c1", "VARCHAR")]
    changed = {**world, "b": ["2", "'Y'"]}
    rows = table_sql("external_id", changed, types, {"_error": "VARCHAR"})
    held = table_sql("external_id", world, types, {"_unknown": "VARCHAR[]"})
    assert differing(rows, held, types, 3) == ["b"]


@pytest.mark.parametrize("copy", ["false", "i", "'u'"], ids=["alone", "beside the id", "beside a text"])
def test_changes_of_users_who_share_a_bucket_do_not_cancel_out(copy: str) -> None:
    """A flag that flips for everybody, for one half to what the other half had; more users than buckets."""
    sides = [
        f"(SELECT 'u' || i AS external_id, NULL::{kind} AS {marked}, {flag} AS flag, {copy}::VARCHAR AS copy "
        "FROM (SELECT range AS i FROM range(20000)))"
        for kind, marked, flag in (("VARCHAR", "_error", "i % 2 = 0"), ("VARCHAR[]", "_unknown", "i % 2 = 1"))
    ]
    types = [("flag", "BOOLEAN"), ("copy", "VARCHAR")]
    for order in (types, types[::-1]):
        assert len(differing(*sides, order, 2)) == 20_000

"""K12, K18b: nested objects and arrays of objects become one JSON text each, or a finding."""

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from braze_assets.braze.limits import Limits
from braze_assets.errors import ConfigurationError, QueryError
from braze_assets.rows import AttributeSettings, AttributeType, RowsHeader
from braze_assets_tests.rows.conftest import Build, cells

UTC = dt.timezone.utc
OBJECT = 'STRUCT("$json" VARCHAR)'


def one(build: Build, expression: str, **options: Any) -> tuple[Any, list[tuple[str, str]]]:
    """The JSON of one column `x`, and its findings."""
    row = cells(build(f"SELECT id AS external_id, {expression} AS x FROM t", **options))[0]
    value = row["x"]
    text = [item["$json"] for item in value] if isinstance(value, list) else value and value["$json"]
    return text, [(each["problem"], each["detail"]) for each in row["_findings"]]


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("{'b': 1, 'a': 'x'}", '{"a":"x","b":1}'),
        ("{'a': NULL::INT, 'b': 1}", '{"b":1}'),
        ("{'a': NULL::INT}", None),
        ("{'a': {'b': NULL::INT}, 'c': true}", '{"c":true}'),
        ("NULL::STRUCT(a INT)", None),
        ("{'a': DATE '2026-01-02'}", '{"a":{"$time":"2026-01-02"}}'),
        ("{'a': TIMESTAMP '2026-01-02 03:04:05.6789'}", '{"a":{"$time":"2026-01-02T03:04:05.678Z"}}'),
        ("{'a': 1.50::DECIMAL(38,20)}", '{"a":1.50000000000000000000}'),
        ("{'a': 0.5::DECIMAL(2,2)}", '{"a":0.50}'),
        ("{'a': -0.0::DOUBLE}", '{"a":0.0}'),
        ("{'a': []::INT[]}", '{"a":[]}'),
        ("{'a': ['y', 'x', 'y']}", '{"a":["y","x","y"]}'),
        ("{'a': [{'z': 1, 'b': [DATE '2026-01-02']}]}", '{"a":[{"b":[{"$time":"2026-01-02"}],"z":1}]}'),
        ("{'a': array_value(1, 2)}", '{"a":[1,2]}'),
        ("{'Ü\"': 'ä'}", '{"Ü\\"":"ä"}'),
        ("MAP {'b': 1, 'a': NULL, 'A': 3}", '{"A":3,"b":1}'),
        ("MAP {'a': {'b': [1]}}", '{"a":{"b":[1]}}'),
        ("MAP {}::MAP(VARCHAR, INT)", None),
        ("[{'a': 1}, {'a': 1}]", ['{"a":1}', '{"a":1}']),
        ("[]::STRUCT(a INT)[]", []),
        ("NULL::STRUCT(a INT)[]", None),
        ("[MAP {'a': 1}]", ['{"a":1}']),
    ],
)
def test_the_one_json_form(build: Build, expression: str, text: Any) -> None:
    assert one(build, expression) == (text, [])


@pytest.mark.parametrize(
    ("expression", "problem", "detail"),
    [
        ("{'a': {'b': repeat('x', 256)}}", "too_long", "a: b: 256 characters, at most 255"),
        ("{'a': 'inf'::DOUBLE}", "not_finite", "a: infinite"),
        ("{'a': ['nan'::DOUBLE, 1]}", "not_finite", "a: in some items"),
        ("[{'a': 'infinity'::DATE}]", "not_finite", "in some items"),
        ("{'a': DATE '3001-01-01'}", "date_out_of_range", "a: outside the years 1 to 3000"),
        ("{'a': 2::HUGEINT ** 70}", None, ""),
        ("{'a': (power(2, 70))::HUGEINT}", "integer_out_of_range", "a: does not fit a 64-bit integer"),
        ("MAP {'a b': 1, 'c': 2}", "bad_key", "1 of 2 keys"),
        ("MAP {'a.b': 1}", "bad_key", "1 of 1 keys"),
        ("MAP {'$a': 1}", "bad_key", "1 of 1 keys"),
        ("MAP {'': 1}", "bad_key", "1 of 1 keys"),
        ("MAP {repeat('k', 256): 1}", "bad_key", "1 of 1 keys"),
        ("MAP {'inc': 1}", "bad_key", "1 of 1 keys"),
        ("{'m': MAP {'x y': 1}}", "bad_key", "m: 1 of 1 keys"),
        ("{'m': MAP {'inc': 1}}", None, ""),
        ("MAP {'a': repeat('x', 256)}", "too_long", "in some items"),
        (
            "{'a': list_transform(range(600), lambda i: repeat('x', 200))}",
            "nested_too_large",
            "121807 bytes, ",
        ),
        ("list_transform(range(600), lambda i: {'a': repeat('x', 200)})", "nested_too_large", "125401 bytes"),
    ],
)
def test_what_braze_would_drop_is_a_finding(
    build: Build, expression: str, problem: str | None, detail: str
) -> None:
    text, findings = one(build, expression)
    assert (text is None) == (problem is not None)
    assert [found for found, _ in findings] == ([problem] if problem else [])
    assert all(said.startswith(detail) for _, said in findings)


def test_null_items_are_left_out_and_said(build: Build) -> None:
    assert one(build, "[{'a': 1}, NULL, {'a': NULL}]") == (
        ['{"a":1}'],
        [("null_items", "in some items")],
    )
    assert one(build, "{'l': [1, NULL]}") == ('{"l":[1]}', [("null_items", "l: in some items")])


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("{'a b': 1}", "The field a b has a name"),
        ("{'x': {'a.b': 1}}", "The field x.a.b has a name"),
        ("{'$time': 1}", "The field $time has a name"),
        ("{'inc': 1}", "The field inc would be taken"),
        ("{'add': [1], 'z': 1}", "The field add would be taken"),
        ("{'a': [[1]]}", "The field a is a list of lists"),
        ("{'a': 'x'::BLOB}", "The field a has no value"),
        ("{'a': TIME '10:00'}", "cannot be an attribute"),
        ("MAP {1: 'a'}", "keys are not text"),
        ("{'a': [{'b': [{'c': [{'d': [{'e': [1]}]}]}]}]}", "more than 4 lists or maps"),
    ],
)
def test_fields_that_cannot_be_are_refused_by_name(build: Build, expression: str, said: str) -> None:
    with pytest.raises(QueryError) as raised:
        build(f"SELECT id AS external_id, {expression} AS odd FROM t")
    assert said in str(raised.value)
    assert "column odd" in str(raised.value)


def test_words_for_instructions_are_fields_where_they_are_none(build: Build) -> None:
    """Only as keys of a whole attribute are they instructions."""
    assert one(build, "{'x': {'inc': 1}}") == ('{"x":{"inc":1}}', [])
    assert one(build, "[{'add': 1}]") == (['{"add":1}'], [])


def test_the_type_does_not_depend_on_the_fields(build: Build) -> None:
    """A field that appears or vanishes is no change of type."""
    for expression in ("{'a': 1}", "{'a': 'x', 'b': {'c': 1}}", "MAP {'k': true}"):
        [attribute] = build(f"SELECT id AS external_id, {expression} AS x FROM t").header.attributes
        assert attribute.type == AttributeType("Object")
        assert attribute.type.sql == OBJECT
        assert AttributeType.from_sql(OBJECT) == attribute.type
        assert AttributeType.from_sql(f"{OBJECT}[]") == AttributeType("Object", array=True)


def test_settings(build: Build) -> None:
    sql = "SELECT id AS external_id, {'a': 1} AS o, ['x'] AS l, [{'a': 1}] AS os, 1 AS n, [1.5] AS d FROM t"
    patch = AttributeSettings(update="patch")
    header = build(sql, attributes={"o": patch, "l": patch}).header
    assert [attribute.update for attribute in header.attributes] == ["patch", "patch", *["whole"] * 3]
    assert RowsHeader.from_document(json.loads(json.dumps(header.to_document()))) == header
    for name in ("os", "n", "d"):
        with pytest.raises(ConfigurationError, match=f"attribute {name} cannot be sent as a patch"):
            build(sql, attributes={name: patch})
    with pytest.raises(QueryError, match="cannot be cast to String"):
        build(sql, attributes={"o": AttributeSettings(type="String")})


def test_the_size_limit_is_of_the_destination(build: Build) -> None:
    _, [(problem, _)] = one(build, "{'a': 1, 'b': 2}", limits=Limits(array_bytes=10))
    assert problem == "nested_too_large"


# Any shape, against plain Python

KEYS = st.text(st.characters(categories=["L", "N", "Pd"], exclude_characters="$. "), min_size=1, max_size=4)
SCALARS: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.int32(), st.integers(-9, 9)),
    (pa.string(), st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=4) | st.just('":{\\')),
    (pa.bool_(), st.booleans()),
    (pa.float64(), st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: x + 0.0)),
    (pa.decimal128(9, 2), st.decimals(-99, 99, places=2)),
    (pa.date32(), st.dates()),
    (pa.timestamp("ms", "UTC"), st.datetimes(timezones=st.just(UTC)).map(lambda t: t.replace(microsecond=0))),
]


def _nullable(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def _struct(fields: dict[str, tuple[pa.DataType, Any]]) -> tuple[pa.DataType, st.SearchStrategy[Any]]:
    type = pa.struct([(name, kind) for name, (kind, _) in fields.items()])
    return type, st.fixed_dictionaries({name: _nullable(values) for name, (_, values) in fields.items()})


def _list(item: tuple[pa.DataType, Any]) -> tuple[pa.DataType, st.SearchStrategy[Any]]:
    return pa.list_(item[0]), st.lists(_nullable(item[1]), max_size=3)


def _map(item: tuple[pa.DataType, Any]) -> tuple[pa.DataType, st.SearchStrategy[Any]]:
    return pa.map_(pa.string(), item[0]), st.dictionaries(KEYS, _nullable(item[1]), max_size=3).map(
        lambda value: list(value.items())
    )


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = KEYS.filter(lambda key: key not in ("add", "inc", "remove"))
    # DuckDB cannot have two fields that differ only in case.
    fields = st.dictionaries(names, inner, min_size=1, max_size=3).filter(
        lambda found: len({name.casefold() for name in found}) == len(found)
    )
    return fields.map(_struct) | inner.map(_map)


LEAVES = st.sampled_from(SCALARS) | st.sampled_from(SCALARS).map(_list)
SHAPES = LEAVES | _objects(LEAVES) | _objects(LEAVES).map(_list)
COLUMNS = _objects(SHAPES).flatmap(
    lambda shape: st.tuples(st.just(shape[0]), st.lists(_nullable(shape[1]), min_size=1, max_size=4))
)


def expected(value: Any, type: pa.DataType) -> Any:
    """What Braze should get, as plain data; None where nothing."""
    if value is None:
        return None
    if pa.types.is_struct(type):
        fields = {name: expected(value[name], type.field(name).type) for name in value}
    elif pa.types.is_map(type):
        fields = {name: expected(item, type.item_type) for name, item in value}
    elif pa.types.is_list(type):
        return [one for item in value if (one := expected(item, type.value_type)) is not None]
    elif isinstance(value, dt.datetime):
        return {"$time": f"{value:%Y-%m-%dT%H:%M:%S.000Z}".zfill(24)}
    elif isinstance(value, dt.date):
        return {"$time": value.isoformat()}
    else:
        return str(value) if isinstance(value, Decimal) else value
    kept = {name: item for name, item in fields.items() if item is not None}
    return kept or None


@settings(
    deadline=None,
    max_examples=20,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(COLUMNS)
def test_any_shape(con: duckdb.DuckDBPyConnection, build: Build, column: Any) -> None:
    """K12: the JSON of a nested value is what a plain reference makes of it, with keys in order."""
    type, values = column
    in_range = [value for value in values if str(value) < "3001"] or values
    table = pa.table({"id": [str(n) for n in range(len(in_range))], "x": pa.array(in_range, type)})
    con.register("nested_values", table)
    rows = cells(build("SELECT id AS external_id, x FROM t", "nested_values"))
    for row, value in zip(rows, in_range, strict=True):
        if any(each["problem"] != "null_items" for each in row["_findings"]):
            assert {each["problem"] for each in row["_findings"]} & {"date_out_of_range", "bad_key"}
            continue
        wanted = expected(value, type)
        if wanted is None:
            assert row["x"] is None
            continue
        text = row["x"]["$json"]
        found = json.loads(text, parse_float=str, object_pairs_hook=_in_order)
        assert _plain(found) == _plain(wanted)


def _in_order(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert [key for key, _ in pairs] == sorted(key for key, _ in pairs)
    return dict(pairs)


def _plain(value: Any) -> Any:
    """Numbers as decimals, so that 1.50 and "1.50" meet."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return str(Decimal(str(value)).normalize() + 0)
    if isinstance(value, str):
        try:
            return str(Decimal(value).normalize() + 0)
        except ArithmeticError:
            return value
    return value

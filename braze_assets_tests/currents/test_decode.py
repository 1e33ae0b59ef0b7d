"""Avro to Arrow, with fastavro as the oracle (K40, BAD INPUT)."""

import io
import json
import math
import random
import tracemalloc
from decimal import Decimal
from typing import Any

import fastavro
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from braze_assets.currents.codecs import inflate
from braze_assets.currents.container import read_container
from braze_assets.currents.decode import DecodeSettings, UnreadableError, decode, decode_ids
from braze_assets.currents.evolution import conform, unify
from braze_assets.currents.slow import SlowReader
from braze_assets_tests.currents.conftest import avro, record

VALUES: dict[str, Any] = {
    "string": st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32),
    "double": st.floats(),
    "boolean": st.booleans(),
    "bytes": st.binary(max_size=12),
}
CODECS = ["null", "deflate", "snappy", "bzip2", "xz"]


@st.composite
def files(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]], str, int]:
    """A schema of the documented kinds, its records, a codec and a block size."""
    fields, values = [], {}
    for number in range(draw(st.integers(1, 6))):
        base = draw(st.sampled_from(sorted(VALUES)))
        value = VALUES[base]
        kind: Any = {"type": base, "connect.doc": "annotated"} if draw(st.booleans()) else base
        if draw(st.integers(0, 3)) == 0:
            inner = draw(st.booleans())
            kind = {"type": "array", "items": ["null", kind] if inner else kind}
            value = st.lists(st.none() | value if inner else value, max_size=3)
        if draw(st.booleans()):
            kind = draw(st.permutations(["null", kind]))
            value = st.none() | value
        name = f"field_{number}"
        fields.append((name, kind))
        values[name] = value
    records = draw(st.lists(st.fixed_dictionaries(values), max_size=12))
    codec = draw(st.sampled_from(CODECS))
    return record(*fields), records, codec, draw(st.sampled_from([1, 40, 16000]))


def comparable(value: Any, single: bool) -> Any:
    """NaN equals NaN, 0.0 is not -0.0, and a float of 32 bits is what its shortest decimal says."""
    if isinstance(value, list):
        return [comparable(item, single) for item in value]
    if isinstance(value, float):
        return ("float", str(float(str(np.float32(value)))) if single else str(value))
    return value


def plain(records: list[dict[str, Any]], schema: dict[str, Any]) -> list[dict[str, Any]]:
    single = {field["name"]: '"float"' in json.dumps(field["type"]) for field in schema["fields"]}
    return [{name: comparable(value, single[name]) for name, value in row.items()} for row in records]


@settings(max_examples=150, deadline=None)
@given(files())
@example((record(("a", "string")), [], "null", 1))
def test_decoding_agrees_with_fastavro(file: tuple[dict[str, Any], list[dict[str, Any]], str, int]) -> None:
    """K40: every documented kind of field, every codec."""
    schema, records, codec, block = file
    data = avro(schema, records, codec=codec, sync_interval=block)
    decoded = decode(data)
    assert decoded.engine == ("columnar" if records else "none")
    assert decoded.problem is None
    expected: Any = list(fastavro.reader(io.BytesIO(data)))
    assert plain(decoded.table.to_pylist(), schema) == plain(expected, schema)
    decoded.table.validate(full=True)
    # The other engine gives the same.
    container = read_container(data)
    slow = SlowReader(container)
    tables = [
        slow.read(inflate(codec, data[block.body : block.stop], 1 << 20), block.records)
        for block in container.blocks
    ]
    again = [row for table in tables for row in table.to_pylist()]
    assert plain(again, schema) == plain(expected, schema)


def test_types() -> None:
    data = avro(
        record(
            ("i", "int"), ("l", ["null", "long"]), ("f", "float"), ("a", {"type": "array", "items": "string"})
        ),
        [{"i": 1, "l": None, "f": 3.14, "a": ["x"]}],
    )
    table = decode(data).table
    assert table.schema.types == [pa.int64(), pa.int64(), pa.float64(), pa.list_(pa.string())]
    assert table.to_pylist()[0]["f"] == 3.14


INNER = {"type": "record", "name": "Inner", "fields": [{"name": "y", "type": "int"}]}


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ({"type": "map", "values": "int"}, {"b": 1, "a": 2}, '{"a": 2, "b": 1}'),
        (INNER, {"y": 1}, '{"y": 1}'),
        (["null", INNER], None, None),
        ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, "B", "B"),
        (["null", "int", "string"], 5, "5"),
        (["null", "int", "string"], "five", "five"),
        ({"type": "array", "items": {"type": "array", "items": "int"}}, [[1], []], "[[1], []]"),
        ({"type": "bytes"}, b"\x00\xff", b"\x00\xff"),
        ("null", None, None),
    ],
)
def test_kinds_that_currents_does_not_use_are_kept(kind: Any, value: Any, kept: Any) -> None:
    decoded = decode(avro(record(("id", "string"), ("x", kind)), [{"id": "a", "x": value}] * 3))
    assert decoded.problem is None
    assert decoded.table.column("x").to_pylist() == [kept] * 3
    assert decoded.table.column("id").to_pylist() == ["a"] * 3


SMALL = record(
    ("id", "string"), ("n", ["null", "int"]), ("l", ["null", {"type": "array", "items": "string"}])
)
ROWS = [{"id": f"é{n}", "n": n if n % 3 else None, "l": ["x"] if n % 2 else None} for n in range(200)]


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy"])
def test_a_file_cut_short_gives_its_whole_blocks_and_says_so(codec: str) -> None:
    """BAD INPUT: cut anywhere, the intact blocks are a prefix, and only a cut between blocks is silent."""
    marker = b"0123456789abcdef"
    data = avro(SMALL, ROWS, codec=codec, sync_interval=300, sync_marker=marker)
    header = data.index(marker) + 16
    silent = 0
    for end in range(0, len(data), 7):
        if end < header:
            with pytest.raises(UnreadableError, match=r"within its header|empty|first bytes"):
                decode(data[:end])
            continue
        decoded = decode(data[:end])
        found = decoded.table.to_pylist()
        assert found == ROWS[: len(found)]
        if decoded.problem is None:
            silent += 1
            assert data[:end].endswith(marker)
        else:
            assert "cut short" in decoded.problem
    assert silent <= 3


def test_blocks_behind_a_damaged_one_are_found() -> None:
    marker = b"0123456789abcdef"
    data = bytearray(avro(SMALL, ROWS, sync_interval=300, sync_marker=marker))
    header = data.index(marker) + 16
    data[header + 1] ^= 0x20
    decoded = decode(bytes(data))
    assert decoded.problem is not None
    assert "damaged" in decoded.problem
    first = decode(bytes(data[:header])).table.num_rows
    found = decoded.table.to_pylist()
    assert first == 0
    assert 0 < len(found) < len(ROWS)
    assert found == ROWS[-len(found) :]


def test_a_damaged_sync_marker_costs_no_more_than_two_blocks() -> None:
    marker = b"0123456789abcdef"
    data = bytearray(avro(SMALL, ROWS, sync_interval=300, sync_marker=marker))
    first = data.index(marker, data.index(marker) + 16)
    data[first] ^= 1
    decoded = decode(bytes(data))
    assert decoded.engine == "columnar"
    assert decoded.problem is not None
    assert decoded.problem.startswith("a block is damaged")
    found = decoded.table.to_pylist()
    assert 0 < len(found) < len(ROWS)
    assert found == ROWS[-len(found) :]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"PAR1 is something else", "not an Avro file"),
        (b"Obj\x01", "cut short or damaged within its header"),
        (b"Obj\x01" + b"\xff" * 200, "header"),
        (avro(record(("x", "string")), []).replace(b'"string"', b'"strnig"'), "schema cannot be read"),
        (avro({"type": "string", "name": "x"}, ["a"]), "not a record"),  # type: ignore[list-item]
    ],
    ids=["empty", "another format", "cut", "bad header", "bad schema", "no record"],
)
def test_garbage_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    """BAD INPUT: a clear error."""
    with pytest.raises(UnreadableError, match=reason):
        decode(data)


def test_a_codec_that_is_not_supported_is_named() -> None:
    data = avro(SMALL, ROWS, codec="null").replace(b"\x08null", b"\x08nu11", 1)
    decoded = decode(data)
    assert decoded.problem is not None
    assert "nu11" in decoded.problem
    assert decoded.table.num_rows == 0


@pytest.mark.parametrize("codec", CODECS[1:])
@pytest.mark.parametrize("times", [1, 50])
def test_a_bomb_is_refused_before_it_is_made(codec: str, times: int) -> None:
    """BAD INPUT: a few kilobytes that stand for many megabytes; what is within the limit is kept."""
    rows = [{"id": "x", "n": 1, "l": []}, {"id": "0" * 20_000_000, "n": 1, "l": []}]
    data = avro(SMALL, [rows[0], *[rows[1]] * 2], codec=codec, sync_interval=1)
    decode(avro(SMALL, ROWS))  # What is compiled is not what is measured.
    tracemalloc.start()
    decoded = decode(data, DecodeSettings(max_decoded_bytes=1_000_000 * times))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    if times == 1:
        assert peak < 12_000_000  # xz has a dictionary of 8 MB
        assert decoded.problem is not None
        assert "that are left of what a file may hold" in decoded.problem
        assert decoded.table.column("id").to_pylist() == ["x"]
    else:
        assert decoded.problem is None
        assert decoded.table.num_rows == 3


def test_zstandard_is_read() -> None:
    """K40: fastavro writes it with a further library only; Arrow has it."""
    data = avro(SMALL, ROWS, codec="null", sync_marker=b"0123456789abcdef")
    block = read_container(data).blocks[0]
    body = pa.Codec("zstd").compress(data[block.body : block.stop], asbytes=True)
    size = bytearray()
    value = len(body) << 1
    while value > 0x7F:
        size.append(value & 0x7F | 0x80)
        value >>= 7
    size.append(value)
    header = data[: block.start].replace(b"\x08null", b"\x12zstandard", 1)
    made = header + data[block.start : block.start + 2] + bytes(size) + body + b"0123456789abcdef"
    assert len(read_container(data).blocks) == 1
    assert decode(made).table.to_pylist() == ROWS


def test_damaged_zstandard_keeps_no_memory() -> None:
    """K40: a run over many damaged files does not grow with them."""
    damaged = bytearray(pa.Codec("zstd").compress(random.Random(7).randbytes(400_000), asbytes=True))
    damaged[1] ^= 5
    tracemalloc.start()
    for _ in range(20):
        with pytest.raises(UnreadableError, match="does not decompress"):
            inflate("zstandard", bytes(damaged), 1 << 30)
    left = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert left < 1_000_000


def test_a_file_can_be_refused_whole() -> None:
    """K40: by setting, with the place of the damage."""
    data = avro(SMALL, ROWS, sync_interval=300)[:-5]
    found = decode(data)
    assert found.table.num_rows > 0
    with pytest.raises(UnreadableError, match="cut short") as refused:
        decode(data, DecodeSettings(salvage=False))
    assert refused.value.offset == found.offset == read_container(data).blocks[-1].end


@pytest.mark.parametrize("codec", CODECS)
def test_the_ids_alone_are_those_of_the_table(codec: str) -> None:
    data = avro(SMALL, ROWS, codec=codec, sync_interval=300)
    assert decode_ids(data).to_pylist() == decode(data).table.column("id").to_pylist()
    assert decode_ids(data[:-5]).to_pylist() == decode(data[:-5]).table.column("id").to_pylist()
    assert decode_ids(avro(record(("x", "string")), [{"x": "a"}] * 3)).to_pylist() == [None] * 3


def test_text_that_is_not_utf8_is_damage_of_its_block() -> None:
    data = bytearray(avro(SMALL, ROWS, sync_interval=300))
    place = data.index("é150".encode())
    data[place] = 0xFF
    decoded = decode(bytes(data))
    assert decoded.problem is not None
    assert decoded.offset is not None
    assert decoded.offset <= place
    kept = decoded.table.to_pylist()
    assert len(ROWS) - 60 < len(kept) < len(ROWS)
    assert [row for row in ROWS if row in kept] == kept


@pytest.mark.parametrize("kind", ["float", "double", "int", ["null", "float"]])
def test_a_price_is_the_exact_decimal_that_was_meant(kind: Any) -> None:
    """K40: as text without an exponent."""
    values = {"int": [3, -7], "double": [0.1, 1e22, 1e-7, 12345678.9]}.get(str(kind), [3.14, 0.1, 1e20, 1e-7])
    table = decode(avro(record(("price", kind)), [{"price": value} for value in values])).table
    assert table.schema.types == [pa.string()]
    found = table.column("price").to_pylist()
    assert not any("e" in text for text in found)
    assert [Decimal(text) for text in found] == [Decimal(str(value)) for value in values]


@pytest.mark.parametrize("kind", ["float", "double"])
def test_prices_that_are_no_numbers_are_null_and_counted(kind: str) -> None:
    values = [math.nan, math.inf, -math.inf, 2.5]
    decoded = decode(avro(record(("price", kind), ("x", kind)), [{"price": v, "x": v} for v in values]))
    assert decoded.table.column("price").to_pylist() == [None, None, None, "2.5"]
    assert decoded.not_finite == {"price": 3}
    assert decoded.table.column("x").to_pylist()[1:] == values[1:]


@pytest.mark.parametrize(
    "kind",
    [
        {"type": "array", "items": "null"},
        {"type": "array", "items": {"type": "record", "name": "E", "fields": []}},
        {"type": "record", "name": "L", "fields": [{"name": "next", "type": ["null", "L"]}]},
    ],
    ids=["array of nulls", "array of empty records", "schema of itself"],
)
def test_schemas_that_promise_much_with_few_bytes_are_refused(kind: Any) -> None:
    """BAD INPUT: a count of 2^60 items that take no byte would never end."""
    with pytest.raises(UnreadableError, match="its schema"):
        decode(avro(record(("x", kind)), []))


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy"])
def test_mutated_files_never_raise_anything_else(codec: str) -> None:
    """Whatever is in a file: a table, with a problem or without, or one kind of error."""
    rng = random.Random(11)
    data = avro(SMALL, ROWS[:60], codec=codec, sync_interval=300)
    for _ in range(150):
        mutated = bytearray(data)
        for _ in range(rng.choice([1, 1, 4])):
            mutated[rng.randrange(len(mutated))] = rng.randrange(256)
        try:
            decoded = decode(bytes(mutated[: rng.randrange(len(mutated)) if rng.random() < 0.2 else None]))
        except UnreadableError:
            continue
        assert decoded.problem is not None or decoded.table.num_rows <= 60 * 3


def test_unified_schemas_hold_every_field_in_a_type_wide_enough() -> None:
    """K40: schema evolution."""
    one = pa.schema(
        [("id", pa.string()), ("n", pa.int64()), ("f", pa.float32()), ("l", pa.list_(pa.int64()))]
    )
    two = pa.schema(
        [("n", pa.float32()), ("id", pa.string()), ("f", pa.float64()), ("l", pa.list_(pa.string()))]
    )
    three = pa.schema([("id", pa.int64()), ("new", pa.bool_())])
    unified = unify([one, two, three])
    assert unified.names == ["id", "n", "f", "l", "new"]
    assert unified.types == [pa.string(), pa.float64(), pa.float64(), pa.list_(pa.string()), pa.bool_()]


def test_conforming_fills_casts_and_orders() -> None:
    table = pa.table({"n": [1, None], "b": [True, False], "l": [["é", None], None], "f": [1.5, math.nan]})
    schema = pa.schema([("x", pa.int64()), ("l", pa.string()), ("b", pa.string()), ("n", pa.float64())])
    assert conform(table, schema).to_pylist() == [
        {"x": None, "l": '["é", null]', "b": "true", "n": 1.0},
        {"x": None, "l": None, "b": "false", "n": None},
    ]

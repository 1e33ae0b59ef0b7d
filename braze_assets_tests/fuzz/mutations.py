"""Avro files, whole and damaged, each from a seed alone."""

import functools
import random

import pyarrow as pa

from braze_assets.currents.container import read_container
from braze_assets_tests.currents.conftest import avro, event, record

__all__ = ["KINDS", "mutated"]

_CODECS = ("null", "deflate", "snappy", "bzip2", "xz", "zstandard")
_MARKER = b"0123456789abcdef"
KINDS = ("bits", "bytes", "cut", "splice", "length", "count", "header", "repeat", "noise")


def mutated(seed: int) -> tuple[str, bytes]:
    """The kind of damage, and the damaged file."""
    rng = random.Random(seed)
    kind = KINDS[seed % len(KINDS)]
    data = bytearray(_whole(rng.randrange(3), rng.choice(_CODECS)))
    blocks = read_container(bytes(data)).blocks
    for _ in range(rng.choice((1, 1, 1, 3, 10))):
        size = len(data)
        place = rng.randrange(size) if size else 0
        if kind == "bits" and size:
            data[place] ^= 1 << rng.randrange(8)
        elif kind == "bytes" and size:
            data[place] = rng.randrange(256)
        elif kind == "cut":
            del data[place:]
        elif kind == "splice":
            other = _whole(rng.randrange(3), rng.choice(_CODECS))
            start = rng.randrange(len(other))
            data[place : place + rng.randrange(200)] = other[start : start + rng.randrange(400)]
        elif kind in ("length", "count"):
            block = rng.choice(blocks)
            place = block.start if kind == "count" else rng.randrange(block.body, block.end)
            data[place : place + rng.randrange(1, 3)] = _long(rng)
        elif kind == "header":
            end = blocks[0].start
            data[rng.randrange(4, end)] = rng.randrange(256)
        elif kind == "repeat":
            end = min(size, place + rng.randrange(1, 300))
            data[place:place] = data[place:end] * rng.randrange(1, 30)
        elif kind == "noise":
            data[place : place + 30] = rng.randbytes(rng.randrange(60))
    return kind, bytes(data)


def _long(rng: random.Random) -> bytes:
    """A number as Avro writes it: any size, also 2^60, negative, or with no end."""
    value = rng.choice((rng.getrandbits(8), rng.getrandbits(31), 1 << 61, (1 << 64) - 1, rng.getrandbits(64)))
    return _varint(value) if rng.random() < 0.9 else b"\xff" * rng.randrange(1, 14)


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)


@functools.cache
def _whole(schema: int, codec: str) -> bytes:
    rng = random.Random(schema)
    if schema == 0:
        fields, made = [("id", "string"), ("user_id", "string"), ("time", "int")], {}
        fields += [("email_address", ["null", "string"])]
    elif schema == 1:
        fields = [
            ("id", "string"),
            ("price", ["null", "float"]),
            ("tags", ["null", {"type": "array", "items": ["null", "string"]}]),
            ("numbers", {"type": "array", "items": "double"}),
            ("flag", [{"type": "boolean"}, "null"]),
            ("raw", "bytes"),
        ]
    else:
        fields = [
            ("id", "string"),
            ("map", {"type": "map", "values": ["null", "long"]}),
            ("inner", {"type": "record", "name": "I", "fields": [{"name": "y", "type": "int"}]}),
            ("kind", {"type": "enum", "name": "E", "symbols": ["A", "B"]}),
            ("fixed", {"type": "fixed", "name": "F", "size": 4}),
            ("nested", {"type": "array", "items": {"type": "array", "items": "int"}}),
        ]
    rows = []
    for number in range(40):
        made = {
            0: event(number),
            1: {
                "id": f"é{number}",
                "price": rng.choice((None, 3.14, 1e20)),
                "tags": rng.choice((None, [], ["a", None])),
                "numbers": [1.5] * rng.randrange(3),
                "flag": rng.choice((None, True)),
                "raw": b"\x00\xff",
            },
            2: {
                "id": f"x{number}",
                "map": {"a": None, "b": number},
                "inner": {"y": number},
                "kind": rng.choice("AB"),
                "fixed": b"abcd",
                "nested": [[1], [], [2, 3]],
            },
        }[schema]
        rows.append({name: made[name] for name, _ in fields})
    if codec != "zstandard":
        return avro(record(*fields), rows, codec=codec, sync_interval=300, sync_marker=_MARKER)
    # fastavro writes it with a further library only.
    return _zstandard(avro(record(*fields), rows, sync_interval=300, sync_marker=_MARKER))


def _zstandard(data: bytes) -> bytes:
    """A file without compression with its blocks compressed by Arrow's codec."""
    blocks = read_container(data).blocks
    made = data[: blocks[0].start].replace(b"\x08null", b"\x12zstandard", 1)
    for block in blocks:
        body = pa.Codec("zstd").compress(data[block.body : block.stop], asbytes=True)
        made += _varint(block.records << 1) + _varint(len(body) << 1) + body + _MARKER
    return made

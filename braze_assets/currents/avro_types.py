"""From Avro's types to Arrow's.

Currents uses strings, integers, floats, booleans and arrays of strings, each perhaps null. Integers of both
sizes become 64 bits, so that the hours of a table agree. What Currents does not use today (maps, records,
unions of several types) is kept as JSON text rather than lost.
"""

import json
from typing import Any

import pyarrow as pa

__all__ = ["NUMBERS", "arrow_type", "as_text", "branches", "column_type", "is_plain"]

_PRIMITIVES = {
    "string": pa.string(),
    "int": pa.int64(),
    "long": pa.int64(),
    "float": pa.float64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "bytes": pa.binary(),
}


NUMBERS = ("int", "long", "float", "double")
"""The kinds a price may have; as a column it is text, the exact decimal that was meant."""


def branches(avro: Any) -> list[Any]:
    """The types a value may have other than null, annotated primitives (`{"type": "string"}`) unwrapped."""
    found: list[Any] = []
    for kind in avro if isinstance(avro, list) else [avro]:
        inner = kind.get("type") if isinstance(kind, dict) and "logicalType" not in kind else None
        if isinstance(inner, (dict, list)):
            found += branches(inner)
        else:
            found.append(inner if inner == "null" or inner in _PRIMITIVES else kind)
    return [kind for kind in found if kind != "null"]


def arrow_type(avro: Any) -> pa.DataType:
    """The Arrow type that values of an Avro type are kept in. Every column may be null."""
    kinds = branches(avro)
    if len(kinds) != 1:
        return pa.string()
    kind = kinds[0]
    if isinstance(kind, str):
        return _PRIMITIVES.get(kind, pa.string())
    if not isinstance(kind, dict):
        return pa.string()
    if kind.get("type") == "array":
        item = arrow_type(kind.get("items"))
        return pa.string() if pa.types.is_nested(item) else pa.list_(item)
    if kind.get("type") == "fixed" and "logicalType" not in kind:
        return pa.binary()
    return pa.string()


def column_type(name: str, avro: Any) -> pa.DataType:
    """The Arrow type of a field. A price is text: a decimal has no exact float."""
    kinds = branches(avro)
    if name == "price" and len(kinds) == 1 and isinstance(kinds[0], str) and kinds[0] in NUMBERS:
        return pa.string()
    return arrow_type(avro)


def is_plain(avro: Any) -> bool:
    """Whether a type is of the kinds Currents documents: a primitive or an array of one, perhaps null."""
    if _primitive(avro):
        return True
    if isinstance(avro, list):
        others = [kind for kind in avro if kind != "null"]
        return len(avro) == 2 and len(others) == 1 and not isinstance(others[0], list) and is_plain(others[0])
    if not isinstance(avro, dict) or "logicalType" in avro:
        return False
    if isinstance(avro.get("type"), dict):
        return is_plain(avro["type"])
    items = avro.get("items")
    if avro.get("type") != "array":
        return False
    if isinstance(items, list):
        return len(items) == 2 and items.count("null") == 1 and any(_primitive(kind) for kind in items)
    return _primitive(items)


def _primitive(avro: Any) -> bool:
    while isinstance(avro, dict) and "logicalType" not in avro:
        avro = avro.get("type")
    return isinstance(avro, str) and avro in _PRIMITIVES


def as_text(value: Any) -> str:
    """A value that has no column type of its own as text: itself, or JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)

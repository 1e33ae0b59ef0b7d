"""From Avro's types to Arrow's.

Currents uses strings, integers, floats, booleans and arrays of strings, each perhaps null. Integers of both
sizes become 64 bits, so that the hours of a table agree. What Currents does not use today (maps, records,
unions of several types) is kept as JSON text rather than lost.
"""

import json
from typing import Any

import pyarrow as pa

__all__ = ["arrow_type", "as_text", "is_plain"]

_PRIMITIVES = {
    "string": pa.string(),
    "int": pa.int64(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "bytes": pa.binary(),
}


def _branches(avro: Any) -> list[Any]:
    """The types a value may have other than null, annotated primitives (`{"type": "string"}`) unwrapped."""
    branches: list[Any] = []
    for kind in avro if isinstance(avro, list) else [avro]:
        inner = kind.get("type") if isinstance(kind, dict) and "logicalType" not in kind else None
        if isinstance(inner, (dict, list)):
            branches += _branches(inner)
        else:
            branches.append(inner if inner == "null" or inner in _PRIMITIVES else kind)
    return [kind for kind in branches if kind != "null"]


def arrow_type(avro: Any) -> pa.DataType:
    """The Arrow type that values of an Avro type are kept in. Every column may be null."""
    branches = _branches(avro)
    if len(branches) != 1:
        return pa.string()
    kind = branches[0]
    if isinstance(kind, str):
        return _PRIMITIVES.get(kind, pa.string())
    if kind.get("type") == "array":
        item = arrow_type(kind.get("items"))
        return pa.string() if pa.types.is_nested(item) else pa.list_(item)
    if kind.get("type") == "fixed" and "logicalType" not in kind:
        return pa.binary()
    return pa.string()


def is_plain(avro: Any) -> bool:
    """Whether a type is of the kinds Currents documents: a primitive or an array of one, perhaps null."""
    branches = _branches(avro)
    if len(branches) != 1 or (isinstance(avro, list) and (len(avro) != 2 or "null" not in avro)):
        return False
    kind = branches[0]
    if isinstance(kind, dict):
        # An array of arrays is not plain: its Arrow type is text.
        return kind.get("type") == "array" and is_plain(kind["items"]) and arrow_type(kind) != pa.string()
    return kind in _PRIMITIVES


def as_text(value: Any) -> str:
    """A value that has no column type of its own as text: itself, or JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)

"""From Avro's types to Arrow's, and one schema for files whose schemas differ.

Currents uses strings, integers, floats, booleans and arrays of strings, each perhaps null. Integers of both
sizes become 64 bits, so that the hours of a table agree. What Currents does not use today (maps, records,
unions of several types) is kept as JSON text rather than lost.
"""

import json
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["arrow_type", "as_text", "cast_column", "conform", "is_plain", "unify"]

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


def unify(schemas: Iterable[pa.Schema]) -> pa.Schema:
    """One schema that holds every field of all, each in a type wide enough.

    Fields keep the order in which they are first seen. Integers and floats meet in DOUBLE; whatever else
    differs meets in text.
    """
    merged: dict[str, pa.DataType] = {}
    for schema in schemas:
        for field in schema:
            merged[field.name] = _wider(merged.get(field.name, field.type), field.type)
    return pa.schema([pa.field(name, kind) for name, kind in merged.items()])


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    if one == other:
        return one
    if pa.types.is_list(one) and pa.types.is_list(other):
        return pa.list_(_wider(one.value_type, other.value_type))
    numbers = (pa.int64(), pa.float32(), pa.float64())
    return pa.float64() if one in numbers and other in numbers else pa.string()


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with the columns of a schema that is at least as wide; those it lacks are null."""
    columns = []
    for field in schema:
        place = table.schema.get_field_index(field.name)
        if place < 0:
            columns.append(pa.nulls(table.num_rows, field.type))
        else:
            columns.append(cast_column(table.column(place), field.type))
    return pa.table(columns, schema=schema) if columns else table.select([])


def cast_column(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """A column in a wider type; what has no text of its own becomes JSON."""
    if column.type == kind:
        return column
    if kind == pa.string() and (pa.types.is_list(column.type) or pa.types.is_binary(column.type)):
        texts = [None if value is None else as_text(value) for value in column.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
    return pc.cast(column, kind, safe=False)


def as_text(value: Any) -> str:
    """A value that has no column type of its own as text: itself, or JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)

"""One table for files whose schemas differ, and what stops it.

Braze promises to add optional fields only, and has also removed fields, made them nullable and changed their
types (history of the published schemas, September 2026). Added, removed, reordered and nullable fields and
numbers of another size always fit. A field that turns from a number to text, or from one value to a list,
does not: queries over the history would break, so its event type stops until somebody decides.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from braze_assets.currents.avro_types import as_text
from braze_assets.storage.dictionaries import plain, plain_type

__all__ = ["Held", "TypeChange", "conform", "family", "table_schema", "type_changes", "unify"]

_NUMBERS = (pa.int64(), pa.float32(), pa.float64())
_STANDS_FOR = {"text": pa.string(), "number": pa.float64(), "boolean": pa.bool_(), "bytes": pa.binary()}


def family(kind: pa.DataType) -> str:
    """The types that go together in one column: `text`, `number`, `boolean`, `bytes`, `list of text` ..."""
    if pa.types.is_list(kind):
        return f"list of {family(kind.value_type)}"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return "number"
    if pa.types.is_boolean(kind):
        return "boolean"
    return "bytes" if pa.types.is_binary(kind) else "text"


@dataclass
class Held:
    """What the table of an event type already holds: the families of each field, and the file of each."""

    fields: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, families: Mapping[str, str], file: str) -> dict[str, str]:
        """Add the fields of a file; give those that are new in some way."""
        new = {name: kind for name, kind in families.items() if kind not in self.fields.get(name, {})}
        for name, kind in new.items():
            self.fields.setdefault(name, {})[kind] = file
        return new


@dataclass(frozen=True)
class TypeChange:
    """A field whose values no longer fit its column."""

    field: str
    old: str
    new: str
    file: str
    held_by: str

    def __str__(self) -> str:
        return f"{self.field} was {self.old} in {self.held_by} and is {self.new} in {self.file}"


def type_changes(
    held: Held, files: Iterable[tuple[str, pa.Schema]], accepted: Collection[str] = ()
) -> list[TypeChange]:
    """The first change of each field that does not fit what is held, or what an earlier file has.

    Args:
        held: What the table has from other hours.
        files: The files of the hour with their schemas, in order.
        accepted: Fields that are text from now on, whatever they are in the files.
    """
    found: dict[str, TypeChange] = {}
    seen = {name: next(iter(kinds.items())) for name, kinds in held.fields.items()}
    before: pa.Schema | None = None
    for file, schema in files:
        if before is not None and schema.equals(before):
            continue  # As a rule all files of an hour have the same.
        before = schema
        for each in schema:
            kind = family(each.type)
            old, held_by = seen.setdefault(each.name, (kind, file))
            known = held.fields.get(each.name, {})
            if kind != old and kind not in known and each.name not in accepted:
                found.setdefault(each.name, TypeChange(each.name, old, kind, file, held_by))
    return list(found.values())


def table_schema(
    documented: pa.Schema, files: Iterable[pa.Schema], held: Held, accepted: Collection[str] = ()
) -> pa.Schema:
    """The columns of an hour's table: the documented ones, then those only the files have.

    What the files have counts for more than what is documented. A documented column that no file has takes
    the type it has in other hours, so that empty hours do not stand out.
    """
    seen = unify(files, text=accepted)
    columns = {}
    for each in documented:
        place = seen.get_field_index(each.name)
        kinds = held.fields.get(each.name, {})
        if place >= 0:
            kind = seen.field(place).type
            same = family(kind) == family(each.type)
            columns[each.name] = _wider(each.type, kind) if same else kind
        elif each.name in accepted or len(kinds) > 1:
            columns[each.name] = pa.string()
        elif kinds and family(each.type) not in kinds:
            columns[each.name] = _standing_for(next(iter(kinds)))
        else:
            columns[each.name] = each.type
    columns |= {each.name: each.type for each in seen if each.name not in columns}
    return pa.schema(list(columns.items()))


def _standing_for(kind: str) -> pa.DataType:
    if kind.startswith("list of "):
        return pa.list_(_standing_for(kind.removeprefix("list of ")))
    return _STANDS_FOR[kind]


def unify(schemas: Iterable[pa.Schema], *, text: Collection[str] = ()) -> pa.Schema:
    """One schema that holds every field of all, each in a type wide enough.

    Fields keep the order in which they are first seen. Integers and floats meet in DOUBLE; whatever else
    differs meets in text, and so do the fields named in `text`.
    """
    merged: dict[str, pa.DataType] = {}
    before: pa.Schema | None = None
    for schema in schemas:
        if before is not None and schema.equals(before):
            continue
        before = schema
        for each in schema:
            kind = pa.string() if each.name in text else each.type
            merged[each.name] = _wider(merged.get(each.name, kind), kind)
    return pa.schema([pa.field(name, kind) for name, kind in merged.items()])


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    if one == other:
        return one
    if pa.types.is_list(one) and pa.types.is_list(other):
        return pa.list_(_wider(one.value_type, other.value_type))
    return pa.float64() if one in _NUMBERS and other in _NUMBERS else pa.string()


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with the columns of a schema that is at least as wide; those it lacks are null.

    Dictionaries of values that have the column's type stay dictionaries.
    """
    columns = []
    for each in schema:
        place = table.schema.get_field_index(each.name)
        if place < 0:
            columns.append(pa.nulls(table.num_rows, each.type))
        elif plain_type(table.field(place).type) == each.type:
            columns.append(table.column(place))
        else:
            columns.append(cast_column(plain(table.column(place)), each.type))
    return pa.table(columns, names=schema.names) if columns else table.select([])


def cast_column(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """A column in a wider type; what has no text of its own becomes JSON."""
    if column.type == kind:
        return column
    if kind == pa.string() and (pa.types.is_list(column.type) or pa.types.is_binary(column.type)):
        texts = [None if value is None else as_text(value) for value in column.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
    return pc.cast(column, kind, safe=False)


def families(schema: pa.Schema) -> dict[str, str]:
    """The family of each field of a file."""
    return {each.name: family(each.type) for each in schema}


def dump(new: Mapping[str, str], file: str) -> bytes:
    """A note of fields and the file that brought them."""
    return json.dumps({"file": file, "fields": dict(new)}, sort_keys=True).encode()


def load(notes: Iterable[bytes]) -> Held:
    """What some notes say together; the same in any order of theirs."""
    held = Held()
    for note in sorted(notes):
        document: dict[str, Any] = json.loads(note)
        held.add(document["fields"], document["file"])
    return held

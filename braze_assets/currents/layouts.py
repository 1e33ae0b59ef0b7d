"""How files of a schema are decoded, worked out once for all that have it: an hour may be 1,000 of them."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa

from braze_assets.currents.avro_types import column_type, is_plain
from braze_assets.currents.columnar import Plan
from braze_assets.currents.container import Container

__all__ = ["Layout", "layout_of"]

_KEPT_BYTES = 64 << 10
"""A schema of Currents has 5 KB; longer ones are not remembered."""


@dataclass(frozen=True)
class Layout:
    """What follows from a schema.

    Args:
        schema: The columns.
        plan: How the records are read by column; None where only the slow reader can.
        changing: Columns that are read in another type than they are kept in.
    """

    schema: pa.Schema
    plan: Plan | None
    changing: tuple[str, ...]


def layout_of(container: Container) -> Layout:
    """The layout of a file."""
    if len(container.schema_text) > _KEPT_BYTES:
        return _layout(container.fields)
    return _remembered(_Key(container.schema_text, container.fields))


class _Key:
    """A schema, the same as another where its text is."""

    def __init__(self, text: bytes, fields: list[dict[str, Any]]) -> None:
        self.text = text
        self.fields = fields

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.text == other.text


@lru_cache(maxsize=32)
def _remembered(key: _Key) -> Layout:
    return _layout(key.fields)


def _layout(fields: list[dict[str, Any]]) -> Layout:
    schema = pa.schema([(each["name"], column_type(each["name"], each["type"])) for each in fields])
    plan = Plan(fields) if all(is_plain(each["type"]) for each in fields) else None
    read = {name: kind for name, _, kind in plan.columns} if plan else {}
    changing = [each.name for each in schema if read.get(each.name) != each.type]
    return Layout(schema, plan, tuple(changing))

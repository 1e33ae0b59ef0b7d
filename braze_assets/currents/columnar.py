"""Blocks of Avro records straight to Arrow columns, without a Python object for any value.

For the kinds of fields Currents documents: primitives and arrays of primitives, each perhaps null. Every byte
is checked before a column is made, so memory is what the columns take, whatever the file says of itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from braze_assets.currents.avro_types import branches
from braze_assets.currents.flat import FlatColumns
from braze_assets.currents.kinds import ARRAY, KINDS
from braze_assets.currents.nested import NestedColumns

__all__ = ["Damage", "Part", "Plan", "read_parts"]


@dataclass(frozen=True)
class Part:
    """The records of a block: how many, and where in the data."""

    records: int
    start: int
    end: int


@dataclass(frozen=True)
class Damage:
    """A part that is damaged, and the byte where that shows."""

    part: int
    place: int


class Plan:
    """How the records of a schema are read."""

    def __init__(self, fields: Sequence[dict[str, Any]]) -> None:
        """Read these fields. Every one must be plain (`avro_types.is_plain`)."""
        program, column = [], []
        self.kinds: list[int] = []
        self.columns: list[tuple[str, int, pa.DataType]] = []
        for field in fields:
            (kind,) = branches(field["type"])
            row = [KINDS.get(kind, ARRAY) if isinstance(kind, str) else ARRAY, _null(field["type"]), 0, -1]
            if row[0] == ARRAY:
                (item,) = branches(kind["items"])
                row[2:] = [KINDS[item], _null(kind["items"])]
            target = [-1, -1]
            self.columns.append((field["name"], len(self.kinds), _arrow(kind)))
            for place, of in enumerate((row[0], row[2])[: 1 + (row[0] == ARRAY)]):
                target[place] = len(self.kinds)
                self.kinds.append(of)
            program.append(row)
            column.append(target)
        self.program = np.array(program, dtype=np.int64).reshape(-1, 4)
        self.column = np.array(column, dtype=np.int64).reshape(-1, 2)


def read_parts(
    data: bytes, parts: Sequence[Part], plan: Plan, *, dictionaries: bool = False
) -> pa.Table | Damage:
    """The records of some blocks; or the first of them that is damaged.

    Args:
        data: Bytes that hold the blocks.
        parts: Where they are.
        plan: How they are read.
        dictionaries: Whether text that comes again and again may be given as Arrow's dictionaries.
    """
    for number, part in enumerate(parts):
        # Every field takes a byte at least: a block cannot hold more records than that.
        if part.records * len(plan.program) > part.end - part.start:
            return Damage(number, part.start)
    blocks = (
        np.frombuffer(data, dtype=np.uint8),
        np.array([part.start for part in parts], dtype=np.int64),
        np.array([part.end for part in parts], dtype=np.int64),
        np.array([part.records for part in parts], dtype=np.int64),
    )
    columns: FlatColumns | NestedColumns
    if ARRAY in plan.kinds:
        columns = NestedColumns(blocks, plan.kinds, plan.program, plan.column)
    else:
        columns = FlatColumns(blocks, plan.kinds, plan.program, dictionaries)
    if columns.damage is not None:
        return Damage(*columns.damage)
    try:
        arrays = [columns.column(number, kind) for _, number, kind in plan.columns]
    except pa.ArrowInvalid:
        # Text that is not UTF-8; whose, is seen when the blocks are read one by one.
        return _the_bad_one(data, parts, plan)
    return pa.table(arrays, names=[name for name, _, _ in plan.columns])


def _the_bad_one(data: bytes, parts: Sequence[Part], plan: Plan) -> Damage:
    if len(parts) == 1:
        return Damage(0, parts[0].start)
    # Halves, to find it in few rounds.
    middle = len(parts) // 2
    first = read_parts(data, parts[:middle], plan)
    if isinstance(first, Damage):
        return first
    second = read_parts(data, parts[middle:], plan)
    return Damage(middle + second.part, second.place) if isinstance(second, Damage) else Damage(middle, 0)


def _null(avro: Any) -> int:
    """Which branch of a union is null; -1 where none is."""
    return avro.index("null") if isinstance(avro, list) and "null" in avro else -1


def _arrow(kind: Any) -> pa.DataType:
    """The Arrow type a kind is read in; floats keep their 32 bits."""
    types = (pa.bool_(), pa.int64(), pa.float32(), pa.float64(), pa.string())
    if not isinstance(kind, str):
        (item,) = branches(kind["items"])
        return pa.list_(_arrow(item))
    return pa.binary() if kind == "bytes" else types[KINDS[kind]]

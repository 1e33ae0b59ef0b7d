"""Blocks of Avro records straight to Arrow columns, without a Python object for any value.

For the kinds of fields Currents documents: primitives and arrays of primitives, each perhaps null. The blocks
are read twice: once to check every byte and to measure, then to store what was measured, so memory is what
the columns take, whatever the file says of itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from braze_assets.currents.avro_types import branches

__all__ = ["Damage", "Part", "Plan", "read_parts"]

_KINDS = {"boolean": 0, "int": 1, "long": 1, "float": 2, "double": 3, "string": 4, "bytes": 4}
_BYTES, _ARRAY = 4, 5
_NUMPY = {2: np.float32, 3: np.float64}


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
            row = [_KINDS.get(kind, _ARRAY) if isinstance(kind, str) else _ARRAY, _null(field["type"]), 0, -1]
            if row[0] == _ARRAY:
                (item,) = branches(kind["items"])
                row[2:] = [_KINDS[item], _null(kind["items"])]
            target = [-1, -1]
            self.columns.append((field["name"], len(self.kinds), _arrow(kind)))
            for place, of in enumerate((row[0], row[2])[: 1 + (row[0] == _ARRAY)]):
                target[place] = len(self.kinds)
                self.kinds.append(of)
            program.append(row)
            column.append(target)
        self.program = np.array(program, dtype=np.int64).reshape(-1, 4)
        self.column = np.array(column, dtype=np.int64).reshape(-1, 2)


def read_parts(data: bytes, parts: Sequence[Part], plan: Plan) -> pa.Table | Damage:
    """The records of some blocks; or the first of them that is damaged."""
    from braze_assets.currents.kernel import walk

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
    store = _Store(plan.kinds, [0] * len(plan.kinds), [0] * len(plan.kinds))
    bad, place, rows, sizes = walk(*blocks, plan.program, plan.column, False, *store.arrays)
    if bad >= 0:
        return Damage(int(bad), int(place))
    store = _Store(plan.kinds, rows.tolist(), sizes.tolist())
    walk(*blocks, plan.program, plan.column, True, *store.arrays)
    try:
        columns = [store.column(number, kind) for _, number, kind in plan.columns]
    except pa.ArrowInvalid:
        # Text that is not UTF-8; whose, is seen when the blocks are read one by one.
        return _the_bad_one(data, parts, plan)
    return pa.table(columns, names=[name for name, _, _ in plan.columns])


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


class _Store:
    """The columns while they are filled, all of a kind in one array."""

    def __init__(self, kinds: Sequence[int], rows: Sequence[int], sizes: Sequence[int]) -> None:
        texts = [kind >= _BYTES for kind in kinds]
        takes = np.array(
            [
                (count, 0 if text else count, count + 1 if text else 0, size)
                for text, count, size in zip(texts, rows, sizes, strict=True)
            ],
            dtype=np.int64,
        ).reshape(-1, 4)
        self._kinds, self._rows, self._sizes = kinds, rows, sizes
        self._base = np.cumsum(takes, axis=0) - takes
        valid, values, offsets, text = takes.sum(axis=0).tolist()
        self._valid = np.empty(valid, dtype=np.uint8)
        self._values = np.empty(values, dtype=np.int64)
        self._offsets = np.zeros(offsets, dtype=np.int32)
        self._texts = np.empty(text, dtype=np.uint8)

    @property
    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        """What the kernel fills."""
        return self._base, self._values, self._offsets, self._texts, self._valid

    def column(self, number: int, kind: pa.DataType) -> pa.Array:
        """A column as Arrow has it.

        Raises:
            pa.ArrowInvalid: Its text is not UTF-8.
        """
        count, of = self._rows[number], self._kinds[number]
        valid, values, offsets, texts = self._base[number].tolist()
        present = self._valid[valid : valid + count]
        nulls = count - int(np.count_nonzero(present))
        mask = pa.py_buffer(np.packbits(present, bitorder="little")) if nulls else None
        if of >= _BYTES:
            ends = pa.py_buffer(self._offsets[offsets : offsets + count + 1])
            if of == _ARRAY:
                items = self.column(number + 1, kind.value_type)
                return pa.Array.from_buffers(kind, count, [mask, ends], nulls, children=[items])
            text = self._texts[texts : texts + self._sizes[number]]
            array = pa.Array.from_buffers(kind, count, [mask, ends, pa.py_buffer(text)], nulls)
            if kind == pa.string() and len(text) and text.max() > 0x7F:
                array.validate(full=True)
            return array
        numbers = self._values[values : values + count]
        if nulls:
            numbers[present == 0] = 0
        if of == 0:
            bits = np.packbits(numbers.astype(np.uint8), bitorder="little")
            return pa.Array.from_buffers(kind, count, [mask, pa.py_buffer(bits)], nulls)
        if of == 2:
            numbers = numbers.astype(np.uint32).view(np.float32)
        return pa.Array.from_buffers(kind, count, [mask, pa.py_buffer(numbers)], nulls)


def _null(avro: Any) -> int:
    """Which branch of a union is null; -1 where none is."""
    return avro.index("null") if isinstance(avro, list) and "null" in avro else -1


def _arrow(kind: Any) -> pa.DataType:
    """The Arrow type a kind is read in; floats keep their 32 bits."""
    types = (pa.bool_(), pa.int64(), pa.float32(), pa.float64(), pa.string())
    if not isinstance(kind, str):
        (item,) = branches(kind["items"])
        return pa.list_(_arrow(item))
    return pa.binary() if kind == "bytes" else types[_KINDS[kind]]

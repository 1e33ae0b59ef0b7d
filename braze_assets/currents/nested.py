"""Columns of records with arrays, which are read twice: to check and measure them, then to store them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from braze_assets.currents.buffers import mask, numbers, text
from braze_assets.currents.kinds import ARRAY, BYTES

__all__ = ["NestedColumns"]


class NestedColumns:
    """The columns, all of a kind in one array."""

    def __init__(
        self,
        blocks: tuple[npt.NDArray[Any], ...],
        kinds: Sequence[int],
        program: npt.NDArray[np.int64],
        column: npt.NDArray[np.int64],
    ) -> None:
        """Read some blocks.

        Args:
            blocks: As `walk` takes them.
            kinds: The kind of each column, those of the items of arrays among them.
            program: As `walk` takes it.
            column: As `walk` takes it.
        """
        from braze_assets.currents.kernel import walk

        self._kinds = kinds
        self._room([0] * len(kinds), [0] * len(kinds))
        bad, place, rows, sizes = walk(*blocks, program, column, False, *self._arrays)
        self.damage = None if bad < 0 else (int(bad), int(place))
        """The first damaged block, and where."""
        if bad < 0:
            self._room(rows.tolist(), sizes.tolist())
            walk(*blocks, program, column, True, *self._arrays)

    def _room(self, rows: Sequence[int], sizes: Sequence[int]) -> None:
        texts = [kind in (BYTES, ARRAY) for kind in self._kinds]
        takes = np.array(
            [
                (count, 0 if text else count, count + 1 if text else 0, size)
                for text, count, size in zip(texts, rows, sizes, strict=True)
            ],
            dtype=np.int64,
        ).reshape(-1, 4)
        self._rows, self._sizes = rows, sizes
        self._base = np.cumsum(takes, axis=0) - takes
        valid, values, offsets, size = takes.sum(axis=0).tolist()
        self._valid = np.empty(valid, dtype=np.uint8)
        self._values = np.empty(values, dtype=np.int64)
        self._offsets = np.zeros(offsets, dtype=np.int32)
        self._texts = np.empty(size, dtype=np.uint8)
        self._arrays = (self._base, self._values, self._offsets, self._texts, self._valid)

    def column(self, number: int, kind: pa.DataType) -> pa.Array:
        """A column as Arrow has it.

        Raises:
            pa.ArrowInvalid: Its text is not UTF-8.
        """
        count, of = self._rows[number], self._kinds[number]
        valid, values, offsets, texts = self._base[number].tolist()
        present = self._valid[valid : valid + count]
        if of not in (BYTES, ARRAY):
            return numbers(self._values[values : values + count], present, of, kind)
        ends = self._offsets[offsets : offsets + count + 1]
        if of == BYTES:
            return text(ends, self._texts[texts : texts + self._sizes[number]], present, kind)
        items = self.column(number + 1, kind.value_type)
        nulls, bits = mask(present)
        return pa.Array.from_buffers(kind, count, [bits, pa.py_buffer(ends)], nulls, children=[items])

"""Columns of records without arrays, which are read once: numbers at once, then the texts by column.

Most texts of events come again and again: names and ids of campaigns, devices, languages. Such a column is
given as a dictionary, which takes a part of the memory, and of the time to filter it and to write it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from braze_assets.currents.buffers import mask, numbers, text
from braze_assets.currents.kinds import BYTES

__all__ = ["FlatColumns"]

_FEW = 1_000
"""Records of which dictionaries would not save anything."""
_MOST = 1 << 14
"""Distinct texts a dictionary may have."""


class FlatColumns:
    """The columns."""

    def __init__(
        self,
        blocks: tuple[npt.NDArray[Any], ...],
        kinds: Sequence[int],
        program: npt.NDArray[np.int64],
        dictionaries: bool,
    ) -> None:
        """Read some blocks.

        Args:
            blocks: As `note` takes them.
            kinds: The kind of each column.
            program: As `note` takes it.
            dictionaries: Whether a column of text may be a dictionary.
        """
        from braze_assets.currents.kernel import note

        self._data, starts, _, counts = blocks
        self._start = int(starts[0]) if len(starts) else 0
        self._kinds = kinds
        texts = np.array(kinds) == BYTES
        self._slots = np.where(texts, np.cumsum(texts), np.cumsum(~texts)) - 1
        count, here = int(counts.sum()), int(texts.sum())
        self._values = np.empty((len(kinds) - here, count), dtype=np.int64)
        self._valid = np.empty((len(kinds) - here, count), dtype=np.uint8)
        self._places = np.empty((here, count), dtype=np.int32)
        self._lengths = np.empty((here, count), dtype=np.int32)
        bad, place = note(
            *blocks, program, self._slots, self._values, self._valid, self._places, self._lengths
        )
        self.damage = None if bad < 0 else (int(bad), int(place))
        """The first damaged block, and where."""
        self._together: tuple[Any, ...] | None = None
        self._table = np.empty(4 * _MOST if dictionaries and count >= _FEW else 0, dtype=np.int32)

    def column(self, number: int, kind: pa.DataType) -> pa.Array:
        """A column as Arrow has it.

        Raises:
            pa.ArrowInvalid: Its text is not UTF-8.
        """
        slot = self._slots[number]
        if self._kinds[number] != BYTES:
            return numbers(self._values[slot], self._valid[slot], self._kinds[number], kind)
        if not len(self._table):
            return self._one_of_all(int(slot), kind)
        places, lengths = self._places[slot], self._lengths[slot]
        found = self._dictionary(places, lengths, kind)
        return self._text(places, lengths, kind) if found is None else found

    def _one_of_all(self, slot: int, kind: pa.DataType) -> pa.Array:
        """A column; the first time all of text are made together: of few records, the calls take the time."""
        from braze_assets.currents.texts import copy_all

        if self._together is None:
            there = self._lengths >= 0
            ends = np.empty((there.shape[0], there.shape[1] + 1), dtype=np.int32)
            size = np.maximum(self._lengths, 0).sum(dtype=np.int64)
            texts = np.empty(size, dtype=np.uint8)
            starts = copy_all(self._data, self._start, self._places, self._lengths, ends, texts)
            plain = not size or texts.max() <= 0x7F
            bits = np.packbits(there, axis=1, bitorder="little")
            nulls = there.shape[1] - np.count_nonzero(there, axis=1)
            self._together = ends, texts, starts.tolist(), bits, nulls.tolist(), plain
        ends, texts, starts, bits, nulls, plain = self._together
        buffers = [
            pa.py_buffer(bits[slot]) if nulls[slot] else None,
            pa.py_buffer(ends[slot]),
            pa.py_buffer(texts[starts[slot] : starts[slot + 1]]),
        ]
        array = pa.Array.from_buffers(kind, ends.shape[1] - 1, buffers, nulls[slot])
        if not plain and kind == pa.string():
            array.validate(full=True)
        return array

    def _text(
        self, places: npt.NDArray[np.int32], lengths: npt.NDArray[np.int32], kind: pa.DataType
    ) -> pa.Array:
        from braze_assets.currents.texts import copy

        ends = np.empty(len(lengths) + 1, dtype=np.int32)
        texts = np.empty(np.maximum(lengths, 0).sum(dtype=np.int64), dtype=np.uint8)
        copy(self._data, self._start, places, lengths, ends, texts)
        return text(ends, texts, lengths >= 0, kind)

    def _dictionary(
        self, places: npt.NDArray[np.int32], lengths: npt.NDArray[np.int32], kind: pa.DataType
    ) -> pa.Array | None:
        """The column as a dictionary; None where most of its texts come only once."""
        from braze_assets.currents.texts import distinct

        self._table.fill(-1)
        indices = np.empty(len(lengths), dtype=np.int32)
        firsts = np.empty(min(_MOST, len(lengths)), dtype=np.int32)
        count = distinct(self._data, self._start, places, lengths, self._table, indices, firsts)
        if count < 0:
            return None
        values = self._text(places[firsts[:count]], lengths[firsts[:count]], kind)
        nulls, bits = mask(lengths >= 0)
        numbered = pa.Array.from_buffers(pa.int32(), len(lengths), [bits, pa.py_buffer(indices)], nulls)
        return pa.DictionaryArray.from_arrays(numbered, values, safe=False)

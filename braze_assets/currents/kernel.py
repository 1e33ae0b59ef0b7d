"""The loops of the columnar decoder, compiled by numba when they are first used and kept on disk.

Every read is checked against the end of its block: whatever bytes a file holds, nothing outside of it is
touched, and every loop ends, since each of its rounds reads at least one byte.
"""

from typing import Any

import numpy as np
from numba import njit

from braze_assets.currents.kinds import ARRAY, BOOLEAN, BYTES, FLOAT, INTEGER

__all__ = ["compiled", "note", "walk"]

_FAILED = -1
_SHORT = 63
"""The longest text whose length is one byte."""


def compiled(function: Any) -> Any:
    """A function as machine code, which lets other threads run meanwhile."""
    try:
        return njit(cache=True, nogil=True, boundscheck=False)(function)
    except RuntimeError:
        # No folder that numba could write to: it is compiled anew in every process.
        return njit(nogil=True, boundscheck=False)(function)


@compiled
def _long(data, place, end):  # type: ignore[no-untyped-def]
    """An Avro long, and the place behind it; that place is negative where there is none."""
    value = np.int64(0)
    behind = np.int64(_FAILED)
    if place < end:
        byte = np.uint64(data[np.uint64(place)])
        if byte < np.uint64(0x80):
            # By far the most: lengths of short texts, branches of unions.
            value = np.int64(byte >> np.uint64(1)) ^ -np.int64(byte & np.uint64(1))
            behind = place + 1
        else:
            bits = byte & np.uint64(0x7F)
            shift = np.uint64(7)
            place += 1
            while place < end and shift < np.uint64(70):
                byte = np.uint64(data[np.uint64(place)])
                place += 1
                bits |= (byte & np.uint64(0x7F)) << shift
                if byte < np.uint64(0x80):
                    if shift < np.uint64(63) or byte < np.uint64(2):
                        value = np.int64(bits >> np.uint64(1)) ^ -np.int64(bits & np.uint64(1))
                        behind = place
                    break
                shift += np.uint64(7)
    return value, behind


@compiled
def _value(data, place, end, kind):  # type: ignore[no-untyped-def]
    """A value that is no array: what it is (for text: where it begins), its length, the place behind it."""
    if kind == BYTES:
        length, place = _long(data, place, end)
        if place < 0 or length < 0 or length > end - place:
            return np.int64(0), np.int64(0), np.int64(_FAILED)
        return place, length, place + length
    if kind == INTEGER:
        value, place = _long(data, place, end)
        return value, np.int64(0), place
    size = 1 if kind == BOOLEAN else 4 if kind == FLOAT else 8
    if size > end - place:
        return np.int64(0), np.int64(0), np.int64(_FAILED)
    bits = np.uint64(0)
    for byte in range(size):
        bits |= np.uint64(data[np.uint64(place + byte)]) << np.uint64(8 * byte)
    if kind == BOOLEAN and bits > np.uint64(1):
        return np.int64(0), np.int64(0), np.int64(_FAILED)
    return np.int64(bits), np.int64(0), place + size


@compiled
def note(data, starts, ends, counts, program, slots, values, valid, places, lengths):  # type: ignore[no-untyped-def]
    """Read records without arrays: numbers are stored, of texts it is noted where they are.

    Args:
        data: Bytes that hold the blocks.
        starts: Where each block's records begin.
        ends: Where they end.
        counts: How many records each says it has.
        program: A row a field: kind, branch of null (-1: never null).
        slots: The row of each field: of `places` and `lengths` for text, else of `values` and `valid`.
        values: The bits of numbers.
        valid: Whether a number is not null.
        places: Where each text begins, behind the start of the first block.
        lengths: Its length; -1 where it is null.

    Returns:
        The number of the first damaged block, or -1 if there is none; and where.
    """
    row = 0
    for block in range(len(starts)):
        place = starts[block]
        end = ends[block]
        for _ in range(counts[block]):
            for field in range(program.shape[0]):
                before = place
                kind = program[field, 0]
                branch_of_null = program[field, 1]
                slot = slots[field]
                if kind == BYTES and place + _SHORT + 2 <= end:
                    # Texts shorter than 64 bytes, whose branch and length are a byte each, or null: without
                    # a jump that depends on the data, which is what most of the time would go to.
                    union = np.int64(branch_of_null >= 0)
                    branch = np.int64(data[np.uint64(place)])
                    there = np.int64((union == 0) | (branch != 2 * branch_of_null))
                    short = np.int64(data[np.uint64(place + union)])
                    if ((branch & -union & ~2) | (short & -there & 0x81)) == 0:
                        length = short >> 1
                        places[slot, row] = place + union + 1 - starts[0]
                        lengths[slot, row] = length * there - (1 - there)
                        place += union + there * (1 + length)
                        continue
                null = False
                if branch_of_null >= 0:
                    branch, place = _long(data, place, end)
                    if place < 0 or branch < 0 or branch > 1:
                        return block, before
                    null = branch == branch_of_null
                value, length = np.int64(0), np.int64(-1)
                if not null:
                    value, length, place = _value(data, place, end, kind)
                    if place < 0:
                        return block, before
                if kind == BYTES:
                    places[slot, row] = value - starts[0]
                    lengths[slot, row] = length
                else:
                    values[slot, row] = value
                    valid[slot, row] = not null
            row += 1
        if place != end:
            return block, place
    return -1, np.int64(0)


@compiled
def walk(data, starts, ends, counts, program, column, store, base, values, offsets, texts, valid):  # type: ignore[no-untyped-def]
    """Read records, also with arrays: once to measure and check them, then once more to store them.

    Args:
        data: Bytes that hold the blocks.
        starts: Where each block's records begin.
        ends: Where they end.
        counts: How many records each says it has.
        program: A row a field: kind, branch of null (-1: never null), and both for the items of an array.
        column: A row a field: the column it goes to and that of its items; -1 where it is not wanted.
        store: Whether to store. If not, what follows may be empty.
        base: A row a column: where its part of `valid`, `values`, `offsets` and `texts` begins.
        values: The bits of numbers.
        offsets: Where each text or array ends, behind a 0.
        texts: The bytes of all texts.
        valid: Whether it is not null.

    Returns:
        The number of the first damaged block (-1: none); where; the rows of each column; its bytes of text.
    """
    columns = max(column.max() + 1, 1)
    rows = np.zeros(columns, dtype=np.int64)
    sizes = np.zeros(columns, dtype=np.int64)
    for block in range(len(starts)):
        place = starts[block]
        end = ends[block]
        for _ in range(counts[block]):
            for field in range(program.shape[0]):
                before = place
                kind = program[field, 0]
                null = False
                if program[field, 1] >= 0:
                    branch, place = _long(data, place, end)
                    if place < 0 or branch < 0 or branch > 1:
                        return block, before, rows, sizes
                    null = branch == program[field, 1]
                target = column[field, 0]
                if kind != ARRAY:
                    value, length = np.int64(0), np.int64(0)
                    if not null:
                        value, length, place = _value(data, place, end, kind)
                        if place < 0:
                            return block, before, rows, sizes
                    if target >= 0:
                        if store:
                            row = rows[target]
                            valid[base[target, 0] + row] = not null
                            if kind == BYTES:
                                size = base[target, 3] + sizes[target]
                                for byte in range(length):
                                    texts[np.uint64(size + byte)] = data[np.uint64(value + byte)]
                                offsets[base[target, 2] + row + 1] = sizes[target] + length
                            else:
                                values[base[target, 1] + row] = value
                        rows[target] += 1
                        sizes[target] += length
                    continue
                inner, item = column[field, 1], program[field, 2]
                while not null:
                    number, place = _long(data, place, end)
                    if place >= 0 and number < 0:
                        _, place = _long(data, place, end)
                        number = -number
                    if place < 0 or number < 0 or number > end - place:
                        return block, before, rows, sizes
                    if number == 0:
                        break
                    for _ in range(number):
                        empty = False
                        if program[field, 3] >= 0:
                            branch, place = _long(data, place, end)
                            if place < 0 or branch < 0 or branch > 1:
                                return block, before, rows, sizes
                            empty = branch == program[field, 3]
                        value, length = np.int64(0), np.int64(0)
                        if not empty:
                            value, length, place = _value(data, place, end, item)
                            if place < 0:
                                return block, before, rows, sizes
                        if inner >= 0:
                            if store:
                                row = rows[inner]
                                valid[base[inner, 0] + row] = not empty
                                if item == BYTES:
                                    size = base[inner, 3] + sizes[inner]
                                    for byte in range(length):
                                        texts[np.uint64(size + byte)] = data[np.uint64(value + byte)]
                                    offsets[base[inner, 2] + row + 1] = sizes[inner] + length
                                else:
                                    values[base[inner, 1] + row] = value
                            rows[inner] += 1
                            sizes[inner] += length
                if target >= 0:
                    if store:
                        valid[base[target, 0] + rows[target]] = not null
                        offsets[base[target, 2] + rows[target] + 1] = rows[inner]
                    rows[target] += 1
        if place != end:
            return block, place, rows, sizes
    return -1, np.int64(0), rows, sizes

"""Ids as what they are: UUIDs as numbers, many at a time, others as text.

An id counts as a UUID only where the UUID's own text (36 characters, lower case) is exactly the id: then the
numbers stand for that id and for no other.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["Keys", "SplitIds", "keys_of", "split_ids"]

Numbers = npt.NDArray[np.uint64]
Keys = tuple[Numbers, Numbers]
"""Two numbers for each UUID, together the same for no two of them. The first is spread evenly over all
64 bits, whatever the ids have in common."""

_LENGTH = 36
_DIGITS = ((0, 8), (9, 13), (14, 18), (19, 23), (24, 36))
_DASHES = [8, 13, 18, 23]
_bits = np.uint64


@dataclass(frozen=True)
class SplitIds:
    """The ids of some events by kind.

    Args:
        events: How many events there are, also without an id.
        keys: The UUIDs.
        numbered: The place of each of them among the events.
        texts: The others.
        placed: The place of each of those.
    """

    events: int
    keys: Keys
    numbered: npt.NDArray[np.int64]
    texts: pa.ChunkedArray
    placed: npt.NDArray[np.int64]


def split_ids(ids: pa.ChunkedArray) -> SplitIds:
    """Ids, as text, by kind; nulls are none."""
    start = 0
    keys, lows, numbered, texts, placed = [], [], [], [], []
    for chunk in ids.chunks:
        places = np.arange(start, start + len(chunk), dtype=np.int64)
        start += len(chunk)
        found, (key, low) = keys_of(chunk)
        keys.append(key)
        lows.append(low)
        if found.all():
            numbered.append(places)
            continue
        numbered.append(places[found])
        others = ~found & chunk.is_valid().to_numpy(zero_copy_only=False)
        if others.any():
            texts.append(chunk.filter(pa.array(others)))
            placed.append(places[others])
    return SplitIds(
        start,
        (_joined(keys, np.uint64), _joined(lows, np.uint64)),
        _joined(numbered, np.int64),
        pa.chunked_array(texts, pa.string()),
        _joined(placed, np.int64),
    )


def keys_of(ids: pa.StringArray) -> tuple[npt.NDArray[np.bool_], Keys]:
    """Which of some ids are UUIDs, and the keys of those.

    Args:
        ids: Ids as text; nulls are none.
    """
    count = len(ids)
    _, ends, data = ids.buffers()
    offsets = np.frombuffer(ends, np.int32)[ids.offset : ids.offset + count + 1] if count else np.zeros(1)
    found = np.diff(offsets) == _LENGTH
    if ids.null_count:
        found &= ids.is_valid().to_numpy(zero_copy_only=False)
    if not found.any():
        return found, (np.empty(0, np.uint64), np.empty(0, np.uint64))
    text = np.frombuffer(data, np.uint8)
    if found.all():
        rows = text[offsets[0] : offsets[-1]].reshape(count, _LENGTH)
    else:
        rows = text[offsets[:-1][found][:, None] + np.arange(_LENGTH)]
    digits = np.concatenate([rows[:, start:end] for start, end in _DIGITS], axis=1)
    numbers, good = _numbers(digits.view(np.uint64))
    good &= (rows[:, _DASHES] == ord("-")).all(axis=1)
    found[np.flatnonzero(found)[~good]] = False
    high, low = numbers[good, 0], numbers[good, 1]
    return found, (_spread(high ^ low), low)


def _joined(parts: list[npt.NDArray[Any]], kind: type[np.generic]) -> npt.NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, kind), *parts])


def _numbers(words: Numbers) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """Rows of 32 digits, four words each, as two numbers; and whether all of a row are digits."""
    # A digit is its low four bits; a letter (bit 6 is set) nine more.
    values = (words & _each(0x0F)) + (words >> _bits(6) & _each(1)) * _bits(9)
    # The digits these values are written with: what has others is no UUID in its own text.
    letters = (values + _each(6)) >> _bits(4) & _each(1)
    same = (values + _each(0x30) + letters * _bits(39) == words) & (values & _each(0xF0) == 0)
    # Two digits to a byte, the bytes to the front.
    values = (values << _bits(4) | values >> _bits(8)) & _bits(0x00FF00FF00FF00FF)
    values = (values | values >> _bits(8)) & _bits(0x0000FFFF0000FFFF)
    values = (values | values >> _bits(16)) & _bits(0xFFFFFFFF)
    numbers: Numbers = values[:, ::2] << _bits(32) | values[:, 1::2]
    return numbers, same.all(axis=1)


def _spread(numbers: Numbers) -> Numbers:
    """Each number as another one, none as the same, all bits depending on all (Stafford's mixing steps)."""
    numbers = (numbers ^ numbers >> _bits(30)) * _bits(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ numbers >> _bits(27)) * _bits(0x94D049BB133111EB)
    numbers ^= numbers >> _bits(31)
    return numbers


def _each(byte: int) -> np.uint64:
    """A word with this in every byte: it works on the eight digits in a word at once."""
    word: np.uint64 = _bits(byte * 0x0101010101010101)
    return word

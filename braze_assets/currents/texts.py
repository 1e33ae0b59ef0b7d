"""Columns of text, from the places where the texts are: one behind the other, or each of them once."""

import numpy as np

from braze_assets.currents.kernel import compiled

__all__ = ["copy", "copy_all", "distinct"]

_PROBES = 64
"""Places where a text is looked for; a column whose texts are that much alike is not worth it."""


@compiled
def copy(data, start, places, lengths, offsets, texts):  # type: ignore[no-untyped-def]
    """Put texts one behind the other.

    Args:
        data: Bytes that hold them.
        start: What `places` count from.
        places: Where each begins.
        lengths: How long each is; below 0 there is none.
        offsets: Where each ends, behind a 0; there is one more of them.
        texts: Room for them all.
    """
    size = 0
    offsets[0] = 0
    for row in range(len(lengths)):
        length = lengths[row]
        if length > 0:
            place = start + places[row]
            for byte in range(length):
                texts[np.uint64(size + byte)] = data[np.uint64(place + byte)]
            size += length
        offsets[row + 1] = size


@compiled
def copy_all(data, start, places, lengths, offsets, texts):  # type: ignore[no-untyped-def]
    """Put the texts of several columns one behind the other.

    Args:
        data: Bytes that hold them.
        start: What `places` count from.
        places: Where each begins, a row a column.
        lengths: How long each is; below 0 there is none.
        offsets: Where each ends within its column, behind a 0.
        texts: Room for them all.

    Returns:
        Where each column begins in `texts`, and where the last ends.
    """
    starts = np.zeros(lengths.shape[0] + 1, dtype=np.int64)
    for column in range(lengths.shape[0]):
        room = texts[starts[column] :]
        copy(data, start, places[column], lengths[column], offsets[column], room)
        starts[column + 1] = starts[column] + offsets[column, lengths.shape[1]]
    return starts


@compiled
def distinct(data, start, places, lengths, table, indices, firsts):  # type: ignore[no-untyped-def]
    """Give the texts that differ numbers, in the order in which they first come.

    It gives up where most texts come only once.

    Args:
        data: Bytes that hold them.
        start: What `places` count from.
        places: Where each begins.
        lengths: How long each is; below 0 there is none.
        table: Room for a hash table, filled with -1; its length is a power of two.
        indices: Takes the number of each text, 0 where there is none.
        firsts: Takes the row where each number first comes; as long as there may be numbers.

    Returns:
        How many numbers there are, or -1 when it has given up.
    """
    found = 0
    last = np.uint64(len(table) - 1)
    seen = 0
    for row in range(len(lengths)):
        length = lengths[row]
        if length < 0:
            indices[row] = 0
            continue
        seen += 1
        place = start + places[row]
        slot = _hash(data, place, length) & last
        number = -1
        for _ in range(_PROBES):
            held = table[slot]
            if held < 0:
                if found == len(firsts) or found > 1024 + seen // 2:
                    return -1
                table[slot] = found
                firsts[found] = row
                number = found
                found += 1
                break
            first = firsts[held]
            if lengths[first] == length:
                other = start + places[first]
                if length < 8:
                    same = _few(data, place, length) == _few(data, other, length)
                else:
                    same = _word(data, place + length - 8) == _word(data, other + length - 8)
                    byte = 0
                    while same and byte < length - 8:
                        same = _word(data, place + byte) == _word(data, other + byte)
                        byte += 8
                if same:
                    number = held
                    break
            slot = (slot + np.uint64(1)) & last
        if number < 0:
            return -1
        indices[row] = number
    return found


@compiled
def _word(data, place):  # type: ignore[no-untyped-def]
    """Eight bytes as a number; the compiler makes one read of it."""
    at = np.uint64(place)
    return (
        np.uint64(data[at])
        | np.uint64(data[at + np.uint64(1)]) << np.uint64(8)
        | np.uint64(data[at + np.uint64(2)]) << np.uint64(16)
        | np.uint64(data[at + np.uint64(3)]) << np.uint64(24)
        | np.uint64(data[at + np.uint64(4)]) << np.uint64(32)
        | np.uint64(data[at + np.uint64(5)]) << np.uint64(40)
        | np.uint64(data[at + np.uint64(6)]) << np.uint64(48)
        | np.uint64(data[at + np.uint64(7)]) << np.uint64(56)
    )


@compiled
def _few(data, place, length):  # type: ignore[no-untyped-def]
    """Fewer than eight bytes as a number."""
    if place + 8 <= len(data):
        return _word(data, place) & ((np.uint64(1) << np.uint64(8 * length)) - np.uint64(1))
    word = np.uint64(0)
    for byte in range(length):
        word |= np.uint64(data[np.uint64(place + byte)]) << np.uint64(8 * byte)
    return word


@compiled
def _hash(data, place, length):  # type: ignore[no-untyped-def]
    """A number for a text, of its length and three parts of it: those that are alike in them are compared."""
    found = np.uint64(length) * np.uint64(0x9E3779B97F4A7C15)
    if length < 8:
        found ^= _few(data, place, length)
    else:
        found ^= _word(data, place)
        found = (found ^ found >> np.uint64(29)) * np.uint64(0xBF58476D1CE4E5B9)
        found ^= _word(data, place + length // 2 - 4)
        found = (found ^ found >> np.uint64(29)) * np.uint64(0x94D049BB133111EB)
        found ^= _word(data, place + length - 8)
    found = (found ^ found >> np.uint64(32)) * np.uint64(0xBF58476D1CE4E5B9)
    return found ^ found >> np.uint64(29)

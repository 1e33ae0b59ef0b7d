"""The frame of an Avro file: its header, and its blocks between sync markers.

Walking the frame costs next to nothing and tells what a decoder may not: that a file was cut short, where it
is damaged, and how many records it should give. (Avro 1.12 specification, "Object Container Files".)
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

__all__ = ["Block", "Container", "UnreadableError", "read_container", "read_long"]

_MAGIC = b"Obj\x01"
_SYNC = 16
_SCHEMA_BYTES = 4 << 20
"""Far more than a schema of Currents (5 KB), far less than what could hurt."""
_KEPT_BYTES = 64 << 10
"""Schemas up to this length are remembered: most files of a run have the same."""
_DEPTH = 32
_METADATA = 1_000


class UnreadableError(Exception):
    """A file or a part of it cannot be read; the text says why and holds none of its content."""

    def __init__(self, reason: str, offset: int | None = None) -> None:
        super().__init__(reason)
        self.offset = offset
        """The byte where it is damaged, if that is known."""


@dataclass(frozen=True)
class Block:
    """A whole block: how many records, and where in the file."""

    records: int
    start: int
    body: int
    """Where its records begin, compressed or not."""
    end: int
    """Behind its sync marker."""

    @property
    def stop(self) -> int:
        """Where its records end."""
        return self.end - _SYNC


@dataclass(frozen=True)
class Container:
    """An Avro file in memory."""

    data: bytes
    schema: dict[str, Any]
    """The writer's record schema."""
    codec: str
    blocks: list[Block]
    schema_text: bytes
    """The schema as it is in the file."""
    problems: list[tuple[str, int]] = field(default_factory=list)
    """What is wrong with the frame, and where; the blocks listed are whole all the same."""

    @property
    def fields(self) -> list[dict[str, Any]]:
        """The fields of the record."""
        fields: list[dict[str, Any]] = self.schema["fields"]
        return fields


def read_container(data: bytes) -> Container:
    """Read the header of an Avro file and find its blocks, also those behind a damaged one.

    Raises:
        UnreadableError: It is no Avro file, or its header or schema cannot be read.
    """
    if not data:
        raise UnreadableError("the file is empty", 0)
    if not data.startswith(_MAGIC):
        raise UnreadableError("it is not an Avro file: the first bytes are not Avro's", 0)
    metadata, place = _metadata(data)
    header = place + _SYNC
    if header > len(data):
        raise _bad_header(data, place)
    text = metadata.get(b"avro.schema", b"")
    schema = (_remembered if len(text) <= _KEPT_BYTES else _schema)(text)
    codec = metadata.get(b"avro.codec", b"null").decode("utf-8", "backslashreplace")[:40] or "null"
    problems: list[tuple[str, int]] = []
    return Container(data, schema, codec, list(_walk(data, header, problems)), text, problems)


def _metadata(data: bytes) -> tuple[dict[bytes, bytes], int]:
    metadata: dict[bytes, bytes] = {}
    place = len(_MAGIC)
    try:
        while True:
            count, place = read_long(data, place)
            if count < 0:
                count, (_, place) = -count, read_long(data, place)
            if count == 0:
                return metadata, place
            for _ in range(count):
                name, place = _bytes(data, place)
                metadata[name], place = _bytes(data, place)
                if len(metadata) > _METADATA:
                    raise UnreadableError("its header has more entries than a header has", place)
    except IndexError as error:
        raise _bad_header(data, place) from error


def _bytes(data: bytes, place: int) -> tuple[bytes, int]:
    size, start = read_long(data, place)
    if not 0 <= size <= len(data) - start:
        raise IndexError
    return data[start : start + size], start + size


def _bad_header(data: bytes, place: int) -> UnreadableError:
    return UnreadableError(f"it is cut short or damaged within its header ({len(data):,} bytes)", place)


def _schema(text: bytes) -> dict[str, Any]:
    try:
        if len(text) > _SCHEMA_BYTES:
            raise ValueError("too long")
        schema = json.loads(text)
        _check_depth(schema, _DEPTH)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"its schema cannot be read ({type(error).__name__})") from error
    fields = schema.get("fields") if isinstance(schema, dict) and schema.get("type") == "record" else None
    if not isinstance(fields, list) or not fields:
        raise UnreadableError("its schema is not a record with fields")
    names = [each.get("name") if isinstance(each, dict) and "type" in each else None for each in fields]
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        raise UnreadableError("its schema cannot be read (a field without a name of its own, or a type)")
    return dict(schema)


@lru_cache(maxsize=32)
def _remembered(text: bytes) -> dict[str, Any]:
    return _schema(text)


def _check_depth(value: Any, left: int) -> None:
    if left < 0:
        raise ValueError("too deep")
    if isinstance(value, (dict, list)):
        for each in value.values() if isinstance(value, dict) else value:
            _check_depth(each, left - 1)


def _walk(data: bytes, header: int, problems: list[tuple[str, int]]) -> Iterator[Block]:
    sync = data[header - _SYNC : header]
    start, end = header, len(data)
    while start < end:
        try:
            records, place = read_long(data, start)
            size, place = read_long(data, place)
        except IndexError:
            records, size, place = 0, 0, end
        stop = place + size + _SYNC
        if records >= 0 and size >= 0 and stop <= end and data[stop - _SYNC : stop] == sync:
            yield Block(records, start, place, stop)
            start = stop
            continue
        following = data.find(sync, start)
        if following < 0:
            cut = size >= 0 and stop > end
            problems.append(
                (
                    f"it is {'cut short' if cut else 'damaged'} in the block at byte {start:,} of {end:,}",
                    start,
                )
            )
            return
        problems.append((f"a block is damaged at byte {start:,} of {end:,}", start))
        start = following + _SYNC


def read_long(data: bytes, place: int) -> tuple[int, int]:
    """An Avro long (zigzag, at most ten bytes) and the place behind it.

    Raises:
        IndexError: There is none.
    """
    value, shift = 0, 0
    while shift < 70:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >= 1 << 64:
                break
            return (value >> 1) ^ -(value & 1), place
        shift += 7
    raise IndexError("no long")

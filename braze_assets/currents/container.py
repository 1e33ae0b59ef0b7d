"""The frame of an Avro file: its header, and its blocks between sync markers.

Walking the frame costs next to nothing and tells what a decoder may not: that a file was cut short, where it
is damaged, and how many records it should give. (Avro 1.12 specification, "Object Container Files".)
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Block", "Container", "UnreadableError", "read_container"]

_MAGIC = b"Obj\x01"
_SYNC = 16


class UnreadableError(Exception):
    """A file or a part of it cannot be read; the text says why and holds none of its content."""


@dataclass(frozen=True)
class Block:
    """A whole block: how many records, and where in the file."""

    records: int
    start: int
    end: int


@dataclass(frozen=True)
class Container:
    """An Avro file in memory."""

    data: bytes
    header: int
    """Length of the header, its sync marker included."""
    fields: list[dict[str, Any]]
    """The fields of the writer's record schema."""
    codec: str
    blocks: list[Block]
    problems: list[str] = field(default_factory=list)
    """What is wrong with the frame; the blocks listed are whole all the same."""

    @property
    def records(self) -> int:
        """Records of all whole blocks."""
        return sum(block.records for block in self.blocks)

    def whole(self) -> bytes:
        """An Avro file of the whole blocks only."""
        return self.data if not self.problems else self.only(*self.blocks)

    def only(self, *blocks: Block) -> bytes:
        """An Avro file of these blocks."""
        return b"".join((self.data[: self.header], *(self.data[block.start : block.end] for block in blocks)))


def read_container(data: bytes) -> Container:
    """Read the header of an Avro file and find its blocks, also those behind a damaged one.

    Raises:
        UnreadableError: It is no Avro file, or its header or schema cannot be read.
    """
    import fastavro

    if not data:
        raise UnreadableError("the file is empty")
    if not data.startswith(_MAGIC):
        raise UnreadableError("it is not an Avro file: the first bytes are not Avro's")
    source = io.BytesIO(data)
    try:
        reader = fastavro.reader(source)
        schema, codec = reader.writer_schema, str(reader.codec)
    except (fastavro.schema.SchemaParseException, fastavro.schema.UnknownType) as error:
        raise UnreadableError(f"its schema cannot be read ({type(error).__name__})") from error
    except Exception as error:
        raise UnreadableError(
            f"it is cut short or damaged within its header ({len(data):,} bytes)"
        ) from error
    if not isinstance(schema, dict) or schema.get("type") != "record" or not schema.get("fields"):
        raise UnreadableError("its schema is not a record with fields")
    header = source.tell()
    if header > len(data) or header < len(_MAGIC) + _SYNC:
        raise UnreadableError(f"it is cut short or damaged within its header ({len(data):,} bytes)")
    problems: list[str] = []
    blocks = list(_walk(data, header, problems))
    return Container(data, header, list(schema["fields"]), codec, blocks, problems)


def _walk(data: bytes, header: int, problems: list[str]) -> Iterator[Block]:
    sync = data[header - _SYNC : header]
    start, end = header, len(data)
    while start < end:
        try:
            records, place = _long(data, start)
            size, place = _long(data, place)
        except IndexError:
            records, size, place = 0, 0, end
        stop = place + size + _SYNC
        if records >= 0 and size >= 0 and stop <= end and data[stop - _SYNC : stop] == sync:
            yield Block(records, start, stop)
            start = stop
            continue
        following = data.find(sync, start)
        if following < 0:
            cut = size >= 0 and stop > end
            problems.append(
                f"it is {'cut short' if cut else 'damaged'} in the block at byte {start:,} of {end:,}"
            )
            return
        problems.append(f"a block is damaged at byte {start:,} of {end:,}")
        start = following + _SYNC


def _long(data: bytes, place: int) -> tuple[int, int]:
    """An Avro long (zigzag, at most ten bytes) and the place behind it."""
    value, shift = 0, 0
    while shift < 70:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), place
        shift += 7
    return -1, place

"""One Avro file to one Arrow table.

Fields of the kinds Currents documents are decoded by column, without a Python object for any value. A file
with others goes through fastavro, block by block. Decompression is done here, so that both are given plain
bytes, and no more than a file may hold.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa

from braze_assets.currents.codecs import CODECS, TooLargeError, inflate
from braze_assets.currents.columnar import Part, Plan, read_parts
from braze_assets.currents.container import Block, Container, UnreadableError, read_container
from braze_assets.currents.exact import as_decimal_text, as_meant
from braze_assets.currents.layouts import Layout, layout_of
from braze_assets.currents.slow import SlowReader
from braze_assets.storage.dictionaries import joined

__all__ = ["DecodeSettings", "Decoded", "Quarantined", "UnreadableError", "decode", "decode_ids"]

_AT_A_TIME = 16 << 20
"""Bytes of blocks that are decoded together."""
_MOST = (1 << 31) - 1
"""Arrow's offsets, and the places in what is decoded together, have 32 bits."""


@dataclass(frozen=True, kw_only=True)
class DecodeSettings:
    """How a file is decoded."""

    salvage: bool = True
    """Whether the records of a damaged file's intact blocks are kept. If not, the file is refused whole."""
    max_decoded_bytes: int = 512 << 20
    """Bytes a file may hold when its blocks are decompressed. What is beyond is refused before it is made.
    Currents writes at most 100,000 events to a file (documentation, September 2026): 5 KB of each."""


@dataclass(frozen=True)
class Quarantined:
    """A file that could not be read whole."""

    uri: str
    reason: str
    records_recovered: int
    """Records of its intact blocks. They are part of the table."""
    offset: int | None = None
    """The byte where it is damaged, if that is known."""


@dataclass(frozen=True)
class Decoded:
    """The records of a file."""

    table: pa.Table
    engine: Literal["columnar", "fastavro", "none"]
    problem: str | None
    """Why the table does not hold all of the file's records; None when it does."""
    offset: int | None = None
    """The byte where it is damaged, if that is known."""
    not_finite: Mapping[str, int] = field(default_factory=dict)
    """Prices that are no numbers (NaN or infinite) by field; they are null."""


def decode(data: bytes, settings: DecodeSettings | None = None, *, dictionaries: bool = False) -> Decoded:
    """Decode an Avro file.

    A damaged file gives the records of its intact blocks, and the reason in `problem`.

    Args:
        data: The file.
        settings: How it is decoded.
        dictionaries: Whether a column of text that comes again and again may be an Arrow dictionary.

    Raises:
        UnreadableError: Not even the header can be read; or the file is damaged and nothing is to be saved.
    """
    settings = settings or DecodeSettings()
    container = read_container(data)
    layout = layout_of(container)
    slow = None if layout.plan else SlowReader(container)
    problems = list(container.problems)
    tables = []
    for blocks in _together(container, settings, problems):
        if layout.plan:
            tables += list(_columnar(container, blocks, layout.plan, problems, dictionaries))
        elif slow:
            tables += list(_slow(container, blocks, slow, problems))
    if problems and not settings.salvage:
        raise UnreadableError(*_told(problems))
    table, not_finite = _finished(tables, layout)
    engine: Literal["columnar", "fastavro", "none"] = "none"
    if table.num_rows:
        engine = "columnar" if layout.plan else "fastavro"
    if not problems:
        return Decoded(table, engine, None, None, not_finite)
    return Decoded(table, engine, *_told(problems), not_finite)


def decode_ids(data: bytes, settings: DecodeSettings | None = None) -> pa.ChunkedArray:
    """The `id` of each record that `decode` gives, as it is in the file; nulls where there is no such field.

    All of the file is decoded: text that is not UTF-8 in any field is damage of its block, and to look for
    that takes nearly as long as to keep it.

    Raises:
        UnreadableError: As `decode`.
    """
    table = decode(data, settings).table
    if "id" not in table.column_names:
        return pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
    return table.column("id")


@dataclass(frozen=True)
class _Opened:
    """Blocks without their compression: the bytes, and where each is in them."""

    data: bytes
    blocks: list[tuple[Block, Part]]


def _together(
    container: Container, settings: DecodeSettings, problems: list[tuple[str, int]]
) -> Iterator[_Opened]:
    """The blocks, decompressed, some at a time."""
    if container.codec not in CODECS and container.blocks:
        start = container.blocks[0].start
        problems.append((f"it has the codec {container.codec!r}, which is not supported", start))
        return
    left = min(settings.max_decoded_bytes, _MOST)
    held: list[tuple[Block, Part]] = []
    texts: list[bytes] = []
    size = 0
    for block in container.blocks:
        try:
            if container.codec == "null":
                start, end = block.body, block.stop
                if end - start > left:
                    raise TooLargeError(left)
            else:
                text = inflate(container.codec, container.data[block.body : block.stop], left)
                start, end = size, size + len(text)
                texts.append(text)
        except UnreadableError as error:
            problems.append((f"the block at byte {block.start:,} {error}", block.start))
            if isinstance(error, TooLargeError):
                break
            continue
        if held and end - held[0][1].start > _MOST:
            # Far apart, with much that is damaged between them.
            yield _Opened(container.data, held)
            held, size = [], 0
        left -= end - start
        size += end - start
        held.append((block, Part(block.records, start, end)))
        if size >= _AT_A_TIME:
            yield _Opened(b"".join(texts) if texts else container.data, held)
            held, texts, size = [], [], 0
    if held:
        yield _Opened(b"".join(texts) if texts else container.data, held)


def _columnar(
    container: Container,
    opened: _Opened,
    plan: Plan,
    problems: list[tuple[str, int]],
    dictionaries: bool,
) -> Iterator[pa.Table]:
    left = opened.blocks
    while left:
        found = read_parts(opened.data, [part for _, part in left], plan, dictionaries=dictionaries)
        if isinstance(found, pa.Table):
            yield found
            return
        block, _ = left[found.part]
        good, left = left[: found.part], left[found.part + 1 :]
        # What is before it can hold text that is not UTF-8, which shows only now.
        yield from _columnar(container, _Opened(opened.data, good), plan, problems, dictionaries)
        # Within compressed bytes no place can be named.
        place = found.place if container.codec == "null" else block.start
        problems.append((f"the block at byte {block.start:,} does not decode at byte {place:,}", place))


def _slow(
    container: Container, opened: _Opened, reader: SlowReader, problems: list[tuple[str, int]]
) -> Iterator[pa.Table]:
    for block, part in opened.blocks:
        try:
            yield reader.read(opened.data[part.start : part.end], part.records)
        except UnreadableError as error:
            problems.append((f"the block at byte {block.start:,} {error}", block.start))


def _finished(tables: list[pa.Table], layout: Layout) -> tuple[pa.Table, dict[str, int]]:
    names, lost = layout.schema.names, {}
    if not tables:
        return layout.schema.empty_table(), {}
    whole = tables[0]
    if len(tables) > 1 or whole.column_names != names:
        whole = pa.table([joined([table.column(name) for table in tables]) for name in names], names=names)
    for name in layout.changing:
        place, kind = names.index(name), layout.schema.field(name).type
        column = whole.column(place)
        if kind == pa.string() and (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
            column, count = as_decimal_text(column)
            if count:
                lost[name] = count
        whole = whole.set_column(place, name, as_meant(column))
    return whole, lost


def _told(problems: list[tuple[str, int]]) -> tuple[str, int]:
    """The first problem by place in the file, and how many more there are."""
    reason, offset = min(problems, key=lambda each: each[1])
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return reason + more, offset

"""One Avro file to one Arrow table.

Polars decodes by column and is several times faster than a decoder that makes a Python object of every
value. It is trusted with the kinds of fields Currents documents, in a file whose frame is whole. Anything
else goes through fastavro block by block, which also saves what is left of a damaged file.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from braze_assets.currents.avro_types import arrow_type, as_text, is_plain
from braze_assets.currents.container import Block, Container, UnreadableError, read_container
from braze_assets.currents.evolution import conform

__all__ = ["DecodeSettings", "Decoded", "Quarantined", "UnreadableError", "decode"]

_FAST_CODECS = ("null", "deflate", "snappy")


@dataclass(frozen=True, kw_only=True)
class DecodeSettings:
    """How a file is decoded."""

    salvage: bool = True
    """Whether the records of a damaged file's intact blocks are kept."""


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
    engine: Literal["polars", "fastavro", "none"]
    problem: str | None
    """Why the table does not hold all of the file's records; None when it does."""
    offset: int | None = None
    """The byte where it is damaged, if that is known."""


def decode(data: bytes, settings: DecodeSettings | None = None) -> Decoded:
    """Decode an Avro file.

    A damaged file gives the records of its intact blocks, and the reason in `problem`.

    Raises:
        UnreadableError: Not even the header can be read.
    """
    container = read_container(data)
    schema = pa.schema([(field["name"], arrow_type(field["type"])) for field in container.fields])
    if not container.records:
        return Decoded(schema.empty_table(), "none", _problem(container.problems))
    plain = all(is_plain(field["type"]) for field in container.fields)
    if plain and container.codec in _FAST_CODECS:
        table = _with_polars(container.whole(), schema)
        if table is not None and table.num_rows == container.records:
            return Decoded(table, "polars", _problem(container.problems))
    return _block_by_block(container, schema)


def _with_polars(data: bytes, schema: pa.Schema) -> pa.Table | None:
    import polars as pl

    try:
        frame = pl.read_avro(io.BytesIO(data))
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        return conform(table, schema)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        # A Rust panic reaches Python as a BaseException. Whatever it was, fastavro has the last word.
        return None


def _block_by_block(container: Container, schema: pa.Schema) -> Decoded:
    problems = list(container.problems)
    makers = [_maker(field["type"]) for field in container.fields]
    tables = [schema.empty_table()]
    for number, block in enumerate(container.blocks, start=1):
        try:
            records = _records(container, block)
        except UnreadableError as error:
            problems.append(f"block {number} of {len(container.blocks)} {error}")
            continue
        columns = [
            pa.array([make(record[field.name]) for record in records], field.type)
            for field, make in zip(schema, makers, strict=True)
        ]
        tables.append(pa.table(columns, schema=schema))
    return Decoded(pa.concat_tables(tables), "fastavro", _problem(problems))


def _records(container: Container, block: Block) -> list[dict[str, Any]]:
    import fastavro

    try:
        records: list[Any] = list(fastavro.reader(io.BytesIO(container.only(block))))
    except Exception as error:
        if isinstance(error, ValueError) and "codec" in str(error):
            raise UnreadableError(f"has the codec {container.codec!r}, which is not supported") from error
        raise UnreadableError(f"does not decode ({type(error).__name__})") from error
    if len(records) != block.records:
        raise UnreadableError("holds another number of records than it says")
    return records


def _maker(avro: Any) -> Callable[[Any], Any]:
    """How a value of a field goes into its Arrow column."""
    if arrow_type(avro) != pa.string() or is_plain(avro):
        return lambda value: value
    return lambda value: None if value is None else as_text(value)


def _problem(problems: list[str]) -> str | None:
    if not problems:
        return None
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return problems[0] + more

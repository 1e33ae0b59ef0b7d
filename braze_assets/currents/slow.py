"""Blocks of any Avro schema, by fastavro, a Python object for every value: for what Currents does not use."""

import io
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from braze_assets.currents.avro_types import arrow_type, as_text, branches, is_plain
from braze_assets.currents.container import Container, UnreadableError

__all__ = ["SlowReader"]

_BLOCK_BYTES = 32 << 20
"""A value of one byte can take a hundred as an object."""
_VALUES = 10_000
"""Fields of a record, with those of records in it: types that are named twice double at each level."""
_LEAST = {"null": 0, "boolean": 1, "int": 1, "long": 1, "string": 1, "bytes": 1, "float": 4, "double": 8}


class SlowReader:
    """Reads the blocks of a file."""

    def __init__(self, container: Container) -> None:
        """Parse the schema.

        Raises:
            UnreadableError: It is none, it refers to itself, or it has values that take no byte: of those a
                few bytes can promise any number.
        """
        import fastavro

        try:
            self._parsed = fastavro.parse_schema(container.schema)
            smallest, _ = _extent(self._parsed, {})
        except UnreadableError:
            raise
        except Exception as error:
            raise UnreadableError(f"its schema cannot be read ({type(error).__name__})") from error
        if not smallest:
            raise UnreadableError("its schema cannot be read (records that take no byte)")
        self._makers = [
            (field["name"], raw_type(field["type"]), _maker(field["type"])) for field in container.fields
        ]

    def read(self, data: bytes, records: int) -> pa.Table:
        """The records of a block.

        Raises:
            UnreadableError: They do not decode.
        """
        import fastavro

        if records > len(data):
            raise UnreadableError("holds another number of records than it says")
        if len(data) > _BLOCK_BYTES:
            raise UnreadableError(f"is larger than {_BLOCK_BYTES:,} bytes")
        source = io.BytesIO(data)
        try:
            rows: list[Any] = [fastavro.schemaless_reader(source, self._parsed, None) for _ in range(records)]
            columns = [pa.array([make(row[name]) for row in rows], kind) for name, kind, make in self._makers]
        except Exception as error:
            raise UnreadableError(f"does not decode ({type(error).__name__})") from error
        if source.tell() != len(data):
            raise UnreadableError("holds another number of records than it says")
        return pa.table(columns, names=[name for name, _, _ in self._makers])


def raw_type(avro: Any) -> pa.DataType:
    """The Arrow type values are read in: as they are kept, but floats have 32 bits still."""
    kinds = branches(avro)
    if len(kinds) == 1 and kinds[0] == "float":
        return pa.float32()
    found = arrow_type(avro)
    if pa.types.is_list(found) and branches(kinds[0]["items"]) == ["float"]:
        return pa.list_(pa.float32())
    return found


def _maker(avro: Any) -> Callable[[Any], Any]:
    """How a value of a field goes into its Arrow column."""
    kind = arrow_type(avro)
    if is_plain(avro) or not (kind == pa.string() or kind == pa.list_(pa.string())):
        return lambda value: value
    if pa.types.is_list(kind):
        return lambda value: (
            None if value is None else [None if each is None else as_text(each) for each in value]
        )
    return lambda value: None if value is None else as_text(value)


def _extent(kind: Any, named: dict[str, tuple[int, int]]) -> tuple[int, int]:
    """The fewest bytes a value takes, and the most values it has in itself without reading any."""
    if isinstance(kind, list):
        each = [_extent(branch, named) for branch in kind]
        return 1 + min((least for least, _ in each), default=0), max((count for _, count in each), default=0)
    if isinstance(kind, str):
        if kind in named:
            return named[kind]
        if kind not in _LEAST:
            raise UnreadableError("its schema refers to itself, which is not supported")
        return _LEAST[kind], 1
    name = kind["type"]
    if name in ("record", "error"):
        found = [_extent(each["type"], named) for each in kind["fields"]]
        extent = sum(least for least, _ in found), 1 + sum(count for _, count in found)
        if extent[1] > _VALUES:
            raise UnreadableError("its schema cannot be read (more fields than a record has)")
    elif name in ("array", "map"):
        least, _ = _extent(kind["items" if name == "array" else "values"], named)
        if name == "array" and not least:
            raise UnreadableError("its schema cannot be read (items that take no byte)")
        extent = (1, 1)
    elif name in ("fixed", "enum"):
        extent = (int(kind["size"]) if name == "fixed" else 1), 1
    else:
        return _extent(name, named)
    if "name" in kind:
        named[kind["name"]] = extent
    return extent

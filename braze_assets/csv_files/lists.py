"""Cells that are written as a list: `['Value1', 'Value2']`. They are read, never evaluated."""

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["LIST_FUNCTION", "list_json", "register_lists"]

LIST_FUNCTION = "_braze_assets_csv_list"

_ITEM = re.compile(
    r"""\s*(?:'(?P<single>(?:[^'\\]|\\.)*)'|"(?P<double>(?:[^"\\]|\\.)*)\"
    |(?P<number>-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<word>[Tt]rue|[Ff]alse))\s*(?P<comma>,|$)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[0-7]{1,3}|.)", re.DOTALL)
_ESCAPES = {
    "a": "\a",
    "v": "\v",
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "b": "\b",
    "f": "\f",
    "\n": "",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "/": "/",
}
_NAMED = re.compile(r"(?<!\\)(?:\\\\)*\\N")
"""A character by its name, which is not looked up."""
_BIG = 1 << 63


def list_json(text: str) -> str | None:
    """The JSON array of a list of texts, numbers and truth values; None where the text is none."""
    inside = text.strip()
    if not (inside.startswith("[") and inside.endswith("]")):
        return None
    inside = inside[1:-1].strip()
    items: list[str | int | float | bool] = []
    place = 0
    while place < len(inside):
        found = _ITEM.match(inside, place)
        if found is None:
            return None
        item = _item(found)
        if item is None:
            return None
        items.append(item)
        place = found.end()
    return json.dumps(items, ensure_ascii=False, separators=(",", ":"))


def _item(found: "re.Match[str]") -> str | int | float | bool | None:
    quoted = found["single"] if found["single"] is not None else found["double"]
    if quoted is not None:
        return _unescaped(quoted)
    if found["word"]:
        return found["word"].lower() == "true"
    digits: str = found["number"]
    if digits.lstrip("-").isdigit():
        whole = int(digits) if len(digits) <= 20 else _BIG
        return whole if -_BIG <= whole < _BIG else None
    number = float(digits)
    return number if abs(number) != float("inf") else None


def _unescaped(text: str) -> str | None:
    if "\\" in text:
        if _NAMED.search(text):
            return None
        text = _ESCAPE.sub(_character, text)
        try:
            # JSON writes characters beyond the first 65,536 as pairs; half of a pair is no character.
            text = text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            return None
    return text


def _character(found: "re.Match[str]") -> str:
    code = found[1]
    if code[0] in "01234567":
        return chr(int(code, 8))
    if len(code) > 1:
        number = int(code[1:], 16)
        return chr(number) if number <= 0x10FFFF else found[0]
    return _ESCAPES.get(code, found[0])


def register_lists(connection: "DuckDBPyConnection") -> None:
    """Make `list_json` known to a connection under the name `LIST_FUNCTION`."""
    import duckdb

    # A connection that read a file before knows it already.
    with suppress(duckdb.CatalogException, duckdb.NotImplementedException):
        connection.create_function(  # type: ignore[call-overload]
            LIST_FUNCTION, _column, ["VARCHAR"], "VARCHAR", type="arrow", null_handling="special"
        )


def _column(cells: Any) -> Any:
    """`list_json` of an Arrow array."""
    import pyarrow as pa

    return pa.array([None if cell is None else list_json(cell) for cell in cells.to_pylist()], pa.string())

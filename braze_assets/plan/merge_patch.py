"""What `_merge_objects` needs to make a new object of an old one, where it can.

Braze merges deeply: keys that are sent replace or join those that are there, none goes away. Source: Braze
documentation "Nested custom attributes", September 2026.
"""

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["MERGE_PATCH", "merge_patch", "register_merge_patch"]

MERGE_PATCH = "_braze_merge_patch"
"""The SQL function's name: (old JSON, new JSON) -> JSON or NULL."""


def merge_patch(old: str, new: str) -> str | None:
    """The JSON text that merges `old` into `new`; None where only the whole new value is sure to.

    That is so where a key vanished, and where an array changed or a value changed between an object and
    something else: how Braze merges these is not documented.

    Args:
        old: The canonical JSON text of an object.
        new: Another.
    """
    changes = _changes(_read(old), _read(new))
    return _text(changes) if changes else None


def register_merge_patch(connection: "DuckDBPyConnection") -> None:
    """Make `MERGE_PATCH` known to a connection.

    In Python, for DuckDB's JSON functions do not keep the digits of decimals. It is asked only about objects
    that changed.
    """
    import duckdb

    # A connection that made a plan before knows it already.
    with suppress(duckdb.CatalogException, duckdb.NotImplementedException):
        connection.create_function(  # type: ignore[call-overload]
            MERGE_PATCH, _column, ["VARCHAR", "VARCHAR"], "VARCHAR", type="arrow", null_handling="special"
        )


def _column(old: Any, new: Any) -> Any:
    """`merge_patch` of two Arrow arrays."""
    import pyarrow as pa

    pairs = zip(old.to_pylist(), new.to_pylist(), strict=True)
    return pa.array([merge_patch(*pair) if None not in pair else None for pair in pairs], pa.string())


def _changes(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any] | None:
    """The keys to send, at every level; None where merging them would not do."""
    if old.keys() - new.keys():
        return None
    changes: dict[str, Any] = {}
    for key, value in new.items():
        if key not in old:
            changes[key] = value
            continue
        before = old[key]
        if before == value:
            continue
        if _is_object(before) and _is_object(value):
            inner = _changes(before, value)
            if inner is None:
                return None
            changes[key] = inner
        elif _is_plain(before) and _is_plain(value):
            changes[key] = value
        else:
            return None
    return changes


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and "$time" not in value


def _is_plain(value: Any) -> bool:
    return not isinstance(value, list) and not _is_object(value)


def _read(text: str) -> Any:
    """JSON with numbers as tuples of their digits: 1.50 is not 1.5 here, and 1 is not true."""
    return json.loads(text, parse_int=_number, parse_float=_number)


def _number(digits: str) -> tuple[str]:
    return (digits,)


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return str(value[0])
    if isinstance(value, dict):
        return (
            "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{_text(v)}" for k, v in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)

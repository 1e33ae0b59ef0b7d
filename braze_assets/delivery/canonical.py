"""Canonical values from their JSON text, and `same` for a whole column of them."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from braze_assets.delivery.sameness import moment, same
from braze_assets.rows import AttributeType

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["SAME", "from_json_form", "register_same"]

SAME = "means_the_same"
"""A SQL function of the ledger's value and the one found, both as JSON text, the SQL type and the name."""


def from_json_form(text: str, type: AttributeType) -> Any:
    """The value that `rows.json_form` wrote, as `same` takes it."""
    if type.name == "Object":
        return {"$json": text}
    value = json.loads(text, parse_float=str, parse_int=str)
    return [_SCALARS[type.name](item) for item in value] if type.array else _SCALARS[type.name](value)


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "Boolean": bool,
    "Date": date.fromisoformat,
    "Datetime": moment,
    "Decimal": Decimal,
    "Float": float,
    "Integer": int,
    "String": str,
}


def register_same(connection: "DuckDBPyConnection") -> None:
    """Make `SAME` known to a connection. It is slow: ask it only where the texts differ."""
    import duckdb

    # A connection that compared before knows it already.
    with suppress(duckdb.CatalogException, duckdb.NotImplementedException):
        connection.create_function(  # type: ignore[call-overload]
            SAME, _column, ["VARCHAR"] * 4, "BOOLEAN", type="arrow", null_handling="special"
        )


def _column(expected: Any, found: Any, type: Any, name: Any) -> Any:
    """`same` of four Arrow arrays."""
    import pyarrow as pa

    columns = (each.to_pylist() for each in (expected, found, type, name))
    return pa.array([_same(*row) for row in zip(*columns, strict=True)], pa.bool_())


def _same(expected: str | None, found: str | None, type: str, name: str) -> bool:
    if expected is None or found is None:
        return expected is None and found in (None, "null")
    of = AttributeType.from_sql(type)
    if of.name == "Object":
        of = AttributeType("Object")  # An array of them is compared as one nested value.
    try:
        value = json.loads(found, parse_float=Decimal)
    except (ValueError, RecursionError):
        return False
    return same(from_json_form(expected, of), value, of, name=name)

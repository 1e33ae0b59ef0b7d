"""Attribute types in Delta Lake, and what a change of type means for values already sent."""

import pyarrow as pa

from braze_assets.rows.types import AttributeType
from braze_assets.storage import quote_literal

__all__ = ["converted", "family", "lost", "sql_type"]

_FAMILIES = {
    "Boolean": "boolean",
    "Date": "date",
    "Datetime": "datetime",
    "Decimal": "number",
    "Float": "number",
    "Integer": "number",
    "Object": "object",
    "String": "string",
}


def sql_type(type: pa.DataType) -> str:
    """The canonical DuckDB type of a ledger column."""
    if pa.types.is_list(type) or pa.types.is_large_list(type):
        return f"{sql_type(type.value_type)}[]"
    if pa.types.is_struct(type):
        return AttributeType("Object").sql
    if pa.types.is_decimal(type):
        return f"DECIMAL({type.precision},{type.scale})"
    if pa.types.is_timestamp(type):
        return "TIMESTAMP WITH TIME ZONE"
    if pa.types.is_date(type):
        return "DATE"
    if pa.types.is_boolean(type):
        return "BOOLEAN"
    if pa.types.is_floating(type):
        return "DOUBLE"
    return "BIGINT" if pa.types.is_integer(type) else "VARCHAR"


def family(sql: str) -> str:
    """What Braze would call the type: types of one family are the same to it (`BIGINT`, `DECIMAL(9,2)`)."""
    type = AttributeType.from_sql(sql)
    return _FAMILIES[type.name] + ("[]" if type.array else "")


def converted(expression: str, old: str, new: str) -> str:
    """A ledger value of type `old` as type `new`: the same value, or NULL where there is none."""
    if old == new:
        return expression
    if family(old) != family(new):
        return f"CAST(NULL AS {new})"
    there = f"TRY_CAST({expression} AS {new})"
    return f"CASE WHEN TRY_CAST({there} AS {old}) IS NOT DISTINCT FROM {expression} THEN {there} END"


def lost(expression: str, name: str, old: str, new: str) -> str:
    """The attribute's name where `converted` cannot keep the value, else NULL."""
    gone = f"{expression} IS NOT NULL AND ({converted(expression, old, new)}) IS NULL"
    return f"CASE WHEN {gone} THEN {quote_literal(name)} END"

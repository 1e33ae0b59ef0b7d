"""The types an attribute can have, and the one JSON form of each.

A type is named by its canonical DuckDB type, in which rows, plans and ledgers keep it. What is compared there
is what would be sent: two canonical values are equal exactly when their JSON forms are.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

from braze_assets.errors import QueryError

__all__ = ["AttributeType", "TypeName", "json_form"]

TypeName = Literal["Boolean", "Date", "Datetime", "Decimal", "Float", "Integer", "String"]

_SQL: dict[TypeName, str] = {
    "Boolean": "BOOLEAN",
    "Date": "DATE",
    "Datetime": "TIMESTAMP WITH TIME ZONE",
    "Float": "DOUBLE",
    "Integer": "BIGINT",
    "String": "VARCHAR",
}

_SPELLINGS: dict[TypeName, str] = {
    "Boolean": "BOOLEAN BOOL LOGICAL",
    "Date": "DATE",
    "Datetime": "DATETIME TIMESTAMP TIMESTAMPTZ TIMESTAMP_S TIMESTAMP_MS TIMESTAMP_US TIMESTAMP_NS",
    "Float": "FLOAT DOUBLE REAL FLOAT4 FLOAT8",
    "Integer": (
        "INTEGER BIGINT SMALLINT TINYINT UBIGINT UINTEGER USMALLINT UTINYINT HUGEINT UHUGEINT "
        "INT INT1 INT2 INT4 INT8 INT16 INT32 INT64 INT128 LONG SHORT SIGNED"
    ),
    "String": "STRING VARCHAR TEXT CHAR BPCHAR NVARCHAR UUID ENUM",
}
_NAMES: dict[str, TypeName] = {
    spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings.split()
}

_DECIMAL = re.compile(r"(?:DECIMAL|NUMERIC|DEC)(?:\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?")
_LENGTH = re.compile(r"^(VARCHAR|CHAR|NVARCHAR|BPCHAR|TEXT|STRING)\s*\(\s*\d+\s*\)$")

_REMEDIES = {
    "STRUCT": "Flatten it: select its fields as columns of their own, such as address.city AS city.",
    "MAP": "Flatten it: select its entries as columns of their own, such as answers['colour'] AS colour.",
    "JSON": "Select its fields as text, such as answers->>'colour', or CAST it AS VARCHAR.",
    "BLOB": "Leave it out, or select a text form such as hex(column).",
    "TIME": "CAST it AS VARCHAR, or make it a full timestamp.",
    "INTERVAL": "Select a number, such as date_diff('day', a, b).",
    "NULL": "The column is always NULL; say which type it has: CAST(NULL AS VARCHAR).",
}
_REMEDY = "CAST the column to a boolean, number, text, date or timestamp, or leave it out."


@dataclass(frozen=True)
class AttributeType:
    """The type of an attribute: a scalar, or an array of one.

    Args:
        name: One of the seven names; `Varchar` is another name of `String`.
        array: Whether a value is a list of such scalars.
        precision: Digits in all of a `Decimal`, 1 to 38.
        scale: Digits after the point of a `Decimal`.
    """

    name: TypeName
    array: bool = False
    precision: int | None = None
    scale: int | None = None

    @property
    def sql(self) -> str:
        """The canonical DuckDB type, such as `DECIMAL(10,2)` or `VARCHAR[]`."""
        scalar = f"DECIMAL({self.precision},{self.scale})" if self.name == "Decimal" else _SQL[self.name]
        return f"{scalar}[]" if self.array else scalar

    @property
    def item(self) -> "AttributeType":
        """The type of one item of an array; a scalar's own type."""
        return replace(self, array=False)

    def __str__(self) -> str:
        digits = f"({self.precision},{self.scale})" if self.name == "Decimal" else ""
        return f"{self.name}{digits}{'[]' if self.array else ''}"

    @classmethod
    def from_sql(cls, text: str, *, column: str | None = None) -> "AttributeType":
        """The attribute type of a DuckDB type name (`HUGEINT`, `ENUM('a')[]`) or of one of the seven names.

        Raises:
            QueryError: Braze has no flat value for such a type; the message names column, type and remedy.
        """
        stripped = text.strip()
        if stripped.endswith("]"):
            item = stripped[: stripped.rindex("[")].strip()
            if item.endswith("]"):
                raise _unsupported(text, column, "Flatten the nested lists with flatten(column).")
            return replace(cls.from_sql(item, column=column), array=True)
        upper = _LENGTH.sub(r"\1", stripped.upper())
        if decimal := _DECIMAL.fullmatch(upper):
            precision, scale = decimal.groups()
            return cls("Decimal", precision=int(precision or 18), scale=int(scale or (0 if precision else 3)))
        if upper.startswith("ENUM("):
            return cls("String")
        if upper in ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITHOUT TIME ZONE"):
            return cls("Datetime")
        if upper == "DOUBLE PRECISION":
            return cls("Float")
        if name := _NAMES.get(upper):
            return cls(name)
        kind = re.split(r"[\s(]", upper.replace('"', ""), maxsplit=1)[0].removesuffix("TZ")
        raise _unsupported(text, column, _REMEDIES.get(kind, _REMEDY))


def _unsupported(text: str, column: str | None, remedy: str) -> QueryError:
    # Field names and labels inside a nested type can be long; its head says enough.
    shown = text if len(text) <= 60 else text[:57] + "..."
    return QueryError(
        f"The type {shown} cannot be an attribute of Braze.",
        place=f"column {column}" if column else None,
        remedy=remedy,
    )


def json_form(expression: str, type: AttributeType) -> str:
    """The SQL expression of the JSON text (VARCHAR) of a canonical value; NULL where the value is NULL.

    | type | JSON |
    | --- | --- |
    | Boolean | `true`, `false` |
    | Date | `"YYYY-MM-DD"` |
    | Datetime | `"YYYY-MM-DDTHH:MM:SS.mmmZ"`, UTC |
    | Decimal | all digits of its scale, never an exponent: `1.50` |
    | Float | the shortest number that reads back as the same double |
    | Integer | digits |
    | String | JSON string, UTF-8; control characters escaped |
    | array | `[...]` of these |

    The session's time zone must be UTC, as `storage.connect()` sets it.

    Args:
        expression: A SQL expression of the type `type.sql`.
        type: Its type.
    """
    if type.array:
        if type.name in ("Boolean", "Float", "Integer", "String"):
            return f"CAST(to_json({expression}) AS VARCHAR)"
        item = json_form("_item", type.item)
        items = f"array_to_string(list_transform({expression}, lambda _item: {item}), ',')"
        return f"('[' || {items} || ']')"
    if type.name == "Date":
        return f"""strftime({expression}, '"%Y-%m-%d"')"""
    if type.name == "Datetime":
        return f"""strftime({expression}, '"%Y-%m-%dT%H:%M:%S.%gZ"')"""
    if type.name == "Decimal":
        digits = f"CAST({expression} AS VARCHAR)"
        # DuckDB writes .50 when a decimal has no digits before the point; JSON wants the zero.
        return f"regexp_replace({digits}, '^(-?)[.]', '\\10.')" if type.precision == type.scale else digits
    if type.name in ("Boolean", "Integer"):
        return f"CAST({expression} AS VARCHAR)"
    return f"CAST(to_json({expression}) AS VARCHAR)"

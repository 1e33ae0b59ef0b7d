"""The types an attribute can have, and the one JSON form of each.

A type is named by its canonical DuckDB type, in which rows, plans and ledgers keep it. What is compared there
is what would be sent: two canonical values are equal exactly when their JSON forms are.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

from braze_assets.errors import QueryError

__all__ = ["AttributeType", "TypeName", "json_form", "object_value"]

TypeName = Literal["Boolean", "Date", "Datetime", "Decimal", "Float", "Integer", "Object", "String"]

_SQL: dict[TypeName, str] = {
    "Boolean": "BOOLEAN",
    "Date": "DATE",
    "Datetime": "TIMESTAMP WITH TIME ZONE",
    "Float": "DOUBLE",
    "Integer": "BIGINT",
    # The JSON text under a key that no object can have: a type of its own, whatever fields come and go.
    "Object": 'STRUCT("$json" VARCHAR)',
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
    "TUPLE": "Name its fields: {'city': city} rather than row(city).",
    "JSON": 'Say which fields it has: from_json(column, \'{"city": "VARCHAR"}\'), or select them as text.',
    "BLOB": "Leave it out, or select a text form such as hex(column).",
    "TIME": "CAST it AS VARCHAR, or make it a full timestamp.",
    "INTERVAL": "Select a number, such as date_diff('day', a, b).",
    "NULL": "The column is always NULL; say which type it has: CAST(NULL AS VARCHAR).",
}
_REMEDY = "CAST the column to a boolean, number, text, date or timestamp, or leave it out."


@dataclass(frozen=True)
class AttributeType:
    """The type of an attribute: a scalar, a nested object, or an array of one.

    Args:
        name: One of the names; `Varchar` is another name of `String`. An `Object` holds what a STRUCT or a
            MAP does; its fields are not part of the type.
        array: Whether a value is a list of such values.
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

    @property
    def patchable(self) -> bool:
        """Whether a change can be sent as a patch: of objects, and of arrays of texts or integers."""
        return self.name in ("String", "Integer") if self.array else self.name == "Object"

    def __str__(self) -> str:
        digits = f"({self.precision},{self.scale})" if self.name == "Decimal" else ""
        return f"{self.name}{digits}{'[]' if self.array else ''}"

    @classmethod
    def from_sql(cls, text: str, *, column: str | None = None) -> "AttributeType":
        """The attribute type of a DuckDB type name (`HUGEINT`, `ENUM('a')[]`) or of one of the names.

        Raises:
            QueryError: Braze has no value for such a type; the message names column, type and remedy.
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
        if upper.startswith(("STRUCT(", "MAP(")):
            return cls("Object")
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
    | Object | `{"name":value,...}` in the order of the names, `{"$time":"..."}` for Date and Datetime |
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
    if type.name == "Object":
        return f"struct_extract({expression}, '$json')"
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


def object_value(text: str) -> str:
    """The SQL expression of a canonical `Object` from the SQL expression of its JSON text."""
    return f"{{'$json': {text}}}"

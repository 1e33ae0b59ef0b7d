"""The tables rules speak of: their columns, what kind of values these have, and names that come near."""

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from braze_assets.errors import SourceError
from braze_assets.segments.rules import Column

__all__ = ["Family", "Tables", "family_of", "near"]

Family = Literal["text", "number", "truth", "date", "timestamp", "instant", "other"]
"""What may be asked of a column: `instant` is a time with a zone, `timestamp` one without (taken as UTC)."""

_NUMBERS = re.compile(r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL\(.*\)|FLOAT|DOUBLE|REAL)$")
_KNOWN: Mapping[str, Family] = {
    "VARCHAR": "text",
    "BOOLEAN": "truth",
    "DATE": "date",
    "TIMESTAMP WITH TIME ZONE": "instant",
    "TIMESTAMPTZ": "instant",
}


def family_of(sql_type: str) -> Family:
    """What kind of values a column of this DuckDB type has."""
    name = sql_type.upper()
    if _NUMBERS.match(name):
        return "number"
    if name in _KNOWN:
        return _KNOWN[name]
    if name.startswith("TIMESTAMP"):
        return "timestamp"
    return "text" if name.startswith(("VARCHAR", "ENUM")) else "other"


def near(name: str, known: Iterable[str], most: int = 3) -> str:
    """The beginning of a remedy: names that come near, or nothing."""
    by_case = {each.casefold(): each for each in known}
    found = difflib.get_close_matches(name.casefold(), list(by_case), n=most)
    return f"Did you mean {' or '.join(by_case[each] for each in found)}? " if found else ""


@dataclass(frozen=True)
class Tables:
    """What is known of the tables.

    Args:
        columns: By table and column, the DuckDB type; a table that is there but not known has None.
        customers: The table of customers: one row each.
        key: The column that tells customers apart, in every table.
        many: Tables with many rows a customer: they are asked with `purchased`.
    """

    columns: Mapping[str, Mapping[str, str] | None]
    customers: str = "merged_customers"
    key: str = "amperity_id"
    many: Collection[str] = ("unified_transactions", "unified_itemized_transactions")
    open: bool = False
    """Whether there may be more tables, of which nothing is known yet."""
    usual: Mapping[str, Collection[str]] = field(default_factory=dict)
    """What tables usually have that are not known yet: where a column without a table is looked for."""

    def resolve(self, column: Column, place: str) -> tuple[str, str, str | None]:
        """The table, the column as the table spells it, and its type; the type is None where it is not known.

        Raises:
            SourceError: There is no such table or column, or several tables have it; says what comes near.
        """
        table = column.table.lower() if column.table else self._table_of(column, place)
        if table in self.many:
            raise SourceError(
                f"The table {table} has many rows a customer; {column} is no single value.",
                place=place,
                remedy="Ask with `purchased`, or for a column of transaction_attributes_extended.",
            )
        name, sql_type = self.column(table, column.name, place)
        return table, name, sql_type

    def column(self, table: str, name: str, place: str) -> tuple[str, str | None]:
        """The column as the table spells it, and its type.

        Raises:
            SourceError: There is no such table or column.
        """
        if table not in self.columns:
            if self.open:
                return name, None
            raise SourceError(
                f"There is no table {table}.",
                place=place,
                remedy=near(table, self.columns) + f"Tables: {', '.join(sorted(self.columns))}.",
            )
        columns = self.columns[table]
        if columns is None:
            return name, None
        spelled = {each.lower(): each for each in columns}
        if name.lower() not in spelled:
            raise SourceError(
                f"The table {table} has no column {name}.",
                place=place,
                remedy=near(name, columns) + self._elsewhere(name, table) + "Correct the name.",
            )
        found = spelled[name.lower()]
        return found, columns[found]

    def _table_of(self, column: Column, place: str) -> str:
        having = self._having(column.name)
        if len(having) == 1:
            return having[0]
        if having:
            raise SourceError(
                f"The column {column.name} is in several tables.",
                place=place,
                remedy=f"Write {' or '.join(f'{table}.{column.name}' for table in having)}.",
            )
        known = {
            name
            for table, columns in {**self.usual, **self.columns}.items()
            if table not in self.many
            for name in columns or ()
        }
        unknown = sorted(table for table, columns in self.columns.items() if columns is None)
        raise SourceError(
            f"No table has the column {column.name}.",
            place=place,
            remedy=near(column.name, known)
            + "Correct the name"
            + (f", or write table.column: of {', '.join(unknown)} nothing is known yet." if unknown else "."),
        )

    def _having(self, name: str) -> list[str]:
        usual = {table: names for table, names in self.usual.items() if self.columns.get(table) is None}
        known = {table: columns or () for table, columns in self.columns.items()}
        return [
            table
            for table, columns in {**known, **usual}.items()
            if table not in self.many and name.lower() in {each.lower() for each in columns}
        ]

    def _elsewhere(self, name: str, table: str) -> str:
        having = [each for each in self._having(name) if each != table]
        return f"{having[0]} has one. " if having else ""

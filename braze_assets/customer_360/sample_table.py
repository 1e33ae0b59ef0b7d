"""What a table of the sample is: its name, columns, key, and what it is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files

from braze_assets.customer_360.settings import SampleSettings, day_end

__all__ = ["Column", "SampleTable", "render", "sql_file", "with_upstream"]

Column = tuple[str, str, str]
"""Name, DuckDB type, description."""


@dataclass(frozen=True, kw_only=True)
class SampleTable:
    """A table of the Customer 360 sample: one full snapshot a day."""

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    """The columns no two rows share."""
    depends_on: tuple[str, ...] = ()
    """The tables it is computed from; none for those that are drawn."""
    query: Callable[[SampleSettings, date], str]
    """SQL of the table as of the end of a day. It names the tables of `depends_on` as they are."""

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(name for name, _, _ in self.columns)


def sql_file(name: str) -> Callable[[SampleSettings, date], str]:
    """The query in a SQL file of this package, with `$day` and `$day_end` filled in."""

    def query(settings: SampleSettings, day: date) -> str:
        text = files("braze_assets.customer_360").joinpath(name).read_text(encoding="utf-8")
        return render(text, day)

    return query


def render(sql: str, day: date) -> str:
    """Fill in `$day` (a DATE) and `$day_end` (a TIMESTAMPTZ).

    As literals and not as parameters, so that a query stays one text that can be nested in another.
    """
    end = f"TIMESTAMPTZ '{day_end(day):%Y-%m-%d %H:%M:%S}+00'"
    return sql.replace("$day_end", end).replace("$day", f"DATE '{day}'")


def with_upstream(sql: str, upstream: Mapping[str, str]) -> str:
    """A query that names tables, with SQL table expressions put behind the names."""
    if not upstream:
        return sql
    # Not materialized: a table that is read twice is cheaper read twice than kept.
    tables = ", ".join(f"{name} AS NOT MATERIALIZED (FROM {table})" for name, table in upstream.items())
    return f"WITH {tables} FROM (\n{sql}\n)"

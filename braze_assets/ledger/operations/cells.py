"""SQL over the rows of `acknowledged`: unknown marks, counts."""

from collections.abc import Iterable, Mapping

from braze_assets.storage import quote_identifier, quote_literal

__all__ = ["BOOKKEEPING", "marked", "names_sql", "none_sql", "rows_like", "total"]

BOOKKEEPING = {
    "_unknown": "VARCHAR[]",
    "_plan_id": "VARCHAR",
    "_partition": "VARCHAR",
    "_acknowledged_at": "TIMESTAMP WITH TIME ZONE",
}


def names_sql(conditions: Mapping[str, str]) -> str:
    """The names whose condition is true, as a list."""
    cases = ", ".join(f"CASE WHEN {sql} THEN {quote_literal(name)} END" for name, sql in conditions.items())
    return f"list_filter([{cases}]::VARCHAR[], lambda x: x IS NOT NULL)"


def marked(*lists: str) -> str:
    """Lists of names as one for `_unknown`: sorted, each once, NULL when there are none."""
    joined = "[]::VARCHAR[]"
    for each in lists:
        joined = f"list_concat({joined}, coalesce({each}, []))"
    return f"nullif(list_sort(list_distinct({joined})), [])"


def rows_like(identifier: str, types: Mapping[str, str]) -> dict[str, str]:
    """All columns of a table with these attributes, and their types."""
    return {identifier: "VARCHAR", **types, **BOOKKEEPING}


def none_sql(columns: Mapping[str, str]) -> str:
    """A table expression without rows."""
    nothing = ", ".join(f"NULL::{type} AS {quote_identifier(name)}" for name, type in columns.items())
    return f"(SELECT {nothing} WHERE false)"


def total(expressions: Iterable[str]) -> str:
    """The sum of conditions that are true."""
    return " + ".join(f"({each})::INTEGER" for each in expressions) or "0"

"""Types for the cells of a CSV column, found by looking at every one of them.

DuckDB's own sniffer looks at a sample: a column that is a number for 20,000 lines and text on the next would
fail half-way, and "0123" would lose its zero. Here a column has a type only when every cell is written just
as that type is; anything else is text. A declared type of an attribute (`type:`) goes before.
"""

from braze_assets.storage import quote_literal

__all__ = ["TYPES", "evidence_sql", "typed_sql"]

_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"

_PATTERNS = {
    "BOOLEAN": "(?i)true|false",
    "BIGINT": "-?(0|[1-9][0-9]{0,18})",
    # As many digits as a double keeps; a longer number stays text, whole.
    "DOUBLE": r"-?(0|[1-9][0-9]{0,9})(\.[0-9]{1,5})?",
    "DATE": _DAY,
    "TIMESTAMPTZ": f"{_DAY}[T ]{_CLOCK}(Z|[+-][0-9]{{2}}(:?[0-9]{{2}})?)?",
}

TYPES: tuple[str, ...] = tuple(_PATTERNS)
"""The types that are tried, the narrower first."""


def evidence_sql(column: str, type: str, *, of_nothing: bool) -> str:
    """An aggregate that is true when all cells of a text column are written as this type.

    Args:
        column: SQL of the column.
        type: One of `TYPES`.
        of_nothing: The answer where there are no cells.
    """
    written = f"regexp_full_match({column}, {quote_literal(_PATTERNS[type])})"
    fits = f"{written} AND TRY_CAST({column} AS {type}) IS NOT NULL"
    return f"coalesce(bool_and({fits}) FILTER (WHERE {column} IS NOT NULL), {of_nothing})"


def typed_sql(column: str, type: str | None) -> str:
    """The column as its type, NULL for a cell that changed under way; text when there is none."""
    return column if type is None else f"TRY_CAST({column} AS {type})"

"""Names in SQL, quoted only where they must be, so that the SQL can be read."""

import re

from braze_assets.storage import quote_identifier

__all__ = ["column_name"]

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Words that DuckDB does not take for a column's name without quotes.
_WORDS = """
all analyse analyze and any array as asc asymmetric both case cast check collate column constraint
create default deferrable desc describe distinct do else end except false fetch for foreign from
group having in initially intersect into lambda lateral leading limit not null offset on only or
order pivot placing primary qualify references returning select show some summarize symmetric table
then to trailing true union unique unpivot using variadic when where window with
"""
_RESERVED = frozenset(_WORDS.split())


def column_name(name: str) -> str:
    """A column or table as SQL."""
    plain = _PLAIN.fullmatch(name) and name.lower() not in _RESERVED
    return name if plain else quote_identifier(name)

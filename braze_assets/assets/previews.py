"""Small tables for the run page: figures and names, never a customer's values unless somebody asked."""

from collections.abc import Iterable, Sequence

import dagster as dg

__all__ = ["markdown_table"]


def markdown_table(
    header: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str
) -> dg.MetadataValue:
    """A Markdown table as metadata; `empty` is shown where there are no rows."""
    lines = ["| " + " | ".join(_cell(each) for each in row) + " |" for row in rows]
    if not lines:
        return dg.MetadataValue.md(empty)
    head = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return dg.MetadataValue.md("\n".join(head + lines))


def _cell(value: object) -> str:
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")

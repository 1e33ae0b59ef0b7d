"""A glance at a plan's changes, without personal data unless asked for."""

from braze_assets.plan.plan import Plan
from braze_assets.storage import quote_identifier

__all__ = ["preview"]

_VALUE_CHARS = 60


def preview(plan: Plan, *, rows: int = 20, include_values: bool = False) -> list[tuple[int | None, str, str]]:
    """The first changes of a plan: ordinal, kind, and the attribute names (or the reason it is left out).

    Args:
        plan: The plan, before its rows are read.
        rows: At most so many.
        include_values: Show identifier, old and new values as well. They are personal data.
    """
    if plan.connection is None:
        return []
    identifier = quote_identifier(plan.header.identifier)
    found = plan.connection.sql(
        f"SELECT n, kind, attributes, reason, {identifier}, previous, object FROM ({plan.sql()}) "
        # Two kinds of rows are read side by side: without an order, either may come first.
        f"ORDER BY n NULLS LAST LIMIT {rows}"
    ).fetchall()
    shown: list[tuple[int | None, str, str]] = []
    for n, kind, attributes, reason, who, previous, body in found:
        text = ", ".join(attributes or ())
        if include_values:
            new, old = _shorten(body), _shorten(previous)
            text = f"{who}: {old} -> {new}" if body else f"{who}: {text}"
        shown.append((n, kind, f"{text} ({reason})" if reason else text))
    return shown


def _shorten(text: str | None) -> str:
    if text is None:
        return "nothing"
    return text if len(text) <= _VALUE_CHARS * 4 else text[: _VALUE_CHARS * 4] + "..."

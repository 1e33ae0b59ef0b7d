"""Bounds of periods as SQL, in the type of the column they are compared with."""

from braze_assets.segments.moments import Ago, Bound, Day
from braze_assets.segments.rules import Within
from braze_assets.segments.schemas import Family

__all__ = ["period_sql", "start_sql"]


def period_sql(column: str, family: Family, period: Within) -> str:
    """Whether a column lies in a period; NULL where the column is.

    Args:
        column: The column as SQL.
        family: `date`, `timestamp` or `instant`.
        period: The period.
    """
    # A day is compared as the midnight it begins with: in DuckDB that costs nothing without a time zone.
    compared = f"{column}::TIMESTAMP" if family == "date" else column
    tests = []
    if (start := start_sql(family, period)) is not None:
        tests.append(f"{compared} >= {start}")
    if period.end is not None:
        end = _first(period.end, family) if period.end_before else _next(period.end, family)
        tests.append(f"{compared} < {end}")
    return " AND ".join(tests)


def start_sql(family: Family, period: Within) -> str | None:
    """The first instant of a period; None where it has no beginning."""
    if period.start is None:
        return None
    return _next(period.start, family) if period.start_after else _first(period.start, family)


def _first(bound: Bound, family: Family) -> str:
    """The first instant of a bound."""
    return _instant(bound, family, days=0)


def _next(bound: Bound, family: Family) -> str:
    """The first instant after a bound; of an instant itself."""
    return _instant(bound, family, days=0 if isinstance(bound, Ago) else 1)


def _instant(bound: Bound, family: Family, days: int) -> str:
    if isinstance(bound, Day):
        day = f"DATE '{bound.day.isoformat()}'" + (f" + {days}" if days else "")
        return f"({day})::TIMESTAMP" if family != "instant" else f"({day})::TIMESTAMPTZ"
    now = "$as_of" if family == "instant" else "timezone('UTC', $as_of)"
    if isinstance(bound, Ago):
        return f"{now} - INTERVAL {bound.count} {bound.unit.upper()}" if bound.count else now
    shift = bound.days + days
    midnight = f"date_trunc('day', {now})"
    if not shift:
        return midnight
    return f"{midnight} {'+' if shift > 0 else '-'} INTERVAL {abs(shift)} DAY"

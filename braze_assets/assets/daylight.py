"""Cron lines whose local time does not exist on some day, or comes twice: where clocks are changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from braze_assets.assets.timing import Timing, next_by_clock, ticks

__all__ = ["Change", "changes", "daylight_warning", "hit_changes"]

_YEARS = 4
"""How far ahead is looked."""
_SHOWN = 4
"""Changes that a warning names."""


@dataclass(frozen=True)
class Change:
    """One change of the clocks of a zone."""

    at: datetime
    """The moment, in UTC."""
    first: datetime
    """The first time by the clock, of which UTC stands for the zone, that does not exist or comes twice."""
    last: datetime
    """The first one that does again, or comes once."""
    skipped: bool
    """Whether clocks went forward."""


def changes(zone: ZoneInfo, as_of: datetime, years: int = _YEARS) -> Iterator[Change]:
    """The changes of a zone's clocks in the years after a moment."""
    day = as_of.astimezone(timezone.utc).replace(minute=0, second=0, microsecond=0)
    end = day + timedelta(days=round(365.25 * years))
    while day < end:
        after = day + timedelta(days=1)
        if _offset(zone, day) != _offset(zone, after):
            yield _change(zone, day, after)
        day = after


def hit_changes(timing: Timing, as_of: datetime, years: int = _YEARS) -> list[tuple[Change, datetime]]:
    """The changes that a cron line's local time falls in, each with the tick that comes of it.

    Lines that fire every hour go on every hour whatever clocks say: none is hit.
    """
    from dagster._utils.schedules import cron_string_repeats_every_hour

    if timing.cron is None or timing.timezone == "UTC" or cron_string_repeats_every_hour(timing.cron):
        return []
    found = []
    for change in changes(ZoneInfo(timing.timezone), as_of, years):
        local = next_by_clock(timing.cron, change.first - timedelta(seconds=1))
        if local < change.last:
            before = change.at - timedelta(seconds=1)
            found.append((change, next(ticks(timing, before))))
    return found


def daylight_warning(timing: Timing, as_of: datetime) -> str:
    """What users should know of a cron line and the clocks; empty where there is nothing."""
    hit = hit_changes(timing, as_of)
    if not hit:
        return ""
    said = []
    for change, tick in hit[:_SHOWN]:
        what = "does not exist" if change.skipped else "comes twice"
        said.append(
            f"{change.first:%Y-%m-%d}: {change.first:%H:%M} to {change.last:%H:%M} {what}, it runs at "
            f"{tick:%H:%M} ({tick.astimezone(timezone.utc):%H:%M} UTC)"
        )
    return f"Clocks of {timing.timezone} change while {timing.cron!r} is due. " + "; ".join(said) + "."


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> Change:
    """The change between two moments, to the second."""
    old, new = _offset(zone, before), _offset(zone, after)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        before, after = (middle, after) if _offset(zone, middle) == old else (before, middle)
    local = [after + each for each in sorted((old, new))]
    return Change(after, local[0], local[1], skipped=new > old)

"""What Braze says about its rate limit, in either of the two ways it says it.

Braze documentation "API limits", September 2026, describes two regimes. Classic: every reply carries
`X-RateLimit-Limit`, `-Remaining` and `-Reset`, the last one in UTC epoch seconds. Newer contracts: `-Reset`
counts the seconds left, and a 429 carries none of the three but `X-Ratelimit-Retry-After`. Recorded
replies also hold them as empty strings, and in lower case.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

__all__ = ["LONGEST_WAIT", "RateHeaders", "read_rate_headers"]

LONGEST_WAIT = 3_600.0
"""Seconds. Limits start anew on the clock hour, so no honest header asks for more; a wrong clock may."""

_SKEW = 60.0
"""Seconds by which clocks differ without anybody having to care."""
_EPOCH = 1e9
"""A reset above this is a point in time (after 2001), below it a number of seconds."""
_EPOCH_MILLISECONDS = 1e12
_NAMES = frozenset(
    {
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "x-ratelimit-retry-after",
        "retry-after",
        "date",
    }
)


@dataclass(frozen=True)
class RateHeaders:
    """The rate limit as one reply tells it; None where it does not."""

    limit: int | None = None
    remaining: int | None = None
    """Requests left in the window; approximate in the newer regime."""
    reset: float | None = None
    """Seconds from now until the window starts anew, between 0 and `LONGEST_WAIT`."""
    retry_after: float | None = None
    """Seconds from now until requests are taken again, between 0 and `LONGEST_WAIT`."""

    @property
    def wait(self) -> float | None:
        """How long a refused request should wait: the explicit wait, else the reset."""
        return self.reset if self.retry_after is None else self.retry_after


def read_rate_headers(headers: Mapping[str, str], *, now: datetime) -> RateHeaders:
    """Read the headers of a reply.

    A moment is measured against the reply's own `Date`, so that a wrong clock on this side does not turn
    into a wrong wait; without it against `now`. One that is long past, or further away than `LONGEST_WAIT`,
    says only that a clock is wrong and counts as absent, as does a number below 0.

    Args:
        headers: The reply's headers, names in any case. Nothing in them can make this raise.
        now: The current time, aware.
    """
    found = {name.lower(): value for name, value in headers.items() if name.lower() in _NAMES}
    if not found:
        return RateHeaders()
    retry_after = _number(found.get("x-ratelimit-retry-after"))
    if retry_after is None:
        retry_after = _number(found.get("retry-after"))
    wait = _wait(retry_after, found, now)
    if retry_after is None and (date := _date(found.get("retry-after"))):
        wait = _until(date.timestamp(), found, now)
    return RateHeaders(
        limit=_whole(found.get("x-ratelimit-limit")),
        remaining=_whole(found.get("x-ratelimit-remaining")),
        reset=_wait(_number(found.get("x-ratelimit-reset")), found, now),
        retry_after=wait,
    )


def _number(text: str | None) -> float | None:
    # Two headers of one name arrive joined by a comma; the first one counts.
    first = (text or "").partition(",")[0].strip()
    if not first or not first.isascii():
        return None
    try:
        number = float(first)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _whole(text: str | None) -> int | None:
    number = _number(text)
    return None if number is None else max(0, int(number))


def _wait(value: float | None, found: Mapping[str, str], now: datetime) -> float | None:
    if value is None or value < 0:
        return None
    if value > _EPOCH_MILLISECONDS:
        value /= 1_000.0
    return _until(value, found, now) if value > _EPOCH else min(value, LONGEST_WAIT)


def _until(moment: float, found: Mapping[str, str], now: datetime) -> float | None:
    """Seconds until a moment; None if that is so far away that one of the clocks must be wrong."""
    wait = moment - (_date(found.get("date")) or now).timestamp()
    return min(max(wait, 0.0), LONGEST_WAIT) if -_SKEW <= wait <= LONGEST_WAIT + _SKEW else None


def _date(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        date = parsedate_to_datetime(text)
        date = date if date.tzinfo else date.replace(tzinfo=timezone.utc)
        date.timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date

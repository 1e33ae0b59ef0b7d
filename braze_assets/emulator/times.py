"""The spellings of a time that Braze takes.

Source: Braze documentation "User attributes object", section on date formats, September 2026.
"""

import re
from datetime import datetime, timedelta, timezone

__all__ = ["moment", "parse_time"]

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.:](\d{1,9}))?)?\s*(Z|UTC|[+-]\d\d(?::?\d\d)?)?)?"
)
_AMERICAN = re.compile(r"(\d\d)/(\d\d)/(\d{4})")
# Documented as "ddd MM dd HH:mm:ss.TZD YYYY"; how TZD looks is an assumption.
_WEEKDAY = re.compile(
    r"[A-Z][a-z]{2} (\d\d) (\d\d) (\d\d):(\d\d):(\d\d)\.?(Z|UTC|[+-]\d\d(?::?\d\d)?) (\d{4})"
)


def parse_time(text: str) -> datetime | None:
    """The instant a text means, in UTC; `None` if Braze would not take it for a time.

    Without a time zone it is UTC, without a time of day midnight. Years after 3000 stay text.
    """
    if len(text) > 40:
        return None
    if found := _ISO.fullmatch(text):
        year, month, day, hour, minute, second, fraction, zone = found.groups()
    elif found := _AMERICAN.fullmatch(text):
        month, day, year = found.groups()
        hour = minute = second = fraction = zone = None
    elif found := _WEEKDAY.fullmatch(text):
        month, day, hour, minute, second, zone, year = found.groups()
        fraction = None
    else:
        return None
    if int(year) > 3000:
        return None
    try:
        micros = int((fraction or "0").ljust(6, "0")[:6])
        clock = (int(hour or 0), int(minute or 0), int(second or 0), micros)
        moment = datetime(int(year), int(month), int(day), *clock, tzinfo=timezone.utc)
        return moment - _offset(zone)
    except (ValueError, OverflowError):
        return None


def moment(text: str) -> float:
    """Epoch seconds of a time that was taken, to compare times in different spellings."""
    parsed = parse_time(text)
    return parsed.timestamp() if parsed else 0.0


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone in ("Z", "UTC"):
        return timedelta()
    digits = zone[1:].replace(":", "").ljust(4, "0")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -size if zone[0] == "-" else size

"""When a flow runs: by hand, by a cron line in a zone, when a partition closed, or after new data."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

__all__ = [
    "AFTER_EACH_PARTITION",
    "AFTER_NEW_DATA",
    "BY_HAND",
    "MANUAL",
    "Timing",
    "cron_problem",
    "next_by_clock",
    "spelled",
    "ticks",
    "zone_problem",
]

MANUAL = "manual"
"""Nothing starts it."""
AFTER_EACH_PARTITION = "after each partition"
"""Fills a partition when it has closed."""
AFTER_NEW_DATA = "after new data"
"""Runs when a table it reads was made."""

_WORDS = (MANUAL, AFTER_EACH_PARTITION, AFTER_NEW_DATA)


@dataclass(frozen=True)
class Timing:
    """When a flow runs."""

    when: str = MANUAL
    """One of the three words above, or a cron line."""
    timezone: str = "UTC"
    """The IANA zone of the cron line."""
    only_if_changed: bool = False
    """Whether a tick is skipped when nothing changed since the last send."""

    @property
    def manual(self) -> bool:
        """Whether nothing starts it."""
        return self.when == MANUAL

    @property
    def cron(self) -> str | None:
        """The cron line, if it is one."""
        return None if self.when in _WORDS else self.when

    def __str__(self) -> str:
        said = f"{self.when} {self.timezone}" if self.cron else self.when
        return f"{said}, only if changed" if self.only_if_changed else said


BY_HAND = Timing()
"""Nothing starts it."""


def spelled(text: str) -> str:
    """A word as it is spelled here, `after_new_data` as `after new data`; cron lines as they are."""
    word = " ".join(text.lower().replace("_", " ").split())
    return word if word in _WORDS else text.strip()


def cron_problem(text: str) -> str:
    """What is wrong with what should be a word or a cron line; empty where nothing is."""
    # Late: importing Dagster's own reader of cron lines is for those who have one.
    from dagster._utils.schedules import CroniterShim, is_valid_cron_schedule

    when = spelled(text)
    if when in _WORDS:
        return ""
    try:
        fields, *_ = CroniterShim.expand(when)
    except Exception:  # It raises classes of its own, and ValueError, KeyError, AttributeError.
        near = difflib.get_close_matches(when.lower().replace("_", " "), _WORDS, n=1, cutoff=0.7)
        return f"{text!r} is neither a cron line nor one of {', '.join(_WORDS)}" + (
            f"; did you mean {near[0]!r}?" if near else '; write for instance "0 6 * * *", 06:00 of every day'
        )
    if len(fields) != 5:
        return f"{text!r} has {len(fields)} fields; give five: minute, hour, day, month, day of the week"
    try:
        next_by_clock(when, datetime(2000, 1, 1, tzinfo=timezone.utc))
    except Exception:
        return f"{text!r} never fires: no year has such a day; correct the day or the month"
    return "" if is_valid_cron_schedule(when) else f"{text!r} is a cron line that Dagster does not take"


def zone_problem(name: str) -> str:
    """What is wrong with the name of a zone; empty where nothing is."""
    if name == "UTC" or name in (known := available_timezones()):
        return ""
    # By city as well: many write Berlin, or the right city behind a wrong continent.
    folded = {each.casefold(): each for each in sorted(known)}
    cities = {each.rpartition("/")[2].casefold(): each for each in sorted(known) if "/" in each}
    word = name.strip().casefold().replace(" ", "_")
    near = [folded[each] for each in difflib.get_close_matches(word, folded, n=2, cutoff=0.75)]
    near = near or [cities[each] for each in difflib.get_close_matches(word, cities, n=2, cutoff=0.75)]
    if near:
        return f"the time zone {name!r} is unknown; did you mean {' or '.join(near)}?"
    return f"the time zone {name!r} is unknown; give an IANA name such as Europe/Berlin or UTC"


def next_by_clock(cron: str, after: datetime) -> datetime:
    """The next time a cron line names, by a clock that nobody changes: UTC stands for whatever it shows."""
    from dagster._utils.schedules import CroniterShim

    reader: Any = CroniterShim
    found: datetime = reader(cron, after).get_next(datetime)
    return found


def ticks(timing: Timing, after: datetime) -> Iterator[datetime]:
    """The moments at which a cron line fires, in its zone, as Dagster has them.

    Args:
        timing: One with a cron line.
        after: Where they start; aware.
    """
    from dagster._utils.schedules import cron_string_iterator

    zone = ZoneInfo(timing.timezone)
    for tick in cron_string_iterator(after.timestamp(), str(timing.cron), timing.timezone):
        if tick > after:
            # Through UTC: Dagster's own zone says nothing of a time that does not exist.
            yield tick.astimezone(timezone.utc).astimezone(zone)

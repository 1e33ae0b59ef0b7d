"""Points in time as a rule names them: a day, so long ago, or a day counted from the end of the partition."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

__all__ = ["Ago", "Bound", "Day", "DayFromNow", "Unit"]

Unit = Literal["hour", "day", "week", "month", "year"]


@dataclass(frozen=True)
class Day:
    """A day of the calendar (UTC), from its midnight to the next."""

    day: date


@dataclass(frozen=True)
class DayFromNow:
    """The day that the end of the partition falls in (0, `today`), the one before it (-1, `yesterday`), ...

    The end of a daily partition is the midnight after it: `yesterday` is the day of the partition itself.
    """

    days: int


@dataclass(frozen=True)
class Ago:
    """The instant this long before the end of the partition; months and years are those of the calendar."""

    count: int
    unit: Unit


Bound = Day | DayFromNow | Ago

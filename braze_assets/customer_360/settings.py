"""What a sample is made of: how many customers, which seed, from which day on."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

from braze_assets.errors import ConfigurationError

__all__ = ["SampleSettings", "day_end"]

_MIN_CUSTOMERS = 100  # the first hundred carry one of every kind of dirt
_MAX_CUSTOMERS = 1_000_000_000
_MIN_HISTORY_DAYS = 120


def day_end(day: date) -> datetime:
    """The instant a daily snapshot is as of: midnight UTC after the day, itself no longer part of it."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=timezone.utc)


@dataclass(frozen=True, kw_only=True)
class SampleSettings:
    """Everything the sample depends on besides the day.

    Args:
        customers: Customers on the first day; about 0.1 % a day join and 0.02 % leave after it.
        seed: Another seed gives other people.
        start: The first day there is a snapshot of. Every day from then on has one, without end.
        history_days: How far back before `start` customers and their orders reach. Three years and a
            day make new, active, lapsed and dormant customers all occur.

    Raises:
        ConfigurationError: A number is out of range.
    """

    customers: int = 10_000
    seed: int = 360
    start: date = date(2026, 7, 1)
    history_days: int = 1_096

    def __post_init__(self) -> None:
        if not _MIN_CUSTOMERS <= self.customers <= _MAX_CUSTOMERS:
            raise ConfigurationError(
                f"The sample cannot have {self.customers} customers.",
                place="SampleSettings.customers",
                remedy=f"Ask for {_MIN_CUSTOMERS} to {_MAX_CUSTOMERS}.",
            )
        if self.history_days < _MIN_HISTORY_DAYS:
            raise ConfigurationError(
                f"A history of {self.history_days} days is too short.",
                place="SampleSettings.history_days",
                remedy=f"Ask for {_MIN_HISTORY_DAYS} days or more.",
            )

    def day_number(self, day: date) -> int:
        """Days since `start`.

        Raises:
            ConfigurationError: The day is before the first snapshot.
        """
        number = (day - self.start).days
        if number < 0:
            raise ConfigurationError(
                f"The sample has no snapshot of {day}: it starts on {self.start}.",
                place="SampleSettings.start",
                remedy="Ask for a later day, or set an earlier start.",
            )
        return number

    def joined(self, day: date) -> int:
        """How many customers there ever were by the end of a day, the removed ones included."""
        return self.customers + self.day_number(day) * self.customers // 1000

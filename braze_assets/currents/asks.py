"""What a look asks for: consecutive hours together, event types with the same hours together."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["HOUR", "Ask", "Wanted", "asks_for", "hours_between"]

HOUR = timedelta(hours=1)

Wanted = Mapping[str, Mapping[datetime, str]]
"""The hours to ask for, by event type, each with its reason: the digest of its files, a mark."""


@dataclass(frozen=True)
class Ask:
    """Consecutive hours to read in one run, of some event types."""

    first: datetime
    last: datetime
    event_types: tuple[str, ...]
    reason: str
    """Changes with the files and marks that made it."""

    @property
    def hours(self) -> list[datetime]:
        """The hours, ascending."""
        return list(hours_between(self.first, self.last + HOUR))


def asks_for(wanted: Wanted, most: int) -> list[Ask]:
    """The asks for some hours, ordered by hour, each of `most` hours at the most.

    No hour is asked for that is not wanted, so that an event type with a gap takes two asks.
    """
    spans: dict[tuple[datetime, datetime], list[str]] = {}
    for event_type in sorted(wanted):
        for span in _spans(sorted(wanted[event_type]), most):
            spans.setdefault(span, []).append(event_type)
    return [
        Ask(first, last, tuple(types), _reason(first, last, types, wanted))
        for (first, last), types in sorted(spans.items())
    ]


def hours_between(first: datetime, before: datetime) -> Iterator[datetime]:
    """The hours from one to before another."""
    while first < before:
        yield first
        first += HOUR


def _spans(hours: Sequence[datetime], most: int) -> Iterator[tuple[datetime, datetime]]:
    begin = 0
    for place in range(1, len(hours) + 1):
        ends = place == len(hours) or hours[place] != hours[place - 1] + HOUR
        if ends or place - begin == most:
            yield hours[begin], hours[place - 1]
            begin = place


def _reason(first: datetime, last: datetime, event_types: Sequence[str], wanted: Wanted) -> str:
    lines = [
        f"{event_type} {hour:%Y%m%d%H} {wanted[event_type][hour]}"
        for event_type in event_types
        for hour in hours_between(first, last + HOUR)
    ]
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=8).hexdigest()

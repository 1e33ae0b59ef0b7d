"""Which hours have new or changed files, and what is asked for next.

A cursor holds, for each event type, the first hour that was never asked for, and a digest of the files of
each hour of the look-back before it. A look lists the hours of the look-back and those that have closed
since. It asks for what is new: every closed hour once, with or without files, and again any hour of the
look-back whose files have changed in whatever way. Nothing hangs on the times of files, so none is lost that
was rewritten or deleted, or that shares a second with another. A look lists a bounded number of hours and
asks for a bounded number of runs; the cursor moves only past what was asked for, so the rest comes next time.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from braze_assets.currents.asks import HOUR, Ask, asks_for, hours_between
from braze_assets.currents.cursor import Cursor, TypeCursor
from braze_assets.currents.manifest import version_of
from braze_assets.currents.tree import FileRef

__all__ = ["DiscoverySettings", "FileSource", "Look", "Marks", "discover"]

Marks = Mapping[str, Mapping[datetime, str]]
"""Hours to ask for besides, by event type, each with what tells one mark from the next."""


class FileSource(Protocol):
    """What is listed: a `CurrentsSource`."""

    def since(
        self, event_type: str, first: datetime, before: datetime | None = None
    ) -> Iterator[tuple[datetime, FileRef]]:
        """The files of an event type from an hour on, each with its hour."""

    def first_hour(self, event_type: str, first: datetime, before: datetime) -> datetime | None:
        """The first hour with a file, from an hour on."""


@dataclass(frozen=True, kw_only=True)
class DiscoverySettings:
    """When hours are looked at, and how much at a time."""

    lag_minutes: int = 40
    """How long after its end an hour is asked for first. Files come up to half an hour after it (Currents
    documentation, FAQ, September 2026)."""
    look_back_hours: int = 24
    """For how many hours, once asked for, late and changed files are looked for."""
    look_seconds: int = 300
    """How often the sensor looks."""
    hours_per_run: int = 24
    """The most hours one run is asked to read."""
    runs_per_look: int = 4
    """The most runs asked for at a time."""
    workers: int = 8
    """Event types listed at a time."""


@dataclass(frozen=True)
class Look:
    """What a look has found."""

    asks: tuple[Ask, ...] = ()
    cursor: Cursor | None = None
    """For the next look; None while there was never a file."""
    files: int = 0
    """Files listed."""
    waiting: int = 0
    """Asks left for the next look, of those known by now."""
    behind: int = 0
    """Closed hours that were never asked for, of the event type that is furthest behind."""

    def key(self, ask: Ask) -> str:
        """A name for an ask that no other one has, and the same ask made again from the same cursor has."""
        assert self.cursor is not None
        return f"{self.cursor.epoch}-{self.cursor.asks}-{ask.first:%Y%m%d%H}-{ask.last:%Y%m%d%H}-{ask.reason}"


@dataclass
class _Listed:
    """What the listing of one event type gives."""

    before: datetime
    digests: dict[datetime, str] = field(default_factory=dict)
    files: int = 0


def discover(
    source: FileSource,
    event_types: Sequence[str],
    cursor: Cursor | None,
    *,
    start: datetime,
    now: datetime,
    settings: DiscoverySettings | None = None,
    marks: Marks | None = None,
) -> Look:
    """Look once.

    Args:
        source: What is listed.
        event_types: Those of the feed.
        cursor: What the last look gave; None for the first.
        start: The first hour of the tables. The first look begins with the day of the first file after it.
        now: The time.
        settings: How far and how much.
        marks: Hours to ask for besides.

    Raises:
        StorageError: The place cannot be listed.
        CurrentsError: There are too many folders to find one's way.
    """
    settings = settings or DiscoverySettings()
    marks = marks or {}
    closed = (now - timedelta(minutes=settings.lag_minutes)).replace(minute=0, second=0, microsecond=0)
    with ThreadPoolExecutor(settings.workers, thread_name_prefix="currents-look") as pool:
        if cursor is None:
            firsts = pool.map(lambda each: source.first_hour(each, start, closed), event_types)
            found = [hour for hour in firsts if hour is not None]
            if not found:
                return Look()
            # Whole days from the beginning: what is made of days needs all their hours.
            begin = max(start, min(found).replace(hour=0))
            cursor = Cursor(begin, epoch=f"{now:%Y%m%d%H%M%S}")
        fresh = TypeCursor(max(start, cursor.since))
        held = {name: _after(start, cursor.types.get(name, fresh)) for name in event_types}
        listings = pool.map(
            lambda each: _list(source, each, held[each], start, closed, settings), event_types
        )
        listed = dict(zip(event_types, listings, strict=True))
    wanted = {name: _wanted(held[name], listed[name], marks.get(name, {}), start) for name in event_types}
    asks = asks_for(wanted, settings.hours_per_run)
    chosen = asks[: settings.runs_per_look]
    asked: dict[str, set[datetime]] = {name: set() for name in event_types}
    for ask in chosen:
        for name in ask.event_types:
            asked[name].update(ask.hours)
    types = {
        name: _moved(held[name], listed[name], asked[name], marks.get(name, {}), settings)
        for name in event_types
    }
    return Look(
        tuple(chosen),
        Cursor(cursor.since, cursor.epoch, cursor.asks + bool(chosen), types),
        files=sum(each.files for each in listed.values()),
        waiting=len(asks) - len(chosen),
        behind=max((max(0, (closed - each.next) // HOUR) for each in types.values()), default=0),
    )


def _after(start: datetime, held: TypeCursor) -> TypeCursor:
    """The tables may begin later than they did when the cursor was made."""
    return TypeCursor(max(start, held.next), held.digests, held.marks)


def _list(
    source: FileSource,
    event_type: str,
    held: TypeCursor,
    start: datetime,
    closed: datetime,
    settings: DiscoverySettings,
) -> _Listed:
    step = settings.hours_per_run * settings.runs_per_look
    listed = _Listed(max(held.next, min(closed, held.next + step * HOUR)))
    floor = max(start, held.next - settings.look_back_hours * HOUR)
    sums: dict[datetime, tuple[int, int]] = {}
    for hour, file in source.since(event_type, floor, listed.before):
        count, total = sums.get(hour, (0, 0))
        # A sum, because the files of several connectors do not come in one order.
        sums[hour] = count + 1, (total + _number(file)) % (1 << 128)
        listed.files += 1
    listed.digests = {hour: _digest(*each) for hour, each in sums.items()}
    return listed


def _number(file: FileRef) -> int:
    text = f"{file.key}\0{file.size}\0{version_of(file)}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "big")


def _digest(count: int, total: int) -> str:
    return hashlib.blake2b(f"{count} {total}".encode(), digest_size=6).hexdigest()


def _wanted(
    held: TypeCursor, listed: _Listed, marks: Mapping[datetime, str], start: datetime
) -> dict[datetime, str]:
    wanted = {}
    for hour in {*held.digests, *listed.digests}:
        digest = listed.digests.get(hour, "")
        if start <= hour < held.next and held.digests.get(hour, "") != digest:
            wanted[hour] = digest
    for hour in hours_between(held.next, listed.before):
        wanted[hour] = listed.digests.get(hour, "")
    for hour, token in marks.items():
        # An hour that was never asked for is asked for in its turn.
        if start <= hour < held.next and held.marks.get(hour) != token:
            wanted[hour] = f"{wanted.get(hour, '')}+{token}"
    return wanted


def _moved(
    held: TypeCursor,
    listed: _Listed,
    asked: set[datetime],
    marks: Mapping[datetime, str],
    settings: DiscoverySettings,
) -> TypeCursor:
    following = held.next
    while following in asked:
        following += HOUR
    # Asks go by the hour, so the look-back moves on only when all its changes were asked for.
    floor = following - settings.look_back_hours * HOUR
    digests = {hour: digest for hour, digest in held.digests.items() if hour not in asked}
    digests.update((hour, digest) for hour, digest in listed.digests.items() if hour in asked)
    return TypeCursor(
        following,
        {hour: digest for hour, digest in digests.items() if floor <= hour},
        {
            hour: token
            for hour, token in marks.items()
            if hour in asked or (hour < held.next and held.marks.get(hour) == token)
        },
    )

"""How far the reading of files is, in the log: those of an hour, or of all hours that a run is asked for."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from braze_assets.currents.listing import CurrentsSource
from braze_assets.currents.spool import SpooledFile

__all__ = ["Progress", "progress_of_range"]

_SECONDS = 5.0
_SLOWEST = 60.0
_OF_WHAT_PASSED = 0.02
_HOUR_BYTES = 2 << 20
"""To list, compare and store an hour takes about as long as to read two megabytes."""


@dataclass
class Progress:
    """Says every five seconds how much is done and left; in a run of hours, once a minute in the end.

    Args:
        log: Where to.
        what: What is read, for instance an event type and its hour.
        files: How many files there are.
        bytes: Their size.
        clock: Seconds that only go up.
        hours: How many hours the files are of.
    """

    log: logging.Logger
    what: str
    files: int
    bytes: int
    clock: Callable[[], float] = time.monotonic
    hours: int = 1
    _said: float = field(init=False, repr=False)
    _began: float = field(init=False, repr=False)
    _done: int = field(init=False, repr=False, default=0)
    _size: int = field(init=False, repr=False, default=0)
    _records: int = field(init=False, repr=False, default=0)
    _hours_done: int = field(init=False, repr=False, default=0)

    def __post_init__(self) -> None:
        self._said = self._began = self.clock()

    def following(self, files: Iterable[SpooledFile], where: str = "") -> Iterator[SpooledFile]:
        """The files, each as it comes, with a line in the log now and then.

        Args:
            files: Those of one hour.
            where: The hour, for the log.
        """
        for file in files:
            yield file
            self._done += 1
            self._size += file.file.size
            self._records += file.records
            self._tell(where)

    def hour_done(self, where: str = "") -> None:
        """An hour is stored."""
        self._hours_done += 1
        self._tell(where)

    def finish(self) -> None:
        """Say what was done in all."""
        elapsed = self.clock() - self._began
        if not self._done:
            return
        rate = self._records / elapsed if elapsed else 0.0
        hours = f" of {self._hours_done:,} hours" if self.hours > 1 else ""
        self.log.info(
            "%s: read %s files%s (%s MB), %s records in %.1f s, %s a second",
            *(self.what, f"{self._done:,}", hours, f"{self._size / 1e6:,.1f}", f"{self._records:,}"),
            *(elapsed, f"{rate:,.0f}"),
        )

    def _tell(self, where: str) -> None:
        now = self.clock()
        elapsed = now - self._began
        pause = max(_SECONDS, min(_SLOWEST, elapsed * _OF_WHAT_PASSED))
        if now - self._said < pause or (self._done >= self.files and self._hours_done >= self.hours - 1):
            return
        self._said = now
        share = self._share()
        of_hours = f", hour {where}: {self._hours_done:,} of {self.hours:,} hours" if self.hours > 1 else ""
        self.log.info(
            "%s: %s of %s files (%.0f %%)%s, %s records, %s a second, about %s left",
            *(self.what, f"{self._done:,}", f"{self.files:,}", 100 * share, of_hours, f"{self._records:,}"),
            *(f"{self._records / elapsed:,.0f}", _time(elapsed / share - elapsed if share else 0.0)),
        )

    def _share(self) -> float:
        """How much of the work is done, of at most all: files that change meanwhile are read twice."""
        if self.hours == 1:
            share = self._size / self.bytes if self.bytes else self._done / self.files
        else:
            done = self._size + self._hours_done * _HOUR_BYTES
            share = done / (self.bytes + self.hours * _HOUR_BYTES)
        return min(1.0, share)


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 300 else f"{seconds / 60:,.0f} min"


def progress_of_range(
    source: CurrentsSource, event_type: str, hours: Sequence[datetime], log: logging.Logger
) -> Progress | None:
    """The progress of a run of several consecutive hours, whose files are counted first; None for one hour.

    Raises:
        StorageError: The place cannot be listed.
    """
    if len(hours) < 2:
        return None
    files = size = 0
    for _, file in source.since(event_type, min(hours), max(hours) + timedelta(hours=1)):
        files += 1
        size += file.size
    log.info("%s: %s files (%s MB) in %s hours", event_type, f"{files:,}", f"{size / 1e6:,.1f}", len(hours))
    return Progress(log, event_type, files, size, hours=len(hours))

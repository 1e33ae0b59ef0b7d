"""How far the reading of an hour's files is, in the log."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from braze_assets.currents.spool import SpooledFile

__all__ = ["Progress"]

_SECONDS = 5.0


@dataclass
class Progress:
    """Says every five seconds how much is done and left.

    Args:
        log: Where to.
        what: What is read, for instance an event type and its hour.
        files: How many files there are.
        bytes: Their size.
        clock: Seconds that only go up.
    """

    log: logging.Logger
    what: str
    files: int
    bytes: int
    clock: Callable[[], float] = time.monotonic
    _said: float = field(init=False, repr=False)
    _began: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._said = self._began = self.clock()

    def following(self, files: Iterable[SpooledFile]) -> Iterator[SpooledFile]:
        """The files, each as it comes, with a line in the log now and then."""
        done = size = records = 0
        for file in files:
            yield file
            done += 1
            size += file.file.size
            records += file.records
            now = self.clock()
            if now - self._said >= _SECONDS and done < self.files:
                self._say(now - self._began, done, size, records)
                self._said = now
        elapsed = self.clock() - self._began
        if done:
            rate = records / elapsed if elapsed else 0.0
            self.log.info(
                "%s: read %s files (%s MB), %s records in %.1f s, %s a second",
                *(self.what, f"{done:,}", f"{size / 1e6:,.1f}", f"{records:,}", elapsed, f"{rate:,.0f}"),
            )

    def _say(self, elapsed: float, done: int, size: int, records: int) -> None:
        share = size / self.bytes if self.bytes else done / self.files
        self.log.info(
            "%s: %s of %s files (%.0f %%), %s records, %s a second, about %.0f s left",
            *(self.what, f"{done:,}", f"{self.files:,}", 100 * share, f"{records:,}"),
            *(f"{records / elapsed:,.0f}", elapsed / share - elapsed if share else 0.0),
        )

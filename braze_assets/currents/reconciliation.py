"""The files in the bucket against the files that are loaded: no difference, or each one named."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from braze_assets.currents.asks import hours_between
from braze_assets.currents.listing import CurrentsSource
from braze_assets.currents.manifest import Manifest
from braze_assets.currents.paths import hour_name

__all__ = ["COLUMNS", "SCHEMA", "STATUSES", "Difference", "Reconciliation"]

STATUSES = ("missing", "changed", "gone", "quarantined")
COLUMNS = {
    "event_type": "Event type.",
    "hour": "The hour of the file.",
    "file": "The key of the file under the source.",
    "status": "missing: in the bucket and not loaded; changed: loaded as it was before; gone: loaded, and no "
    "longer in the bucket; quarantined: loaded as far as it can be read.",
    "detail": "Why it is in quarantine.",
}
SCHEMA = pa.schema(
    [
        ("event_type", pa.string()),
        ("hour", pa.timestamp("s", tz="UTC")),
        ("file", pa.string()),
        ("status", pa.string()),
        ("detail", pa.string()),
    ]
)
_AT_A_TIME = timedelta(hours=24)
_READERS = 16
_EXAMPLES = 20


@dataclass(frozen=True)
class Difference:
    """A file that is not loaded as it is in the bucket, or not whole."""

    event_type: str
    hour: datetime
    file: str
    status: str
    """One of `STATUSES`."""
    detail: str | None = None


@dataclass
class Reconciliation:
    """Compares, a day of an event type at a time, and counts.

    Args:
        source: Where Currents writes.
        manifest: What the table of an event type's hour was made from; None where there is none. Called by
            several threads.
    """

    source: CurrentsSource
    manifest: Callable[[str, datetime], Manifest | None]
    files: int = 0
    """Files in the bucket."""
    loaded: int = 0
    """Of those, the ones that are loaded as they are."""
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    hours: set[tuple[str, datetime]] = field(default_factory=set)
    """Event types and hours that loading again would change."""
    examples: list[Difference] = field(default_factory=list)
    """The first differences."""

    def differences(
        self, event_types: Sequence[str], first: datetime, before: datetime
    ) -> Iterator[Difference]:
        """The differences, by event type and hour.

        Raises:
            StorageError: The bucket or the storage cannot be read.
        """
        for event_type in event_types:
            start = first
            while start < before:
                end = min(before, start + _AT_A_TIME)
                for difference in self._day(event_type, start, end):
                    self.counts[difference.status] += 1
                    if len(self.examples) < _EXAMPLES:
                        self.examples.append(difference)
                    if difference.status != "quarantined":
                        self.hours.add((event_type, difference.hour))
                    yield difference
                start = end

    def batches(
        self, event_types: Sequence[str], first: datetime, before: datetime
    ) -> Iterator[pa.RecordBatch]:
        """The same as batches of rows.

        Raises:
            StorageError: The bucket or the storage cannot be read.
        """
        rows: list[dict[str, Any]] = []
        for difference in self.differences(event_types, first, before):
            rows.append(vars(difference))
            if len(rows) == 10_000:
                yield pa.RecordBatch.from_pylist(rows, schema=SCHEMA)
                rows = []
        yield pa.RecordBatch.from_pylist(rows, schema=SCHEMA)

    @property
    def off(self) -> int:
        """Files that are not loaded as they are in the bucket."""
        return sum(self.counts[status] for status in ("missing", "changed", "gone"))

    def _day(self, event_type: str, first: datetime, before: datetime) -> Iterator[Difference]:
        listing = self.source.hours(event_type, list(hours_between(first, before)))
        with ThreadPoolExecutor(_READERS, thread_name_prefix="currents-manifests") as pool:
            manifests = list(pool.map(lambda hour: self.manifest(event_type, hour), sorted(listing)))
        for (hour, listed), manifest in zip(sorted(listing.items()), manifests, strict=True):
            self.files += len(listed)
            if manifest is None:
                yield from (Difference(event_type, hour, file.key, "missing") for file in listed)
                continue
            new, gone = manifest.differences(listed)
            old = {file.key for file in gone}
            self.loaded += len(listed) - len(new)
            for ref in new:
                yield Difference(event_type, hour, ref.key, "changed" if ref.key in old else "missing")
            fresh = {ref.key for ref in new}
            for file in gone:
                if file.key not in fresh:
                    yield Difference(event_type, hour, file.key, "gone")
            for file in manifest.files:
                if file.quarantined and file.key not in old:
                    yield Difference(event_type, hour, file.key, "quarantined", file.quarantined)

    def hours_to_ask_for(self, event_type: str) -> list[datetime]:
        """The hours of an event type that loading again would change."""
        return sorted(hour for each, hour in self.hours if each == event_type)

    def shown_hours(self, most: int = 20) -> list[str]:
        """Some of those, in words."""
        return [f"{name} {hour_name(hour)}" for name, hour in sorted(self.hours)[:most]]

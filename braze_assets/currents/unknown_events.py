"""Events of types that are neither documented nor in the feed: kept as JSON, so that nothing is lost."""

import json
import logging
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from braze_assets.currents.columns import ADDED
from braze_assets.currents.events import event_types
from braze_assets.currents.ingest import IngestSettings, id_window, ingest_hour, read_hour
from braze_assets.currents.listing import CurrentsSource
from braze_assets.currents.paths import hour_name
from braze_assets.currents.quarantine import expire, quarantine
from braze_assets.errors import CurrentsError
from braze_assets.storage import Storage, StoredTable

__all__ = ["COLUMNS", "SCHEMA", "UnknownEvents"]

COLUMNS = {
    "event_type": "The event type, as its folder is named.",
    "id": "The event itself.",
    "time": "When it happened (UTC).",
    "record": "The whole event, as JSON text.",
    "file": "The file it came in.",
}
SCHEMA = pa.schema(
    [
        ("event_type", pa.string()),
        ("id", pa.string()),
        ("time", pa.timestamp("us", tz="UTC")),
        ("record", pa.string()),
        ("file", pa.string()),
    ]
)
_ROWS = 1_000
_LOG = logging.getLogger(__name__)


@dataclass
class UnknownEvents:
    """Reads an hour of the event types that nobody asked for.

    A type that cannot be read stops alone: the others are read, and of it the hour keeps what its table has.

    Args:
        source: Where Currents writes.
        storage: Where the ids of hours and the quarantine are kept.
        feed: The event types of the feed.
        settings: How files are read.
        log: Where findings are told.
    """

    source: CurrentsSource
    storage: Storage
    feed: Sequence[str]
    settings: IngestSettings
    log: logging.Logger = _LOG
    counts: dict[str, int] = field(default_factory=dict)
    """Events by type, of the last hour read."""
    failed: dict[tuple[datetime, str], str] = field(default_factory=dict)
    """Why a type of an hour was not read."""

    def unknown(self) -> list[str]:
        """The event types in the bucket that are neither documented nor in the feed.

        Raises:
            StorageError: The bucket cannot be listed.
        """
        return [each for each in self.others() if each not in event_types()]

    def others(self) -> list[str]:
        """The event types in the bucket that are not in the feed, documented or not."""
        return [each for each in self.source.event_types() if each not in self.feed]

    def batches(self, hour: datetime, before: StoredTable, now: datetime) -> Iterator[pa.RecordBatch]:
        """The events of an hour, each once.

        Args:
            hour: The hour.
            before: Its table as it is so far, which may not exist.
            now: When this is.

        Raises:
            StorageError: A place or a file cannot be read.
        """
        self.counts.clear()
        for event_type in self.unknown():
            with tempfile.TemporaryDirectory(prefix="braze-assets-", ignore_cleanup_errors=True) as folder:
                try:
                    batches = self._read(event_type, hour, Path(folder), now)
                except CurrentsError as error:
                    self.failed[hour, event_type] = str(error)
                    self.log.error("%s %s is left as it was: %s", event_type, hour_name(hour), error)
                    batches = _kept(before, event_type)
                for batch in batches:
                    self.counts[event_type] = self.counts.get(event_type, 0) + batch.num_rows
                    yield batch

    def failures(self, hour: datetime) -> dict[str, str]:
        """The types of an hour that were not read, and why."""
        return {event_type: why for (each, event_type), why in self.failed.items() if each == hour}

    def expire(self, now: datetime) -> None:
        """Remove what has been in quarantine long enough.

        Raises:
            StorageError: It cannot be removed.
        """
        for event_type in self.unknown():
            expire(self.storage, event_type, self.settings.quarantine_days, now)

    def _read(self, event_type: str, hour: datetime, folder: Path, now: datetime) -> Iterator[pa.RecordBatch]:
        """The events of one type. What may fail is done at once, what takes room while they are taken."""
        ids = id_window(self.source, event_type, folder, self.settings, self.storage)
        read = read_hour(self.source, event_type, hour, settings=self.settings, log=self.log)
        for row in quarantine(self.storage, event_type, hour, read.files, now):
            self.log.warning("In quarantine: %s: %s", row["file"], row["reason"])
        found = ingest_hour(
            self.source, event_type, hour, read=read, ids=ids, settings=self.settings, now=now
        )
        return (
            _rows(event_type, batch.slice(start, _ROWS))
            for batch in found.reader()
            for start in range(0, batch.num_rows, _ROWS)
        )


def _kept(before: StoredTable, event_type: str) -> Iterator[pa.RecordBatch]:
    if before.exists():
        import pyarrow.dataset as ds

        kept = ds.field("event_type") == event_type
        yield from before.dataset().scanner(columns=SCHEMA.names, filter=kept).to_batches()


def _rows(event_type: str, events: pa.RecordBatch) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(
        [_row(event_type, event) for event in events.to_pylist()], schema=SCHEMA
    )


def _row(event_type: str, event: dict[str, Any]) -> dict[str, Any]:
    record = {name: value for name, value in event.items() if name not in ADDED.names}
    identifier = event.get("id")
    return {
        "event_type": event_type,
        "id": None if identifier is None else str(identifier),
        "time": event["event_time"],
        "record": json.dumps(record, default=str, ensure_ascii=False, separators=(",", ":")),
        "file": event["_file"],
    }

"""Events of types that are neither documented nor in the feed: kept as JSON, so that nothing is lost."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from braze_assets.currents.columns import ADDED
from braze_assets.currents.events import event_types
from braze_assets.currents.ingest import IngestSettings, id_window, ingest_hour
from braze_assets.currents.listing import CurrentsSource
from braze_assets.storage import Storage

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


@dataclass
class UnknownEvents:
    """Reads an hour of the event types that nobody asked for.

    Args:
        source: Where Currents writes.
        storage: Where the ids of hours are kept.
        feed: The event types of the feed.
        settings: How files are read.
    """

    source: CurrentsSource
    storage: Storage
    feed: Sequence[str]
    settings: IngestSettings
    counts: dict[str, int] = field(default_factory=dict)
    """Events by type."""

    def unknown(self) -> list[str]:
        """The event types in the bucket that are neither documented nor in the feed.

        Raises:
            StorageError: The bucket cannot be listed.
        """
        return [each for each in self.others() if each not in event_types()]

    def others(self) -> list[str]:
        """The event types in the bucket that are not in the feed, documented or not."""
        return [each for each in self.source.event_types() if each not in self.feed]

    def batches(self, hour: datetime) -> Iterator[pa.RecordBatch]:
        """The events of an hour, each once.

        Raises:
            CurrentsError: Too many files of a type cannot be read.
            StorageError: A place or a file cannot be read.
        """
        for event_type in self.unknown():
            with tempfile.TemporaryDirectory(prefix="braze-assets-", ignore_cleanup_errors=True) as folder:
                ids = id_window(self.source, event_type, Path(folder), self.settings, self.storage)
                found = ingest_hour(self.source, event_type, hour, ids=ids, settings=self.settings)
                for batch in found.reader():
                    for start in range(0, batch.num_rows, _ROWS):
                        yield self._rows(event_type, batch.slice(start, _ROWS))

    def _rows(self, event_type: str, events: pa.RecordBatch) -> pa.RecordBatch:
        self.counts[event_type] = self.counts.get(event_type, 0) + events.num_rows
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

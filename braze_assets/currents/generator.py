"""Writes made-up Currents files, as Braze lays them out: for the demo, the tests and the benchmarks.

The email event types are filled with events that hang together (`timeline.py`), profile updates with changes
of language. Duplicates come within an
hour and from the hour before, as at-least-once delivery gives them.
"""

import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from braze_assets.currents.events import EMAIL_EVENT_TYPES, EventField, avro_schema
from braze_assets.currents.paths import CurrentsKey, Layout, build_key, hour_name
from braze_assets.currents.timeline import Timeline
from braze_assets.storage import atomic_writer, open_path

__all__ = ["EXTRA_FIELD", "GeneratorSettings", "WrittenFile", "write_hours"]

EXTRA_FIELD = EventField("inbox_placement", "string", False)
"""A field no documentation knows, as a new Currents version would add one."""


@dataclass(frozen=True, kw_only=True)
class GeneratorSettings:
    """What is written."""

    external_ids: Sequence[str] = field(repr=False)
    """Whose events."""
    seed: int = 7
    sends_per_hour: int = 400
    event_types: Sequence[str] = EMAIL_EVENT_TYPES
    files_per_hour: int = 2
    duplicate_share: float = 0.01
    """Share of the events that come again in the same hour, and as many again in the next."""
    layout: Layout = "version"
    version: int = 10
    codec: Literal["null", "deflate", "snappy"] = "null"
    cluster: str = "prod-01"
    integration_id: str = "69cadaaed2d51b7c75b1a3e5"
    extra_field_from: datetime | None = None
    """From this hour on the last file of every hour has one field more."""
    given: Mapping[tuple[str, datetime], Sequence[dict[str, Any]]] = field(default_factory=dict, repr=False)
    """Events that are written as they are, by type and hour, beside those that are drawn."""
    truncated: frozenset[tuple[str, datetime]] = frozenset()
    """Event types and hours whose last file is cut short."""

    @property
    def integration(self) -> str:
        """The folder of the connector."""
        cluster = "" if self.layout == "2017" else f"{self.cluster}."
        return f"dataexport.{cluster}S3.integration.{self.integration_id}"


@dataclass(frozen=True)
class WrittenFile:
    """A file that was written, and how many records went into it before it was cut."""

    uri: str
    event_type: str
    hour: datetime
    records: int
    truncated: bool


def write_hours(url: str, settings: GeneratorSettings, hours: Iterable[datetime]) -> list[WrittenFile]:
    """Write the files of some hours. The same settings always write the same bytes.

    Args:
        url: A folder or `s3://bucket/prefix`; the connector's folder is made in it.
        settings: What is written.
        hours: Whole hours, UTC.

    Raises:
        StorageError: The place cannot be written.
        CurrentsError: A time is not a whole hour.
    """
    timeline = Timeline(settings.seed, settings.external_ids, settings.sends_per_hour)
    written = []
    for hour in hours:
        for event_type in settings.event_types:
            batches = _batches(timeline, settings, event_type, hour)
            for number, events in enumerate(batches):
                if events:
                    last = number == len(batches) - 1
                    written.append(_write(url, settings, event_type, hour, number, last, events))
    return written


def _batches(
    timeline: Timeline, settings: GeneratorSettings, event_type: str, hour: datetime
) -> list[list[dict[str, Any]]]:
    """The events of each file, duplicates included: those of the hour go to another file."""
    count = settings.files_per_hour
    batches: list[list[dict[str, Any]]] = [[] for _ in range(count)]
    drawn = [*timeline.events(event_type, hour), *settings.given.get((event_type, hour), ())]
    for place, event in enumerate(drawn):
        batches[place % count].append(event)
        if _repeated(event, settings.duplicate_share, "again"):
            batches[(place + 1) % count].append(event)
    for place, event in enumerate(timeline.events(event_type, hour - timedelta(hours=1))):
        if _repeated(event, settings.duplicate_share, "next hour"):
            batches[place % count].append(event)
    return batches


def _repeated(event: dict[str, Any], share: float, reason: str) -> bool:
    draw = int.from_bytes(hashlib.sha256(f"{reason}/{event['id']}".encode()).digest()[:4], "big")
    return draw < share * 2**32


def _write(
    url: str,
    settings: GeneratorSettings,
    event_type: str,
    hour: datetime,
    number: int,
    last: bool,
    events: list[dict[str, Any]],
) -> WrittenFile:
    import fastavro

    extra: tuple[EventField, ...] = ()
    if last and settings.extra_field_from is not None and hour >= settings.extra_field_from:
        extra = (EXTRA_FIELD,)
        events = [{**event, EXTRA_FIELD.name: "inbox"} for event in events]
    key = build_key(
        CurrentsKey(
            event_type=event_type,
            hour=hour,
            layout=settings.layout,
            integration=settings.integration,
            version=settings.version,
            environment="us-01",
            partition=number,
            offset=int(hour.timestamp()) // 3600 * 1000,
        )
    )
    buffer = io.BytesIO()
    sync = hashlib.sha256(f"{settings.seed}/{hour_name(hour)}/{key}".encode()).digest()[:16]
    schema = fastavro.parse_schema(avro_schema(event_type, extra))
    fastavro.writer(buffer, schema, events, codec=settings.codec, sync_marker=sync)
    data = buffer.getvalue()
    truncated = last and (event_type, hour) in settings.truncated
    uri = f"{url.rstrip('/')}/{key}"
    with atomic_writer(open_path(uri)) as sink:
        sink.write(data[: len(data) * 3 // 5] if truncated else data)
    return WrittenFile(uri, event_type, hour, len(events), truncated)

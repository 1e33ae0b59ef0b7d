"""The files of one event type and hour as one table, every event once."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from braze_assets.currents.avro_types import conform, unify
from braze_assets.currents.columns import ADDED, documented_schema, event_time
from braze_assets.currents.duplicates import Duplicates, find_duplicates
from braze_assets.currents.listing import CurrentsSource
from braze_assets.currents.paths import hour_name, parse_key, window
from braze_assets.currents.report import IngestReport
from braze_assets.currents.spool import SpooledFile, leave_out, spool_files
from braze_assets.errors import CurrentsError
from braze_assets.storage import EngineSettings, StoredTable

__all__ = ["IngestSettings", "IngestedHour", "ingest_hour"]


@dataclass(frozen=True, kw_only=True)
class IngestSettings:
    """How an hour is read."""

    window_hours: int = 2
    """Earlier hours in which a duplicate is looked for."""
    error_threshold: float = 0.1
    """Share of an hour's files that may be unreadable. One file is always allowed unless this is 0."""
    workers: int = 4
    """Files read and decoded at a time."""
    temp_directory: str | None = None
    engine: EngineSettings | None = None
    """What DuckDB may take when it looks for duplicates; from the environment when None."""


class IngestedHour:
    """One event type and hour, decoded; the events wait on disk until they are read.

    Columns: the documented fields, then the unknown ones, then `event_time` (from `time`, UTC) and `_file`
    (the key of the file under the source).
    """

    def __init__(
        self,
        folder: "tempfile.TemporaryDirectory[str]",
        files: Sequence[SpooledFile],
        schema: pa.Schema,
        gone: npt.NDArray[np.int64],
        report: IngestReport,
    ) -> None:
        self._folder = folder
        self._files = files
        self._gone = gone
        self._fields = schema
        self.report = report
        self.schema = pa.schema([*schema, *ADDED])

    def reader(self) -> pa.RecordBatchReader:
        """The events, a file at a time. May be called again."""
        return pa.RecordBatchReader.from_batches(self.schema, self._batches())

    def table(self) -> pa.Table:
        """All events at once, for hours known to be small."""
        return self.reader().read_all()

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for start, file in _numbered(self._files):
            events = conform(leave_out(file.table(), start, self._gone), self._fields)
            events = events.append_column(ADDED.field("event_time"), event_time(events))
            keys = pa.repeat(pa.scalar(file.file.key), events.num_rows)
            yield from events.append_column(ADDED.field("_file"), keys).to_batches()


def ingest_hour(
    source: CurrentsSource,
    event_type: str,
    hour: datetime,
    *,
    earlier: Mapping[datetime, StoredTable] | None = None,
    settings: IngestSettings | None = None,
) -> IngestedHour:
    """Read the files of one event type and hour, every event once.

    The hour is read whole each time, so a run after a late file gives what one run at the end would have.
    Only earlier hours are asked for duplicates, so that running one again never loses an event to a later
    one; when an earlier hour has changed, run the hours of the window behind it again. An hour without files
    is an empty table with the documented columns.

    Args:
        source: Where Currents writes.
        event_type: Any event type, documented or not.
        hour: The hour Braze queued the events in.
        earlier: Tables of earlier hours as made from this function's output. Those outside the window and
            those not yet made are passed over.
        settings: How it is read.

    Raises:
        CurrentsError: More files are unreadable than the threshold allows, or all of them. Nothing should be
            replaced then.
        StorageError: A place or a file cannot be read.
    """
    settings = settings or IngestSettings()
    files = source.files(event_type, hour)
    tables = earlier or {}
    asked = [tables[other] for other in window(hour, settings.window_hours) if other in tables]
    folder = tempfile.TemporaryDirectory(
        prefix="braze-assets-", dir=settings.temp_directory, ignore_cleanup_errors=True
    )
    spooled = list(spool_files(source, files, Path(folder.name), workers=settings.workers))
    _check(event_type, hour, spooled, settings.error_threshold)
    documented = documented_schema(event_type)
    schema = unify([documented, *(file.schema for file in spooled)])
    known = [table for table in asked if table.exists()]
    duplicates = find_duplicates([file.ids for file in spooled], known, settings=settings.engine)
    report = _report(event_type, hour, spooled, duplicates, documented)
    return IngestedHour(folder, spooled, schema, duplicates.positions, report)


def _numbered(files: Sequence[SpooledFile]) -> Iterator[tuple[int, SpooledFile]]:
    start = 0
    for file in files:
        yield start, file
        start += file.records


def _check(event_type: str, hour: datetime, files: Sequence[SpooledFile], threshold: float) -> None:
    bad = [file.quarantined for file in files if file.quarantined]
    allowed = max(1, int(threshold * len(files))) if threshold else 0
    unreadable = bool(files) and threshold < 1 and all(file.path is None for file in files)
    if len(bad) <= allowed and not unreadable:
        return
    shown = "; ".join(f"{file.uri}: {file.reason}" for file in bad[:3])
    raise CurrentsError(
        f"{len(bad)} of {len(files)} files of {event_type} in the hour {hour_name(hour)} cannot be read whole"
        f" (allowed: {0 if unreadable else allowed}). Nothing was replaced.",
        place=shown + (f"; and {len(bad) - 3} more" if len(bad) > 3 else ""),
        remedy="Copy the files again or take them away, then run the hour again; or raise the threshold.",
    )


def _report(
    event_type: str,
    hour: datetime,
    files: Sequence[SpooledFile],
    duplicates: Duplicates,
    documented: pa.Schema,
) -> IngestReport:
    seen = unify(file.schema for file in files)
    keys = [parse_key(file.file.key) for file in files]
    records = sum(file.records for file in files)
    first, last = _span(files, duplicates.positions)
    return IngestReport(
        event_type=event_type,
        hour=hour,
        files=len(files),
        bytes=sum(file.file.size for file in files),
        records=records,
        rows=records - len(duplicates.positions),
        duplicates_in_hour=duplicates.in_hour,
        duplicates_of_earlier_hours=duplicates.of_earlier_hours,
        without_id=sum(file.ids.null_count for file in files),
        quarantined=tuple(file.quarantined for file in files if file.quarantined),
        slow_files=sum(file.slow for file in files),
        unknown_fields=tuple(name for name in seen.names if name not in documented.names),
        absent_fields=tuple(name for name in documented.names if name not in seen.names) if records else (),
        versions=tuple(sorted({key.version for key in keys if key and key.version is not None})),
        first_event_time=first,
        last_event_time=last,
    )


def _span(
    files: Sequence[SpooledFile], gone: npt.NDArray[np.int64]
) -> tuple[datetime | None, datetime | None]:
    """The earliest and the latest event time of the events that stay."""
    ends: list[datetime] = []
    for start, file in _numbered(files):
        if "time" in file.schema.names:
            span = pc.min_max(event_time(leave_out(file.table().select(["time"]), start, gone))).as_py()
            ends += [end for end in span.values() if end is not None]
    return (min(ends), max(ends)) if ends else (None, None)

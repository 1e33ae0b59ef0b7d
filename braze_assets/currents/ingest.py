"""The files of one event type and hour as one table, every event once."""

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

import numpy as np

from braze_assets.currents.columns import documented_schema
from braze_assets.currents.counting import report_of
from braze_assets.currents.duplicates import Duplicates, find_duplicates
from braze_assets.currents.evolution import Held, table_schema
from braze_assets.currents.groups import grouped
from braze_assets.currents.hour import IngestedHour, ReadHour
from braze_assets.currents.in_order import in_order
from braze_assets.currents.listing import CurrentsSource, FileRef
from braze_assets.currents.paths import hour_name, window
from braze_assets.currents.progress import Progress
from braze_assets.currents.refusals import refuse_incompatible, refuse_unreadable
from braze_assets.currents.spool import Reading, read_ids, spool_files
from braze_assets.currents.uuids import SplitIds, split_ids
from braze_assets.currents.window import IdWindow
from braze_assets.storage import EngineSettings, Storage

__all__ = ["IngestSettings", "IngestedHour", "ReadHour", "id_window", "ingest_hour", "read_hour"]

_MEMORY = "600MB"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class IngestSettings(Reading):
    """How an hour is read."""

    window_hours: int = 24
    """Earlier hours in whose files a duplicate is looked for."""
    error_threshold: float = 0.1
    """Share of an hour's files that may be unreadable. One file is always allowed unless this is 0."""
    accept_type_changes: tuple[str, ...] = ()
    """Fields that are text from now on, because their type has changed for good."""
    quarantine_days: int = 30
    """How long files are kept in quarantine."""
    empty_when_files_are_gone: bool = False
    """Whether an hour that was loaded is emptied when the bucket has none of its files any more."""
    temp_directory: str | None = None
    engine: EngineSettings | None = None
    """What DuckDB may take when it looks for duplicates; from the environment when None."""

    @property
    def deduplicating(self) -> EngineSettings:
        """What DuckDB may take: 600 MB unless somebody says otherwise; the ids of larger hours spill."""
        return self.engine or EngineSettings.from_environment(_MEMORY)


def read_hour(
    source: CurrentsSource,
    event_type: str,
    hour: datetime,
    *,
    listing: Mapping[datetime, Sequence[FileRef]] | None = None,
    settings: IngestSettings,
    log: logging.Logger = _LOG,
    progress: Progress | None = None,
) -> ReadHour:
    """Decode the files of an hour.

    Args:
        source: Where Currents writes.
        event_type: The event type.
        hour: The hour.
        listing: The files of the hour and of its window; listed when None.
        settings: How it is read.
        log: Where progress is told.
        progress: That of the run which reads this hour among others; of the hour alone when None.

    Raises:
        StorageError: A place or a file cannot be read.
    """
    if listing is None:
        listing = source.hours(event_type, [hour, *window(hour, settings.window_hours)])
    files = listing[hour]
    folder = tempfile.TemporaryDirectory(
        prefix="braze-assets-", dir=settings.temp_directory, ignore_cleanup_errors=True
    )
    name, size = hour_name(hour), sum(file.size for file in files)
    told = progress or Progress(log, f"{event_type} {name}", len(files), size)
    spooled = list(told.following(spool_files(source, files, Path(folder.name), settings), name))
    if progress is None:
        told.finish()
    return ReadHour(event_type, hour, folder, listing, spooled)


def ingest_hour(
    source: CurrentsSource,
    event_type: str,
    hour: datetime,
    *,
    read: ReadHour | None = None,
    ids: IdWindow | None = None,
    held: Held | None = None,
    settings: IngestSettings | None = None,
    now: datetime | None = None,
) -> IngestedHour:
    """Read the files of one event type and hour, every event once.

    The hour is read whole each time, and searched for duplicates in the files of the hours before it, not in
    their tables: so the result depends on the files in the bucket alone, and not on which hours were run
    before. An hour without files is an empty table with the documented columns.

    Args:
        source: Where Currents writes.
        event_type: Any event type, documented or not.
        hour: The hour Braze queued the events in.
        read: Its files as `read_hour` gives them; they are read when None.
        ids: The ids of other hours as far as they are known; read from their files when None.
        held: What the table of other hours holds, so that a field whose type has changed is found.
        settings: How it is read.
        now: When this is, to tell times of the future.

    Raises:
        CurrentsError: More files are unreadable than the threshold allows, or all of them; or a field has
            changed its type. Nothing should be replaced then.
        StorageError: A place or a file cannot be read.
    """
    settings = settings or IngestSettings()
    held = held or Held()
    read = read or read_hour(source, event_type, hour, settings=settings)
    ids = ids or id_window(source, event_type, Path(read.folder.name, "ids"), settings)
    refuse_unreadable(event_type, hour, read.files, settings.error_threshold)
    text = (*settings.accept_type_changes, *settings.fields.hash)  # A hash is text, whatever was before.
    refuse_incompatible(event_type, hour, read.files, held, text)
    documented = documented_schema(event_type)
    schema = table_schema(documented, (file.schema for file in read.files), held, text)
    duplicates = _duplicates(read, ids, settings)
    now = now or datetime.now(timezone.utc)
    report = report_of(read, duplicates, documented, schema, settings.accept_type_changes, now)
    return IngestedHour(read, schema, duplicates.positions, report)


def id_window(
    source: CurrentsSource,
    event_type: str,
    folder: Path,
    settings: IngestSettings,
    storage: Storage | None = None,
) -> IdWindow:
    """The ids of an event type's hours, read from the bucket as these settings say."""

    def read(files: Sequence[FileRef]) -> "partial[Iterator[SplitIds]]":
        return partial(read_ids, source, files, settings)

    return IdWindow(event_type, folder, read, str(settings.decoding), storage, settings.deduplicating)


def _duplicates(read: ReadHour, ids: IdWindow, settings: IngestSettings) -> Duplicates:
    files = read.listing[read.hour]
    if not files:
        return Duplicates(np.empty(0, dtype=np.int64), 0, 0)

    def own() -> Iterator[SplitIds]:
        return in_order(lambda group: split_ids(group.ids()), grouped(read.files), settings.busy)

    earlier = ids.files(read.earlier)
    found = find_duplicates(
        own,
        earlier,
        keep=ids.own(read.hour),
        document=ids.document(files),
        settings=settings.deduplicating,
        workers=settings.busy,
    )
    ids.publish(read.hour, files)
    return found

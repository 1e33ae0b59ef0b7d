"""The run of an hour: read, made, kept, and what follows from it for other hours."""

import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from braze_assets.currents import refill
from braze_assets.currents.concerned import concerned_hours
from braze_assets.currents.evolution import Held
from braze_assets.currents.ingest import IngestedHour, IngestSettings, id_window, ingest_hour, read_hour
from braze_assets.currents.listing import CurrentsSource, FileRef
from braze_assets.currents.manifest import LoadedFile, Manifest, fingerprint, loaded, version_of
from braze_assets.currents.paths import hour_name, window
from braze_assets.currents.progress import Progress
from braze_assets.currents.quarantine import expire, quarantine
from braze_assets.currents.refusals import refuse_gone
from braze_assets.currents.report import IngestReport
from braze_assets.currents.schemas import note, read_notes
from braze_assets.currents.window import IdWindow
from braze_assets.errors import StorageError
from braze_assets.storage import Storage, StoredTable

__all__ = ["FilledHour", "Filling"]

_ATTEMPTS = 3
_HISTORY = 100
_KEEP_IDS = timedelta(days=30)
_LOG = logging.getLogger(__name__)

Listing = Mapping[datetime, Sequence[FileRef]]


@dataclass
class FilledHour:
    """An hour as it goes into its table."""

    ingested: IngestedHour
    manifest: Manifest
    report: IngestReport
    stored_rows: int | None = None
    """Rows of the table once it is stored."""

    def documents(self) -> dict[str, dict[str, Any]]:
        """What is kept in the table's own metadata."""
        return self.manifest.document()


@dataclass
class Filling:
    """Fills hours of one event type, in one run.

    Args:
        source: Where Currents writes.
        storage: Where tables and what belongs to them are kept.
        event_type: The event type.
        table: The table of an hour.
        settings: How it is read.
        clock: The time.
        log: Where progress and findings are told.
        progress: That of all hours of the run; each hour tells its own when None.
    """

    source: CurrentsSource
    storage: Storage
    event_type: str
    table: Callable[[datetime], StoredTable]
    settings: IngestSettings
    clock: Callable[[], datetime]
    log: logging.Logger = _LOG
    progress: Progress | None = None
    _folder: "tempfile.TemporaryDirectory[str]" = field(init=False, repr=False)
    _ids: IdWindow = field(init=False, repr=False)
    _held: Held = field(init=False, repr=False)
    _ahead: Listing = field(init=False, repr=False, default_factory=dict)
    """What was listed after the last hour, for the one that follows it."""

    def __post_init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(
            prefix="braze-assets-", dir=self.settings.temp_directory, ignore_cleanup_errors=True
        )
        folder = Path(self._folder.name)
        self._ids = id_window(self.source, self.event_type, folder, self.settings, self.storage)
        self._held = read_notes(self.storage, self.event_type)

    @contextmanager
    def hour(self, hour: datetime) -> Iterator[FilledHour]:
        """Fill one hour; the table is to be stored within the block.

        Before that the later hours that this one concerns are marked, so that a crash in between leaves a
        mark too many rather than one too few. Afterwards the bucket is listed again: what has come in the
        meantime may not have been seen by anybody, so it marks this hour.

        Raises:
            CurrentsError: The hour must not be replaced.
            StorageError: A place or a file cannot be read.
        """
        seen = refill.tokens(self.storage, self.event_type, hour)
        listing = self._listed_ahead(hour) or self._listing(hour)
        before = loaded(self.table(hour))
        if not listing[hour] and before and before.files and not self.settings.empty_when_files_are_gone:
            refill.clear(self.storage, self.event_type, hour, seen)
            raise refuse_gone(self.event_type, hour, len(before.files))
        filled, listing = self._made(hour, listing, before)
        marks = self._concerned(filled, before)
        refill.mark(self.storage, self.event_type, marks)
        if marks:
            self.log.info("%s: %s later hours to make again", hour_name(hour), len(marks))
        yield filled
        filled.stored_rows = self.table(hour).num_rows
        files = ((file.file.key, file.schema) for file in filled.ingested.read.files)
        note(self.storage, self.event_type, self._held, files)
        # Not by what is remembered of the folders: a new one may have come. With the next hour, as that may
        # be what this run makes next.
        source = CurrentsSource(self.source.url, self.source.client)
        following = hour + timedelta(hours=1)
        again = source.hours(self.event_type, [following, *listing])
        self._ahead = again
        if any(fingerprint(again[each]) != fingerprint(listing[each]) for each in listing):
            refill.mark(self.storage, self.event_type, [hour])
        refill.clear(self.storage, self.event_type, hour, seen)

    def expire(self) -> None:
        """Remove what has been in quarantine long enough, and ids that are hardly asked for any more.

        Raises:
            StorageError: It cannot be removed.
        """
        now = self.clock()
        expire(self.storage, self.event_type, self.settings.quarantine_days, now)
        self._ids.expire(now - _KEEP_IDS)

    def _listing(self, hour: datetime) -> Listing:
        return self.source.hours(self.event_type, [hour, *window(hour, self.settings.window_hours)])

    def _listed_ahead(self, hour: datetime) -> Listing | None:
        ahead, self._ahead = self._ahead, {}
        hours = [hour, *window(hour, self.settings.window_hours)]
        return {each: ahead[each] for each in hours} if ahead.keys() >= set(hours) else None

    def _made(self, hour: datetime, listing: Listing, before: Manifest | None) -> tuple[FilledHour, Listing]:
        """The hour; made anew where a file vanished between listing and reading."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._make(hour, listing, before), listing
            except StorageError:
                again = self._listing(hour)
                if again == listing:
                    raise
                self.log.warning("The files of %s changed while they were read; again", hour_name(hour))
                listing = again
        return self._make(hour, listing, before), listing

    def _make(self, hour: datetime, listing: Listing, before: Manifest | None) -> FilledHour:
        read = read_hour(
            self.source,
            self.event_type,
            hour,
            listing=listing,
            settings=self.settings,
            log=self.log,
            progress=self.progress,
        )
        for row in quarantine(self.storage, self.event_type, hour, read.files, self.clock()):
            self.log.warning("In quarantine: %s: %s", row["file"], row["reason"])
        ingested = ingest_hour(
            self.source,
            self.event_type,
            hour,
            read=read,
            ids=self._ids,
            held=self._held,
            settings=self.settings,
            now=self.clock(),
        )
        return self._filled(ingested, before)

    def _filled(self, ingested: IngestedHour, before: Manifest | None) -> FilledHour:
        read, report, now = ingested.read, ingested.report, self.clock()
        listed = read.listing[read.hour]
        new, gone = before.differences(listed) if before else (list(listed), [])
        known = {file.key: file for file in before.files} if before else {}
        fresh = {file.key for file in new}
        more = before is not None and not gone and 0 < len(before.history) < _HISTORY
        history = before.history if before and more else ()
        if not history or history[-1] != fingerprint(listed):
            history = (*history, fingerprint(listed))
        files = []
        for file in read.files:
            ref, old = file.file, known.get(file.file.key)
            load = len(history) - 1 if ref.key in fresh else (old.load if old and more else 0)
            files.append(
                LoadedFile(
                    key=ref.key,
                    size=ref.size,
                    version=version_of(ref),
                    modified=ref.last_modified,
                    records=file.records,
                    load=load,
                    late=before is not None and (ref.key in fresh or bool(old and old.late)),
                    quarantined=file.quarantined.reason if file.quarantined else None,
                )
            )
        report = report.with_changes(sum(file.late for file in files), len(gone))
        manifest = Manifest(
            event_type=self.event_type,
            hour=read.hour,
            loaded_at=now,
            first_loaded_at=before.first_loaded_at if before else now,
            files=tuple(files),
            history=history,
            window_hours=self.settings.window_hours,
            against={hour_name(each): fingerprint(refs) for each, refs in read.earlier.items() if refs},
            read=report.records,
            rows=report.rows,
            duplicates_in_hour=report.duplicates_in_hour,
            duplicates_of_earlier_hours=report.duplicates_of_earlier_hours,
        )
        return FilledHour(ingested, manifest, report)

    def _concerned(self, filled: FilledHour, before: Manifest | None) -> list[datetime]:
        hour, now = filled.manifest.hour, self.clock()
        if not filled.manifest.files and not (before and before.files):
            return []
        if before and before.history and before.history[-1] == filled.manifest.history[-1]:
            return []  # The files are those of the last load, which has marked what it concerned.
        later = [hour + timedelta(hours=each) for each in range(1, self.settings.window_hours + 1)]
        tables = {each: self.table(each) for each in later if each <= now}
        return concerned_hours(filled.manifest, filled.ingested.read.files, tables, self._ids)

"""The ids of whole hours, kept beside the tables: what an hour is searched for duplicates in.

An hour's events go when the same id is anywhere in the files of an earlier hour of the window. Reading those
files each time would be 24 times the work, so the distinct ids of an hour are kept in a file of their own,
`currents_ids/<event type>/<hour>.parquet`. It says which files it was made from. It is a cache: where it is
missing, or the bucket has other files by now, the ids are read from those.
"""

import itertools
import operator
import shutil
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from braze_assets.currents.duplicates import DOCUMENT, IdFile, write_ids
from braze_assets.currents.listing import FileRef
from braze_assets.currents.manifest import fingerprint
from braze_assets.currents.paths import hour_name
from braze_assets.currents.uuids import SplitIds
from braze_assets.storage import (
    EngineSettings,
    Storage,
    StoredTable,
    atomic_writer,
    storage_errors,
    written_at,
)

__all__ = ["IdWindow"]

ReadIds = Callable[[Sequence[FileRef]], Callable[[], Iterable[SplitIds]]]
"""Gives the ids of files, one file at a time."""


@dataclass
class IdWindow:
    """The ids of an event type's hours, as local files for as long as a run needs them.

    Args:
        event_type: The event type.
        folder: Where the local files are.
        read: Reads ids from files of the bucket.
        rules: Settings on which it depends which records count; other rules, other ids.
        storage: Where they are kept between runs; nowhere when None.
        engine: How much of the machine DuckDB may take.
    """

    event_type: str
    folder: Path
    read: ReadIds
    rules: str = ""
    storage: Storage | None = None
    engine: EngineSettings | None = None
    _here: dict[str, tuple[str, IdFile]] = field(default_factory=dict, repr=False)
    """The local files by hour, each with the fingerprint of the files it was made from."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    def files(self, hours: Mapping[datetime, Sequence[FileRef]]) -> list[IdFile]:
        """The ids of some hours as local files, of those that have files in the bucket.

        Raises:
            StorageError: The storage or the bucket cannot be read.
        """
        wanted = {hour: files for hour, files in hours.items() if files}
        for name in set(self._here) - {hour_name(hour) for hour in hours}:
            self._local(name).unlink(missing_ok=True)
            del self._here[name]
        marks = {hour: fingerprint(files) for hour, files in wanted.items()}
        away = [hour for hour, mark in marks.items() if not self._holds(hour, mark)]
        if away:
            with ThreadPoolExecutor(8, thread_name_prefix="currents-ids") as pool:
                there = list(pool.map(lambda hour: self._fetch(hour, marks[hour]), away))
            for hour in itertools.compress(away, map(operator.not_, there)):
                files = wanted[hour]
                write_ids(self.read(files), self._local(hour_name(hour)), self.document(files), self.engine)
                self.publish(hour, files)
        return [self._here[hour_name(hour)][1] for hour in wanted]

    def kept(self, hour: datetime, files: str) -> IdFile | None:
        """The ids of one hour as a local file, if they are kept and still those of files of a fingerprint."""
        return self._here[hour_name(hour)][1] if self._fetch(hour, files) else None

    def own(self, hour: datetime) -> Path:
        """Where to write the ids of an hour that is being read; `publish` keeps them."""
        return self._local(hour_name(hour))

    def document(self, files: Sequence[FileRef]) -> dict[str, Any]:
        """What a file of ids says of itself."""
        return self._about(fingerprint(files))

    def _about(self, files: str) -> dict[str, Any]:
        return {"format": 2, "files": files, "rules": self.rules}

    def publish(self, hour: datetime, files: Sequence[FileRef]) -> None:
        """Keep the ids of an hour, just written to their local file, for other runs.

        Raises:
            StorageError: They cannot be written.
        """
        name = hour_name(hour)
        with self._lock:
            self._here[name] = fingerprint(files), IdFile(self._local(name))
        if self.storage is not None:
            with self._local(name).open("rb") as source, atomic_writer(self._path(name)) as sink:
                shutil.copyfileobj(source, sink, 1 << 20)

    def expire(self, before: datetime) -> int:
        """Remove what was kept before a time; give how many hours that were.

        Raises:
            StorageError: They cannot be listed or removed.
        """
        if self.storage is None:
            return 0
        folder, gone = self.storage.path("currents_ids", self.event_type), 0
        with storage_errors(str(folder)):
            found = folder.fs.find(folder.path, detail=True) if folder.exists() else {}
            for name, info in found.items():
                if written_at(info) < before:
                    folder.fs.rm_file(name)
                    gone += 1
        return gone

    def _holds(self, hour: datetime, files: str) -> bool:
        name = hour_name(hour)
        return name in self._here and self._here[name][0] == files

    def _fetch(self, hour: datetime, files: str) -> bool:
        name, wanted = hour_name(hour), self._about(files)
        if self._holds(hour, files):
            return True
        if self.storage is None:
            return False
        place, path = self._local(name), self._path(name)
        with storage_errors(str(path)):
            try:
                with path.open("rb") as source, place.open("wb") as sink:
                    shutil.copyfileobj(source, sink, 1 << 20)
            except FileNotFoundError:
                return False
        if not _says(place, wanted):
            return False
        with self._lock:
            self._here[name] = files, IdFile(place)
        return True

    def _local(self, name: str) -> Path:
        return self.folder / f"{name}.parquet"

    def _path(self, name: str) -> Any:
        assert self.storage is not None
        return self.storage.path("currents_ids", self.event_type, f"{name}.parquet")


def _says(path: Path, document: Mapping[str, Any]) -> bool:
    try:
        pq.read_metadata(path)
    except (pa.ArrowInvalid, OSError):
        return False  # Cut short by a crash of the file system, or not ours: it is made anew.
    return StoredTable.at(path).document(DOCUMENT) == dict(document)

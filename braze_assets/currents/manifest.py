"""What an hour's table was made from, kept in the table itself.

The manifest is a JSON document in the Parquet file's own metadata, so that it appears with the table, whole
or not at all. A file is loaded when it is in the manifest: nothing else says so.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from braze_assets.currents.listing import FileRef
from braze_assets.storage import StoredTable

__all__ = ["DOCUMENT", "LoadedFile", "Manifest", "fingerprint", "loaded", "version_of"]

DOCUMENT = "braze_assets.currents"
"""The key of the manifest in the Parquet metadata."""


class LoadedFile(BaseModel):
    """A file of the hour, as it was when it was read."""

    model_config = ConfigDict(frozen=True)

    key: str
    size: int
    version: str
    """The ETag, or the time of the last change where there is none; see `version_of`."""
    modified: datetime
    records: int
    """Records read from it."""
    load: int = 0
    """Since which of the loads in the manifest's history it is there."""
    late: bool = False
    """Whether it was not there when the hour was loaded first."""
    quarantined: str | None = None
    """Why it could not be read whole."""


class Manifest(BaseModel):
    """The files of one event type and hour that are in its table, and what became of their records."""

    model_config = ConfigDict(frozen=True)

    format: int = 1
    event_type: str
    hour: datetime
    loaded_at: datetime
    first_loaded_at: datetime
    files: tuple[LoadedFile, ...]
    """All files of the hour when it was read, quarantined ones included."""
    history: tuple[str, ...]
    """The fingerprint of the files at each load, while files were only added; the last is this one's."""
    window_hours: int
    """How many earlier hours were searched for duplicates."""
    against: Mapping[str, str]
    """The fingerprints of those that had files, by the hour's name."""
    read: int
    rows: int
    duplicates_in_hour: int
    duplicates_of_earlier_hours: int

    def document(self) -> dict[str, dict[str, Any]]:
        """The manifest as a document for a `TableOutput`."""
        return {DOCUMENT: self.model_dump(mode="json")}

    def differences(self, listed: Iterable[FileRef]) -> tuple[list[FileRef], list[LoadedFile]]:
        """What a listing has that is not loaded, and what is loaded and not listed.

        A file that was rewritten is in both.
        """
        here = {(file.key, file.size, version_of(file)): file for file in listed}
        mine = {(file.key, file.size, file.version): file for file in self.files}
        return [here[each] for each in here if each not in mine], [mine[e] for e in mine if e not in here]


def loaded(table: StoredTable) -> Manifest | None:
    """What the table of an hour was made from; None where there is no table, or one without a manifest.

    One small read of the file's footer. The table of an hour is that of its partition, as the IO manager
    stores it: `loaded(stored_table(storage, event_asset_key(event_type), partitions, name))`.

    Raises:
        StorageError: The storage cannot be read, or the file there is no Parquet file.
    """
    if not table.exists():
        return None
    document = table.document(DOCUMENT)
    try:
        return Manifest.model_validate(document) if document is not None else None
    except ValidationError:
        return None


def version_of(file: FileRef) -> str:
    """What changes when a file is rewritten: its ETag, or the time of its last change."""
    return file.etag or file.last_modified.isoformat()


def fingerprint(files: Sequence[FileRef]) -> str:
    """The same for the same files, another for any other files; of no files it is empty."""
    if not files:
        return ""
    lines = sorted(f"{file.key}\0{file.size}\0{version_of(file)}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:32]

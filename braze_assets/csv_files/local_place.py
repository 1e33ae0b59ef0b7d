"""A drop folder on this machine."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from braze_assets.csv_files.place import Ending, FileVersion, WhenDone, replaced, takes
from braze_assets.errors import CsvError
from braze_assets.storage import storage_errors

__all__ = ["LocalPlace"]

_PART = 1 << 22


@dataclass(frozen=True)
class LocalPlace:
    """A folder. Files grow there: whether one is whole shows only when it stays the same."""

    url: str
    atomic: bool = False

    def files(self) -> list[FileVersion]:
        """The CSV files directly in the folder, the oldest first; see `Place`."""
        found = []
        with storage_errors(self.url), os.scandir(self.url) as entries:
            for entry in entries:
                if takes(entry.name) and entry.is_file():
                    found.append(_version(Path(entry.path), entry.stat()))
        return sorted(found, key=lambda each: (each.last_modified, each.name))

    def parts(self, file: FileVersion) -> Iterator[bytes]:
        """The content; see `Place`."""
        try:
            with storage_errors(file.uri), open(file.uri, "rb") as source:
                while True:
                    part = source.read(_PART)
                    if _version(Path(file.uri), os.fstat(source.fileno())).tag != file.tag:
                        raise replaced(file.uri)
                    if not part:
                        break
                    yield part
        finally:
            gone = not os.path.exists(file.uri)
        if gone:
            raise replaced(file.uri, gone=True)
        self.check(file)

    def check(self, file: FileVersion) -> None:
        """Raise where the file is gone or another; see `Place`."""
        try:
            now = os.stat(file.uri)
        except FileNotFoundError:
            raise replaced(file.uri, gone=True) from None
        if _version(Path(file.uri), now).tag != file.tag:
            raise replaced(file.uri)

    def end(self, file: FileVersion, ending: Ending, how: WhenDone) -> None:
        """Move the file; see `Place`."""
        if how != "move":
            return
        try:
            self.check(file)
        except CsvError:
            return
        target = Path(self.url, ending, _beside(file))
        with storage_errors(str(target)):
            target.parent.mkdir(exist_ok=True)
            os.replace(file.uri, target)


def _beside(file: FileVersion) -> str:
    """A name under which no other content was moved there."""
    return f"{file.partition}.csv"


def _version(path: Path, found: os.stat_result) -> FileVersion:
    modified = datetime.fromtimestamp(found.st_mtime, timezone.utc)
    # The inode tells a file that was put in another's place within the clock's grain.
    tag = f"{found.st_size}-{found.st_mtime_ns}-{found.st_ino}"
    return FileVersion(path.name, str(path), found.st_size, modified, tag)

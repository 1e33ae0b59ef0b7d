"""Which files belong to one event type and hour.

The folder of the integration is not known beforehand, so the folders are walked down to `event_type=` and
`date=`, whatever stands between; below the hour every file counts. Other event types and hours are not
listed: a bucket may hold years.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from braze_assets.currents.paths import hour_name
from braze_assets.currents.tree import FileRef, S3Client, Tree, open_tree

__all__ = ["CurrentsSource", "FileRef", "S3Client"]

_DEPTH = 4
"""How many unknown folders may stand above or between the event type and the hour."""


@dataclass
class CurrentsSource:
    """A place that Currents writes to.

    Folders above the hours are remembered, so make a new source for every run.

    Args:
        url: A folder or `s3://bucket/prefix`: what was set as the folder of the connector, or any folder
            above it.
        client: A boto3 S3 client; one is made from the `AWS_*` variables when None. Not used for a folder.

    Raises:
        CurrentsError: The URL is empty or has another scheme.
    """

    url: str
    client: S3Client | None = None
    _tree: Tree = field(init=False, repr=False)
    _folders: dict[str, list[str]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._tree = open_tree(self.url, self.client)

    def files(self, event_type: str, hour: datetime) -> list[FileRef]:
        """The files of one event type and hour, ordered by key. None is no error.

        Raises:
            StorageError: The place cannot be listed.
        """
        wanted = {"event_type": event_type, "date": hour_name(hour)}
        return sorted(self._walk("", wanted, _DEPTH), key=lambda file: file.key)

    def hours(self, event_type: str, hours: Sequence[datetime]) -> dict[datetime, list[FileRef]]:
        """The files of several hours of one event type, each ordered by key.

        Raises:
            StorageError: The place cannot be listed.
        """
        return {hour: self.files(event_type, hour) for hour in hours}

    def event_types(self) -> list[str]:
        """The event types that have ever been written, sorted, documented or not.

        Raises:
            StorageError: The place cannot be listed.
        """
        return sorted(set(self._event_types("", _DEPTH)))

    def read(self, file: FileRef) -> bytes:
        """The whole content of a file.

        Raises:
            StorageError: It cannot be read, or is gone.
        """
        return self._tree.read(file)

    def _walk(self, folder: str, wanted: dict[str, str], depth: int) -> Iterator[FileRef]:
        if not wanted:
            yield from self._tree.files(folder)
            return
        # An hour is asked for by name: an event type has 8,760 of them a year.
        if list(wanted) == ["date"]:
            direct = list(self._tree.files(f"{folder}date={wanted['date']}/"))
            if direct or self._tree.starts_with(folder, "date="):
                yield from direct
                return
        for name in self._children(folder):
            key, separator, value = name.partition("=")
            if separator and key in wanted:
                if value == wanted[key]:
                    rest = {other: text for other, text in wanted.items() if other != key}
                    yield from self._walk(f"{folder}{name}/", rest, depth)
            elif depth:
                yield from self._walk(f"{folder}{name}/", wanted, depth - 1)

    def _event_types(self, folder: str, depth: int) -> Iterator[str]:
        for name in self._children(folder):
            key, _, value = name.partition("=")
            if key == "event_type":
                yield value
            elif depth:
                yield from self._event_types(f"{folder}{name}/", depth - 1)

    def _children(self, folder: str) -> list[str]:
        if folder not in self._folders:
            self._folders[folder] = self._tree.folders(folder)
        return self._folders[folder]

"""Which files belong to an event type and to hours.

The folder of the integration is not known beforehand, so the folders are walked down to `event_type=` and
`date=`, in either order, whatever stands between; below the hour every file counts. Hours before the wanted
ones are not listed: a bucket may hold years.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from braze_assets.currents.paths import hour_name
from braze_assets.currents.tree import FileRef, S3Client, Tree, open_tree
from braze_assets.currents.unrouted import Unrouted
from braze_assets.currents.walk import DEPTH, Walk

__all__ = ["CurrentsSource", "FileRef", "S3Client"]


@dataclass
class CurrentsSource:
    """A place that Currents writes to.

    Folders above the hours are remembered, so make a new source for every run. Several threads may use it.

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
    _walk: Walk = field(init=False, repr=False)
    _lock: threading.Lock = field(init=False, repr=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._tree = open_tree(self.url, self.client)
        self._walk = Walk(self._tree)

    def since(
        self, event_type: str, first: datetime, before: datetime | None = None
    ) -> Iterator[tuple[datetime, FileRef]]:
        """The files of one event type from an hour on, each with its hour, in no particular order.

        Args:
            event_type: The event type.
            first: The first hour.
            before: The hour to stop before; none when None.

        Raises:
            StorageError: The place cannot be listed.
            CurrentsError: There are too many folders to find one's way.
        """
        with self._lock:
            homes, dates = self._walk.homes()
        low, high = hour_name(first), hour_name(before) if before else "~"
        for home in homes:
            if home.event_type == event_type:
                yield from self._walk.dated(home.folder, low, high, DEPTH)
        for hour, folder in dates:
            if low <= hour_name(hour) < high:
                for file in self._walk.of_type(folder, event_type, DEPTH):
                    yield hour, file

    def first_hour(self, event_type: str, first: datetime, before: datetime) -> datetime | None:
        """The first hour of an event type that has files, from one hour to before another.

        Raises:
            StorageError: The place cannot be listed.
        """
        with self._lock:
            homes, dates = self._walk.homes()
        low, high = hour_name(first), hour_name(before)
        found = [
            hour
            for home in homes
            if home.event_type == event_type
            for hour, _ in self._walk.dated(home.folder, low, high, DEPTH, only_first=True)
        ]
        for hour, folder in sorted(dates):
            if low <= hour_name(hour) < high and any(self._walk.of_type(folder, event_type, DEPTH)):
                found.append(hour)
                break
        return min(found, default=None)

    def files(self, event_type: str, hour: datetime) -> list[FileRef]:
        """The files of one event type and hour, ordered by key. None is no error.

        Raises:
            StorageError: The place cannot be listed.
        """
        return self.hours(event_type, [hour])[hour]

    def hours(self, event_type: str, hours: Sequence[datetime]) -> dict[datetime, list[FileRef]]:
        """The files of several hours of one event type, each ordered by key.

        Raises:
            StorageError: The place cannot be listed.
        """
        found: dict[datetime, list[FileRef]] = {hour: [] for hour in hours}
        for first, before in _spans(hours):
            for hour, file in self.since(event_type, first, before):
                found[hour].append(file)
        return {hour: sorted(files, key=lambda file: file.key) for hour, files in found.items()}

    def event_types(self) -> list[str]:
        """The event types that have ever been written, sorted, documented or not.

        Raises:
            StorageError: The place cannot be listed.
        """
        with self._lock:
            homes, dates = self._walk.homes()
        found = {home.event_type for home in homes}
        for _, folder in dates:
            found.update(self._walk.types_below(folder, DEPTH))
        return sorted(found)

    def unrouted(self) -> Unrouted:
        """The files met so far that belong to no event type or to no hour."""
        return self._walk.unrouted()

    def look_for_unrouted(self) -> Unrouted:
        """Look through all folders down to the hours for files that belong to nothing, of any age.

        Raises:
            StorageError: The place cannot be listed.
        """
        with self._lock:
            self._walk.look_everywhere()
        return self._walk.unrouted()

    def read(self, file: FileRef) -> bytes:
        """The whole content of a file.

        Raises:
            StorageError: It cannot be read, or is gone.
        """
        return self._tree.read(file)


def _spans(hours: Sequence[datetime]) -> Iterator[tuple[datetime, datetime]]:
    """Hours as spans of consecutive ones."""
    start: datetime | None = None
    last: datetime | None = None
    for hour in sorted(set(hours)):
        if start is None or last is None or hour != last + timedelta(hours=1):
            if start is not None and last is not None:
                yield start, last + timedelta(hours=1)
            start = hour
        last = hour
    if start is not None and last is not None:
        yield start, last + timedelta(hours=1)

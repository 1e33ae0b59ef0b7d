"""Folders and files of a place, a local folder and an S3 prefix alike."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

from braze_assets.errors import CurrentsError, StorageError
from braze_assets.storage import storage_errors

__all__ = ["Children", "FileRef", "S3Client", "Tree", "hidden", "open_tree", "rewritten", "vanished"]


@dataclass(frozen=True)
class FileRef:
    """A file, as a listing tells it."""

    uri: str
    key: str
    """Its path under the source, the same for a folder and for S3."""
    size: int
    last_modified: datetime
    etag: str | None = None
    """S3's ETag without its quotes; None for a folder."""


class S3Client(Protocol):
    """What is used of a boto3 S3 client."""

    def get_paginator(self, operation_name: Any, /) -> Any:
        """A paginator, here of `list_objects_v2`."""

    def get_object(self, *, Bucket: str, Key: str, **options: Any) -> Any:  # noqa: N803
        """An object with its `Body`."""


@dataclass(frozen=True)
class Children:
    """What stands directly in a folder, sorted; hidden names (with a leading dot or underscore) left out."""

    folders: tuple[str, ...]
    files: tuple[str, ...]


class Tree(Protocol):
    """A place with folders. Folders are named under its root and end in a slash; the root is empty."""

    def children(self, folder: str, first: str = "", before: str | None = None) -> Children:
        """What stands in a folder, of the names from `first` on and before `before`."""

    def first_child(self, folder: str) -> str | None:
        """The first name in a folder, of a file or a folder; None where there is nothing."""

    def pages(self, folder: str, first: str = "") -> Iterator[tuple[list[FileRef], bool]]:
        """The files at any depth under a folder, but hidden ones, by the order of their first folder.

        Those whose path under the folder comes before `first` are not listed. They come in parts as the
        place gives them; with each part goes whether it is the last.
        """

    def read(self, file: FileRef) -> bytes:
        """The content of a file."""


def open_tree(url: str, client: S3Client | None = None) -> Tree:
    """The tree at a URL.

    Raises:
        CurrentsError: The URL is empty or has another scheme.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme == "s3" and rest.strip("/"):
        bucket, _, prefix = rest.strip("/").partition("/")
        from braze_assets.currents.s3_tree import S3Tree, new_client

        return S3Tree(bucket, f"{prefix}/" if prefix else "", client or new_client())
    if url.strip() and (not separator or scheme == "file"):
        return _LocalTree(Path(os.path.abspath(os.path.expanduser(url.removeprefix("file://")))))
    raise CurrentsError(
        "The place of the Currents files cannot be understood.",
        place=url or "an empty URL",
        remedy="Give a folder or s3://bucket/prefix.",
    )


def hidden(name: str) -> bool:
    """Whether a name is one of those that are never looked at."""
    return name.startswith((".", "_"))


def vanished(uri: str) -> StorageError:
    """The error of a file that is no longer there when it is read."""
    return StorageError(
        "The file was listed, and is gone.",
        place=uri,
        remedy="Run again: the bucket is listed anew. If that goes on, something takes the files away.",
    )


def rewritten(uri: str) -> StorageError:
    """The error of a file that is another than the listing told of."""
    return StorageError(
        "The file was rewritten between listing and reading.",
        place=uri,
        remedy="Run again: the bucket is listed anew. If that goes on, something rewrites the files.",
    )


@dataclass(frozen=True)
class _LocalTree:
    root: Path

    def children(self, folder: str, first: str = "", before: str | None = None) -> Children:
        found = [
            child
            for child in self._inside(folder)
            if child.name >= first and (before is None or child.name < before)
        ]
        return Children(
            tuple(child.name for child in found if child.is_dir()),
            tuple(child.name for child in found if not child.is_dir()),
        )

    def first_child(self, folder: str) -> str | None:
        return next((child.name for child in self._inside(folder)), None)

    def pages(self, folder: str, first: str = "") -> Iterator[tuple[list[FileRef], bool]]:
        inside = [child for child in self._inside(folder) if child.name >= first]
        for number, child in enumerate(inside, start=1):
            yield [self._file(path) for path in self._below(child)], number == len(inside)

    def _inside(self, folder: str) -> list[os.DirEntry[str]]:
        place = self.root / folder
        with storage_errors(str(place)):
            if folder and not place.is_dir():
                return []
            with os.scandir(place) as entries:
                shown = [entry for entry in entries if not hidden(entry.name)]
        return sorted(shown, key=lambda entry: entry.name)

    def _below(self, child: os.DirEntry[str]) -> Iterator[Path]:
        if not child.is_dir():
            yield Path(child.path)
            return
        with storage_errors(child.path):
            for parent, folders, names in os.walk(child.path):
                folders[:] = [name for name in folders if not hidden(name)]
                yield from (Path(parent, name) for name in names if not hidden(name))

    def _file(self, path: Path) -> FileRef:
        with storage_errors(str(path)):
            found = path.stat()
        modified = datetime.fromtimestamp(found.st_mtime, timezone.utc)
        return FileRef(str(path), path.relative_to(self.root).as_posix(), found.st_size, modified)

    def read(self, file: FileRef) -> bytes:
        try:
            with storage_errors(file.uri):
                data = Path(file.uri).read_bytes()
                now = self._file(Path(file.uri))
        except StorageError as error:
            raise vanished(file.uri) if not os.path.exists(file.uri) else error from error
        if now != file or len(data) != file.size:
            raise rewritten(file.uri)
        return data

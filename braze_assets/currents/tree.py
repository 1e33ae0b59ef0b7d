"""Folders and files of a place, a local folder and an S3 prefix alike."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

from braze_assets.errors import CurrentsError, StorageError
from braze_assets.storage import storage_errors

__all__ = ["FileRef", "S3Client", "Tree", "open_tree"]


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

    def get_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803
        """An object with its `Body`."""


class Tree(Protocol):
    """A place with folders. Folders are named under its root and end in a slash; the root is empty."""

    def folders(self, folder: str) -> list[str]:
        """The names of the folders in a folder, sorted."""

    def files(self, folder: str) -> Iterator[FileRef]:
        """The files at any depth under a folder, but hidden ones. None where there is no such folder."""

    def starts_with(self, folder: str, prefix: str) -> bool:
        """Whether anything in a folder has a name with a prefix."""

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
        return _S3Tree(bucket, f"{prefix}/" if prefix else "", client or _client())
    if url.strip() and (not separator or scheme == "file"):
        return _LocalTree(Path(os.path.abspath(os.path.expanduser(url.removeprefix("file://")))))
    raise CurrentsError(
        "The place of the Currents files cannot be understood.",
        place=url or "an empty URL",
        remedy="Give a folder or s3://bucket/prefix.",
    )


def _client() -> S3Client:
    import boto3

    client: S3Client = boto3.client("s3")
    return client


def _hidden(name: str) -> bool:
    return name.startswith((".", "_"))


@dataclass(frozen=True)
class _LocalTree:
    root: Path

    def folders(self, folder: str) -> list[str]:
        place = self.root / folder
        with storage_errors(str(place)):
            if folder and not place.is_dir():
                return []
            return sorted(
                child.name for child in place.iterdir() if child.is_dir() and not _hidden(child.name)
            )

    def files(self, folder: str) -> Iterator[FileRef]:
        with storage_errors(str(self.root / folder)):
            for parent, folders, names in os.walk(self.root / folder):
                folders[:] = [name for name in folders if not _hidden(name)]
                for name in names:
                    if not _hidden(name):
                        yield self._file(Path(parent, name))

    def _file(self, path: Path) -> FileRef:
        found = path.stat()
        modified = datetime.fromtimestamp(found.st_mtime, timezone.utc)
        return FileRef(str(path), path.relative_to(self.root).as_posix(), found.st_size, modified)

    def starts_with(self, folder: str, prefix: str) -> bool:
        return any(name.startswith(prefix) for name in self.folders(folder))

    def read(self, file: FileRef) -> bytes:
        with storage_errors(file.uri):
            return Path(file.uri).read_bytes()


@dataclass(frozen=True)
class _S3Tree:
    bucket: str
    prefix: str
    client: S3Client

    def _pages(self, folder: str, **options: Any) -> Iterator[Any]:
        place = self.prefix + folder
        with _s3_errors(f"s3://{self.bucket}/{place}"):
            paginator = self.client.get_paginator("list_objects_v2")
            yield from paginator.paginate(Bucket=self.bucket, Prefix=place, **options)

    def folders(self, folder: str) -> list[str]:
        found = [
            common["Prefix"].rstrip("/").rpartition("/")[2]
            for page in self._pages(folder, Delimiter="/")
            for common in page.get("CommonPrefixes", ())
        ]
        return sorted(name for name in found if not _hidden(name))

    def files(self, folder: str) -> Iterator[FileRef]:
        for page in self._pages(folder):
            for item in page.get("Contents", ()):
                key = item["Key"].removeprefix(self.prefix)
                parts = key.removeprefix(folder).split("/")
                if not any(_hidden(part) for part in parts) and parts[-1]:
                    uri = f"s3://{self.bucket}/{item['Key']}"
                    etag = item.get("ETag", "").strip('"') or None
                    yield FileRef(uri, key, item["Size"], item["LastModified"], etag)

    def starts_with(self, folder: str, prefix: str) -> bool:
        return any(
            "Contents" in page for page in self._pages(folder + prefix, PaginationConfig={"MaxItems": 1})
        )

    def read(self, file: FileRef) -> bytes:
        with _s3_errors(file.uri):
            answer = self.client.get_object(Bucket=self.bucket, Key=self.prefix + file.key)
            return bytes(answer["Body"].read())


@contextmanager
def _s3_errors(place: str) -> Iterator[None]:
    try:
        with storage_errors(place):
            yield
    except StorageError as error:
        if "bucket does not exist" not in error.cause:
            raise
        raise StorageError(
            "The bucket of the Currents files does not exist.",
            place=place,
            remedy="Correct the URL of the source, or create the bucket.",
        ) from error
    except Exception as error:
        response = getattr(error, "response", None)
        if not isinstance(response, dict):
            raise
        code = str(response.get("Error", {}).get("Code", "unknown"))
        raise StorageError(
            f"S3 refused to list or read the Currents files: {code}.",
            place=place,
            remedy="Run again if the file was just replaced; else allow s3:ListBucket and s3:GetObject.",
        ) from error

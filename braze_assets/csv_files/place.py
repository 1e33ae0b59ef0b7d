"""A drop folder, local or on S3: its files, each held to the version that was listed."""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from braze_assets.errors import ConfigurationError, CsvError

__all__ = ["Ending", "FileVersion", "Place", "WhenDone", "open_place", "replaced", "takes"]

WhenDone = Literal["keep", "move", "tag"]
"""What becomes of a file in its folder: nothing, it goes to `done/` or `failed/`, or it gets a tag."""
Ending = Literal["done", "failed"]

_UNSAFE = re.compile(r"[^A-Za-z0-9_=-]+")


@dataclass(frozen=True)
class FileVersion:
    """One content of one file."""

    name: str
    """Its name in the folder."""
    uri: str
    size: int
    """In bytes."""
    last_modified: datetime
    tag: str
    """Differs from that of any other content under the same name: S3's ETag, or size and time."""

    @property
    def partition(self) -> str:
        """A readable key of the version, without characters that mean something anywhere."""
        digest = hashlib.sha256(f"{self.name}\0{self.tag}".encode()).hexdigest()[:10]
        readable = _UNSAFE.sub("_", self.name.rpartition(".")[0]).strip("_")[:60] or "file"
        return f"{readable}-{self.last_modified:%Y%m%dT%H%M%S}-{digest}"


class Place(Protocol):
    """A drop folder."""

    @property
    def url(self) -> str:
        """The folder."""

    @property
    def atomic(self) -> bool:
        """Whether a file that is there is there whole."""

    def files(self) -> list[FileVersion]:
        """The CSV files directly in the folder, the oldest first.

        Raises:
            StorageError: The folder cannot be listed.
        """

    def parts(self, file: FileVersion) -> Iterator[bytes]:
        """The content, in parts of a few megabytes.

        Raises:
            CsvError: The file is gone, or holds something else by now.
            StorageError: It cannot be read.
        """

    def check(self, file: FileVersion) -> None:
        """Raise where `parts` would: the file is gone, or holds something else by now."""

    def end(self, file: FileVersion, ending: Ending, how: WhenDone) -> None:
        """Move or tag the file; one that is gone or replaced is left as it is."""


def open_place(url: str) -> Place:
    """The folder at a URL.

    Raises:
        ConfigurationError: The URL has another scheme, or no bucket.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme == "s3" and rest.strip("/"):
        from braze_assets.csv_files.s3_place import S3Place, new_client

        bucket, _, prefix = rest.strip("/").partition("/")
        return S3Place(bucket, f"{prefix}/" if prefix else "", new_client())
    if url.strip() and (not separator or scheme == "file"):
        from braze_assets.csv_files.local_place import LocalPlace

        return LocalPlace(os.path.abspath(os.path.expanduser(url.removeprefix("file://"))))
    raise ConfigurationError(
        "The drop folder cannot be understood.",
        place="url",
        remedy="Give s3://bucket/folder, or a folder of this machine.",
    )


def takes(name: str) -> bool:
    """Whether a file of this name is imported: `.csv`, and not hidden."""
    return name.lower().endswith(".csv") and not name.startswith((".", "_")) and "/" not in name


def replaced(uri: str, *, gone: bool = False) -> CsvError:
    """The error of a file that is not what was listed any more."""
    what = "was taken away" if gone else "was replaced"
    return CsvError(
        f"The file {what} while it was being imported: the import of the old content stops here.",
        place=uri,
        remedy="Nothing is to be done: what is there now is a version of its own, and imported as such.",
    )

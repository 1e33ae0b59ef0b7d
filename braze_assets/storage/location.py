"""One place for everything that is kept: a folder or an S3 prefix, named by one URL."""

import os
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import IO, Any

from upath import UPath

from braze_assets.errors import ConfigurationError, StorageError, StorageUnavailableError

__all__ = ["Storage", "atomic_writer", "open_path", "storage_errors", "storage_failure", "written_at"]

_REMEDIES = {
    "NoSuchBucket": (
        "the bucket does not exist",
        "Create the bucket, or correct BRAZE_ASSETS_STORAGE.",
    ),
    "InvalidAccessKeyId": (
        "S3 does not know the access key",
        "Check AWS_ACCESS_KEY_ID (and AWS_SESSION_TOKEN), or the role this process runs under.",
    ),
    "SignatureDoesNotMatch": (
        "S3 refused the signature: the secret key is wrong",
        "Check AWS_SECRET_ACCESS_KEY and the system clock.",
    ),
    "ExpiredToken": ("the AWS session token has expired", "Renew the credentials."),
}
_THROUGH_ENGINE = "Traceback (most recent call last)"
"""In an error of DuckDB's: what its file system raised in Python."""
_ENGINE = re.compile(r"(Conversion|Invalid Input|Out of Range|Constraint|Mismatch Type|Invalid Type) Error: ")


@dataclass(frozen=True)
class Storage:
    """The root of all tables and ledgers.

    Args:
        url: A folder (`/data/braze`, relative ones are made absolute) or `s3://bucket/prefix`. S3 takes
            its credentials, region and endpoint from the standard `AWS_*` variables.

    Raises:
        ConfigurationError: The URL is empty or has another scheme.
    """

    url: str

    def __post_init__(self) -> None:
        if not self.url.strip():
            raise ConfigurationError(
                "The storage is not set.",
                place="BRAZE_ASSETS_STORAGE",
                remedy="Set it to a folder or to s3://bucket/prefix.",
            )
        scheme, separator, _ = self.url.partition("://")
        if separator and scheme not in ("s3", "file"):
            raise ConfigurationError(
                f"The storage has the unknown scheme {scheme!r}.",
                place="BRAZE_ASSETS_STORAGE",
                remedy="Use a folder or s3://bucket/prefix.",
            )
        _refuse_credentials(self.url, "BRAZE_ASSETS_STORAGE")
        url = self.url.removeprefix("file://")
        if not url.startswith("s3://"):
            url = os.path.abspath(os.path.expanduser(url))
        object.__setattr__(self, "url", url.rstrip("/"))

    @property
    def is_s3(self) -> bool:
        """Whether this is an S3 prefix rather than a folder."""
        return self.url.startswith("s3://")

    def uri(self, *parts: str) -> str:
        """The URL of something under the root."""
        return "/".join((self.url, *parts))

    def path(self, *parts: str) -> UPath:
        """The path of something under the root."""
        return open_path(self.uri(*parts))

    def delta_options(self) -> dict[str, str]:
        """Storage options for delta-rs, which otherwise reads the same `AWS_*` variables."""
        if not self.is_s3:
            return {}
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
        options = {"AWS_ENDPOINT_URL": endpoint} if endpoint else {}
        if endpoint.startswith("http://"):
            options["AWS_ALLOW_HTTP"] = "true"
        return options

    def check(self) -> None:
        """Write and remove a probe.

        Raises:
            StorageError: The place cannot be written; the message says why as far as it can be known.
        """
        probe = self.path(f".probe-{uuid.uuid4().hex}")
        with storage_errors(self.url):
            if not self.is_s3:
                probe.parent.mkdir(parents=True, exist_ok=True)
            probe.write_bytes(b"")
            probe.unlink()


def _refuse_credentials(url: str, place: str) -> None:
    bucket = url.removeprefix("s3://").partition("/")[0]
    if url.startswith("s3://") and re.search("[:@]", bucket):
        raise ConfigurationError(
            "An S3 URL carries credentials; it would be shown wherever it is used.",
            place=place,
            remedy="Take them out. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role.",
        )


def open_path(url: str) -> UPath:
    """A path for a URL or a local path, without cached listings: other runs write here too.

    Raises:
        ConfigurationError: The URL carries credentials.
    """
    _refuse_credentials(url, "the URL of a file or table (not shown here)")
    return UPath(url, use_listings_cache=False) if url.startswith("s3://") else UPath(url)


@contextmanager
def storage_errors(place: str) -> Iterator[None]:
    """Turn what file systems and S3 raise into a `StorageError` that names cause, place and remedy."""
    try:
        yield
    except StorageError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is None and _ENGINE.match(str(error)):
            # A query read through an Arrow stream while its result is stored; it quotes the cell it fails on.
            raise StorageError(
                "The table cannot be made: its query fails on its data.",
                place=place,
                remedy="Use TRY_CAST(...) or TRY(...). The value is not shown: it may be personal data.",
            ) from None
        failure = storage_failure(error, place)
        if failure is None:
            raise
        raise failure from error


def storage_failure(error: BaseException, place: str) -> StorageError | None:
    """The error to raise where a file system or S3 is at fault; None where something else is."""
    known = _explain(error)
    if known is None:
        return None
    cause, remedy = known
    kind = StorageUnavailableError if _of_engine(error) else StorageError
    return kind(f"The storage cannot be used: {cause}.", place=place, remedy=remedy)


def written_at(facts: Mapping[str, Any]) -> datetime:
    """When a file was last written, in UTC, by what a listing says of it."""
    when = facts.get("LastModified")
    return when if isinstance(when, datetime) else datetime.fromtimestamp(float(facts["mtime"]), timezone.utc)


def _of_engine(error: BaseException) -> bool:
    return type(error).__module__.endswith("duckdb")


def _explain(error: BaseException) -> tuple[str, str] | None:
    engine = _of_engine(error)
    if engine and (type(error).__name__ not in ("Error", "IOException") or _THROUGH_ENGINE not in str(error)):
        return None  # It is about the query or its data.
    for link in _chain(error):
        response = getattr(link, "response", None)
        code = str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""
        for name, known in _REMEDIES.items():
            if code == name or name in str(link):
                return known
        kind = type(link).__name__
        if kind in ("NoCredentialsError", "PartialCredentialsError"):
            return (
                "there are no AWS credentials",
                "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role.",
            )
        if kind == "ParamValidationError":
            return ("S3 allows no such bucket or key", "Correct the URL: s3://bucket/path.")
        if kind in ("EndpointConnectionError", "ConnectTimeoutError", "ConnectionRefusedError"):
            return (
                "its endpoint does not answer",
                "Check AWS_ENDPOINT_URL, the region and the network.",
            )
    if engine:
        return ("a file could not be read to its end", "Check the network and the storage, and try again.")
    if isinstance(error, PermissionError):
        return ("permission denied", "Allow this process to list, read and write there.")
    if isinstance(error, OSError) and error.errno == 28:
        return ("the disk is full", "Free some space; nothing was replaced.")
    if isinstance(error, (FileNotFoundError, NotADirectoryError, IsADirectoryError)):
        return (f"{type(error).__name__}: {_first_line(error)}", "Check that the place exists.")
    if isinstance(error, OSError):
        return (f"{type(error).__name__}: {_first_line(error)}", "Check the place and try again.")
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0][:200] if str(error) else "no message"


@contextmanager
def atomic_writer(path: UPath) -> Iterator[IO[bytes]]:
    """Open a file that appears whole or not at all; what was there before stays until then.

    A failed streaming upload to S3 would otherwise publish a shorter Parquet file that reads cleanly.
    """
    with storage_errors(str(path)):
        if path.protocol in ("", "file"):
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
            try:
                with part.open("wb") as sink:
                    yield sink
                part.rename(path)
            finally:
                part.unlink(missing_ok=True)
            return
        sink = path.fs.open(path.path, "wb", autocommit=False)
        try:
            yield sink
            sink.close()
        except BaseException:
            sink.discard()
            raise
        sink.commit()

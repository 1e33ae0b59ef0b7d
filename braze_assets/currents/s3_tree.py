"""A prefix on S3 as folders and files, by as few requests as will do."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from braze_assets.currents.tree import Children, FileRef, S3Client, hidden, rewritten, vanished
from braze_assets.errors import StorageError
from braze_assets.storage import storage_errors

__all__ = ["S3Tree", "new_client"]


def new_client() -> S3Client:
    """A client from the `AWS_*` variables, for several threads."""
    import boto3
    from botocore.config import Config

    client: S3Client = boto3.client("s3", config=Config(max_pool_connections=32))
    return client


@dataclass(frozen=True)
class S3Tree:
    """Keys of a bucket below a prefix, as folders and files."""

    bucket: str
    prefix: str
    client: S3Client

    def _pages(self, folder: str, **options: Any) -> Iterator[Any]:
        place = self.prefix + folder
        with _s3_errors(f"s3://{self.bucket}/{place}"):
            paginator = self.client.get_paginator("list_objects_v2")
            yield from paginator.paginate(Bucket=self.bucket, Prefix=place, **options)

    def children(self, folder: str, first: str = "", before: str | None = None) -> Children:
        """What stands in a folder; see `Tree`."""
        options = {"StartAfter": f"{self.prefix}{folder}{first}"} if first else {}
        folders: list[str] = []
        files: list[str] = []
        for page in self._pages(folder, Delimiter="/", **options):
            folders += (each["Prefix"].rstrip("/").rpartition("/")[2] for each in _of(page, "CommonPrefixes"))
            files += (each["Key"].rpartition("/")[2] for each in _of(page, "Contents"))
            if before is not None and max([*folders[-1:], *files[-1:]], default="") >= before:
                break
        return Children(_shown(folders, before), _shown(files, before))

    def first_child(self, folder: str) -> str | None:
        """The first name in a folder."""
        # Two: the first may be the folder itself, as the S3 console makes it.
        for page in self._pages(folder, Delimiter="/", PaginationConfig={"MaxItems": 2, "PageSize": 2}):
            names = [each["Prefix"].rstrip("/") for each in _of(page, "CommonPrefixes")]
            names += [each["Key"] for each in _of(page, "Contents")]
            found = sorted(name.removeprefix(self.prefix + folder) for name in names)
            if any(found):
                return str(next(filter(None, found)))
        return None

    def pages(self, folder: str, first: str = "") -> Iterator[tuple[list[FileRef], bool]]:
        """The files under a folder, by page of the listing."""
        options = {"StartAfter": f"{self.prefix}{folder}{first}"} if first else {}
        for page in self._pages(folder, **options):
            yield list(self._files(page, folder)), not page.get("IsTruncated")

    def _files(self, page: Any, folder: str) -> Iterator[FileRef]:
        place = self.prefix + folder
        for item in _of(page, "Contents"):
            below = item["Key"][len(place) :]
            if below and not below.endswith("/") and not any(map(hidden, below.split("/"))):
                etag = item.get("ETag", "").strip('"') or None
                uri = f"s3://{self.bucket}/{item['Key']}"
                yield FileRef(uri, folder + below, item["Size"], item["LastModified"], etag)

    def read(self, file: FileRef) -> bytes:
        """The content of a file."""
        with _s3_errors(file.uri):
            # As it was listed: what is said of a file must be true of the bytes that are loaded.
            version = {"IfMatch": f'"{file.etag}"'} if file.etag else {}
            answer = self.client.get_object(Bucket=self.bucket, Key=self.prefix + file.key, **version)
            return bytes(answer["Body"].read())


def _of(page: Any, what: str) -> Any:
    return page.get(what) or ()


def _shown(names: list[str], before: str | None) -> tuple[str, ...]:
    kept = {name for name in names if name and not hidden(name)}
    return tuple(sorted(name for name in kept if before is None or name < before))


@contextmanager
def _s3_errors(place: str) -> Iterator[None]:
    try:
        with storage_errors(place):
            yield
    except StorageError as error:
        if "bucket does not exist" in error.cause:
            raise _no_bucket(place) from error
        raise
    except Exception as error:
        response = getattr(error, "response", None)
        if not isinstance(response, dict):
            raise
        code = str(response.get("Error", {}).get("Code", "unknown"))
        raise _refused(code, place) from error


def _no_bucket(place: str) -> StorageError:
    return StorageError(
        "The bucket of the Currents files does not exist.",
        place=place,
        remedy="Correct the URL of the source, or create the bucket.",
    )


def _refused(code: str, place: str) -> StorageError:
    if code in ("NoSuchKey", "404"):
        return vanished(place)
    if code in ("PreconditionFailed", "412"):
        return rewritten(place)
    if code in ("AccessDenied", "AllAccessDisabled", "Forbidden", "403"):
        return StorageError(
            f"There is no permission to list or read the Currents files: {code}.",
            place=place,
            remedy="Allow this role s3:ListBucket on the bucket and s3:GetObject below the prefix; "
            "docs/currents.md has the policy. With KMS encryption, also kms:Decrypt.",
        )
    return StorageError(
        f"S3 refused to list or read the Currents files: {code}.",
        place=place,
        remedy="Check the bucket, its region and the credentials, then run again.",
    )

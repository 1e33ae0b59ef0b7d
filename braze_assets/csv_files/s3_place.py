"""A drop folder on S3. Every request of a file's content names the version it is about."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from braze_assets.csv_files.place import Ending, FileVersion, WhenDone, replaced, takes
from braze_assets.errors import CsvError, StorageError
from braze_assets.storage import storage_errors

__all__ = ["S3Place", "new_client"]

_PART = 8_000_000
TAG = "braze_assets"
"""The object tag that says how the import ended: `done` or `failed`."""


def new_client() -> Any:
    """A client from the `AWS_*` variables, for several threads."""
    import boto3
    from botocore.config import Config

    return boto3.client("s3", config=Config(retries={"max_attempts": 5, "mode": "standard"}))


@dataclass(frozen=True)
class S3Place:
    """A folder of a bucket. An object appears whole or not at all."""

    bucket: str
    prefix: str
    client: Any
    atomic: bool = True

    @property
    def url(self) -> str:
        """The folder."""
        return f"s3://{self.bucket}/{self.prefix}"

    def files(self) -> list[FileVersion]:
        """The CSV files directly in the folder, the oldest first; see `Place`."""
        found = []
        with _s3_errors(self.url):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.prefix, Delimiter="/"
            )
            for page in pages:
                for item in page.get("Contents") or ():
                    name = item["Key"][len(self.prefix) :]
                    if takes(name):
                        tag = item["ETag"].strip('"')
                        uri = f"s3://{self.bucket}/{item['Key']}"
                        found.append(FileVersion(name, uri, item["Size"], item["LastModified"], tag))
        return sorted(found, key=lambda each: (each.last_modified, each.name))

    def parts(self, file: FileVersion) -> Iterator[bytes]:
        """The content; see `Place`. One part is fetched while the one before is worked on."""
        if not file.size:
            self.check(file)
            return
        with ThreadPoolExecutor(1, thread_name_prefix="csv-part") as pool:
            waiting = pool.submit(self._part, file, 0)
            for start in range(_PART, file.size + _PART, _PART):
                part = waiting.result()
                if start < file.size:
                    waiting = pool.submit(self._part, file, start)
                yield part

    def _part(self, file: FileVersion, start: int) -> bytes:
        last = min(start + _PART, file.size) - 1
        with _s3_errors(file.uri):
            answer = self.client.get_object(
                Bucket=self.bucket,
                Key=self.prefix + file.name,
                Range=f"bytes={start}-{last}",
                IfMatch=f'"{file.tag}"',
            )
            return bytes(answer["Body"].read())

    def check(self, file: FileVersion) -> None:
        """Raise where the file is gone or another; see `Place`."""
        with _s3_errors(file.uri):
            self.client.head_object(Bucket=self.bucket, Key=self.prefix + file.name, IfMatch=f'"{file.tag}"')

    def end(self, file: FileVersion, ending: Ending, how: WhenDone) -> None:
        """Move or tag the file; see `Place`."""
        if how == "keep":
            return
        key = self.prefix + file.name
        try:
            self.check(file)
            with _s3_errors(file.uri):
                if how == "tag":
                    self._tag(key, ending)
                    return
                self.client.copy(
                    {"Bucket": self.bucket, "Key": key},
                    self.bucket,
                    f"{self.prefix}{ending}/{file.partition}.csv",
                    ExtraArgs={"CopySourceIfMatch": f'"{file.tag}"'},
                )
            self.check(file)
            with _s3_errors(file.uri):
                self.client.delete_object(Bucket=self.bucket, Key=key)
        except CsvError:
            return  # Another content came in its place: that one is not touched.

    def _tag(self, key: str, ending: Ending) -> None:
        tags = self.client.get_object_tagging(Bucket=self.bucket, Key=key)["TagSet"]
        kept = [each for each in tags if each["Key"] != TAG]
        self.client.put_object_tagging(
            Bucket=self.bucket, Key=key, Tagging={"TagSet": [*kept, {"Key": TAG, "Value": ending}]}
        )


@contextmanager
def _s3_errors(place: str) -> Iterator[None]:
    try:
        with storage_errors(place):
            yield
    except (StorageError, CsvError):
        raise
    except Exception as error:
        response = getattr(error, "response", None)
        if not isinstance(response, dict):
            raise
        raise _refused(str(response.get("Error", {}).get("Code", "unknown")), place) from error


def _refused(code: str, place: str) -> CsvError | StorageError:
    if code in ("NoSuchKey", "404", "NotFound"):
        return replaced(place, gone=True)
    if code in ("PreconditionFailed", "412"):
        return replaced(place)
    if code in ("AccessDenied", "AllAccessDisabled", "Forbidden", "403"):
        return StorageError(
            f"There is no permission to do that in the drop folder: {code}.",
            place=place,
            remedy="Allow this role s3:ListBucket on the bucket and, below the folder, s3:GetObject; to move "
            "files s3:PutObject and s3:DeleteObject, to tag them s3:GetObjectTagging and "
            "s3:PutObjectTagging. docs/csv-in.md has the policy.",
        )
    return StorageError(
        f"S3 refused a request for the drop folder: {code}.",
        place=place,
        remedy="Check the bucket, its region and the credentials, then run again.",
    )

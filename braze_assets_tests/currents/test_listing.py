"""Which files belong to an hour, in a folder and on S3 (K40)."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from braze_assets.currents.listing import CurrentsSource
from braze_assets.errors import CurrentsError, StorageError
from braze_assets_tests.currents.conftest import HOUR, INTEGRATION, OPEN

CLICK = "users.messages.email.Click"
NAME = f"{INTEGRATION}+0+1.avro"

WANTED = [
    f"{INTEGRATION}/event_type={OPEN}/date=2026-11-20-07/version=10/us-01/{NAME}",
    f"{INTEGRATION}/event_type={OPEN}/date=2026-11-20-07/42/us-01/{NAME}",
    f"dataexport.S3.integration.99/event_type={OPEN}/date=2026-11-20-07/f.avro",
    f"archive/2026/{INTEGRATION}/event_type={OPEN}/date=2026-11-20-07/new/deeper/still/file",
    f"turned/date=2026-11-20-07/region=eu/event_type={OPEN}/f.avro",
]
OTHERS = [
    f"{INTEGRATION}/event_type={OPEN}/date=2026-11-20-08/version=10/us-01/{NAME}",
    f"{INTEGRATION}/event_type={OPEN}/date=2026-11-20-071/version=10/us-01/{NAME}",
    f"{INTEGRATION}/event_type={OPEN}Extra/date=2026-11-20-07/version=10/us-01/{NAME}",
    f"{INTEGRATION}/event_type={CLICK}/date=2026-11-20-07/version=10/us-01/{NAME}",
    f"{INTEGRATION}/event_type={OPEN}/date=2026-11-20-07/version=10/_temporary/{NAME}",
    f"{INTEGRATION}/event_type={OPEN}/date=2026-11-20-07/version=10/us-01/.{NAME}.part",
    f"{INTEGRATION}/event_type={OPEN}/readme.txt",
]


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A source with the files above, empty ones, in a folder or on S3."""
    keys = WANTED + OTHERS
    if request.param == "folder":
        for key in keys:
            path = tmp_path / "feed" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"12345")
        return str(tmp_path / "feed")
    bucket = request.getfixturevalue("s3_bucket")
    client = boto3.client("s3")
    for key in keys:
        client.put_object(Bucket=bucket, Key=f"exports/braze/{key}", Body=b"12345")
    client.put_object(Bucket=bucket, Key="exports/braze/", Body=b"")
    client.put_object(Bucket=bucket, Key=f"exports/braze-other/{WANTED[0]}", Body=b"1")
    return f"s3://{bucket}/exports/braze"


def test_the_files_of_an_hour_in_every_layout(place: str) -> None:
    """K40: both layouts, unknown ones, several integrations; nothing of other hours and types."""
    source = CurrentsSource(place)
    files = source.files(OPEN, HOUR)
    assert [file.key for file in files] == sorted(WANTED)
    assert {file.size for file in files} == {5}
    assert all(file.last_modified.tzinfo is not None for file in files)
    assert source.read(files[0]) == b"12345"
    assert source.files(OPEN, HOUR + timedelta(hours=5)) == []
    assert source.files("users.messages.email.Never", HOUR) == []
    assert len(source.files(CLICK, HOUR)) == 1


def test_event_types_that_were_ever_written(place: str) -> None:
    assert CurrentsSource(place).event_types() == [CLICK, OPEN, f"{OPEN}Extra"]


class _Counting:
    """A client that remembers which prefixes were listed."""

    def __init__(self) -> None:
        self.client = boto3.client("s3")
        self.prefixes: list[str] = []

    def get_paginator(self, name: Any) -> Any:
        paginator = self.client.get_paginator(name)
        prefixes = self.prefixes

        class _Paginator:
            def paginate(self, **options: Any) -> Any:
                prefixes.append(options["Prefix"])
                return paginator.paginate(**options)

        return _Paginator()

    def get_object(self, **options: Any) -> Any:
        return self.client.get_object(**options)


def test_years_of_other_hours_are_not_listed(s3_bucket: str) -> None:
    """Any span of hours costs two requests once the folders are known, however many hours there are."""
    boto3.client("s3").put_object(Bucket=s3_bucket, Key=WANTED[0], Body=b"1")
    client = _Counting()
    source = CurrentsSource(f"s3://{s3_bucket}", client)
    source.files(OPEN, HOUR)
    folder = f"{INTEGRATION}/event_type={OPEN}/"
    assert client.prefixes == ["", f"{INTEGRATION}/", folder, folder]
    client.prefixes.clear()
    day = [HOUR - timedelta(hours=each) for each in range(24)]
    assert [len(files) for files in source.hours(OPEN, day).values()] == [1] + [0] * 23
    assert client.prefixes == [folder, folder]


UNROUTED = [
    "readme.txt",
    "other/report.csv",
    f"{INTEGRATION}/event_type={OPEN}/readme.txt",
    f"{INTEGRATION}/event_type={OPEN}/date=2026-11-20/{NAME}",
    f"{INTEGRATION}/event_type={OPEN}/date=2026-11-20-0x/{NAME}",
    f"{INTEGRATION}/event_type={OPEN}/errors/lost.avro",
    f"{INTEGRATION}/event_type={OPEN}/zone/lost.avro",
    f"{INTEGRATION}/date=2026-13-20-07/event_type={OPEN}/{NAME}",
    "a/b/c/d/e/f/g.avro",
]
BESIDE = [
    f"{INTEGRATION}/event_type={OPEN}/EU/date=2026-11-20-07/{NAME}",
    f"{INTEGRATION}/event_type={OPEN}/zone/date=2026-11-20-07/{NAME}",
]


def test_what_belongs_to_nothing_is_told_of(tmp_path: Path, s3_bucket: str) -> None:
    """K40: keys without an event type or an hour are counted and named; hours beside odd folders are read."""
    client = boto3.client("s3")
    wanted = WANTED[:2] + BESIDE
    for key in UNROUTED + wanted:
        path = tmp_path / "feed" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"1")
        client.put_object(Bucket=s3_bucket, Key=f"p/{key}", Body=b"1")
    for url in (str(tmp_path / "feed"), f"s3://{s3_bucket}/p/"):
        source = CurrentsSource(url)
        assert [file.key for file in source.files(OPEN, HOUR)] == sorted(wanted)
        met = source.unrouted()
        assert {UNROUTED[0], UNROUTED[1], UNROUTED[2], UNROUTED[5], UNROUTED[6], UNROUTED[7]} <= {
            *met.examples
        }
        found = source.look_for_unrouted()
        assert found.examples == tuple(sorted(UNROUTED))
        assert found.count == len(UNROUTED)
        assert source.look_for_unrouted() == found


def test_too_many_folders_are_refused(tmp_path: Path) -> None:
    for number in range(2100):
        (tmp_path / f"f{number}").mkdir()
    with pytest.raises(CurrentsError, match="more than 2,000 folders"):
        CurrentsSource(str(tmp_path)).files(OPEN, HOUR)


def test_a_bucket_that_does_not_exist(s3_endpoint: str) -> None:
    """BAD INPUT: cause, place and remedy."""
    with pytest.raises(StorageError) as caught:
        CurrentsSource("s3://no-such-bucket-here/x").files(OPEN, HOUR)
    assert "bucket of the Currents files does not exist" in caught.value.cause
    assert caught.value.place is not None
    assert caught.value.place.startswith("s3://no-such-bucket-here/x")
    assert caught.value.remedy is not None


def test_a_file_that_vanished(s3_bucket: str) -> None:
    client = boto3.client("s3")
    client.put_object(Bucket=s3_bucket, Key=WANTED[0], Body=b"1")
    source = CurrentsSource(f"s3://{s3_bucket}")
    file = source.files(OPEN, HOUR)[0]
    client.delete_object(Bucket=s3_bucket, Key=WANTED[0])
    with pytest.raises(StorageError, match="was listed, and is gone"):
        source.read(file)


def test_a_file_that_was_rewritten_since_it_was_listed_is_not_taken_for_that(
    s3_bucket: str, tmp_path: Path
) -> None:
    """BAD INPUT: what the manifest says of a file is true of the bytes that were loaded; S3 by ETag."""
    client = boto3.client("s3")
    client.put_object(Bucket=s3_bucket, Key=WANTED[0], Body=b"1")
    local = tmp_path / WANTED[0]
    local.parent.mkdir(parents=True)
    local.write_bytes(b"1")
    for source in (CurrentsSource(f"s3://{s3_bucket}"), CurrentsSource(str(tmp_path))):
        [file] = source.files(OPEN, HOUR)
        before = source.read(file)
        client.put_object(Bucket=s3_bucket, Key=WANTED[0], Body=before * 2)
        local.write_bytes(before * 2)
        with pytest.raises(StorageError, match="was rewritten between listing and reading"):
            source.read(file)
        assert source.read(source.files(OPEN, HOUR)[0]) == before * 2


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be used"):
        CurrentsSource(str(tmp_path / "missing")).files(OPEN, HOUR)


@pytest.mark.parametrize("url", ["", " ", "gs://bucket/x", "s3://"])
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(CurrentsError, match="cannot be understood"):
        CurrentsSource(url)

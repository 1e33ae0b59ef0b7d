"""Wrong S3 credentials are named (BAD INPUT)."""

from collections.abc import Iterator

import boto3
import pytest
import requests

from braze_assets.errors import StorageError
from braze_assets.storage import Storage
from braze_assets_tests.conftest import free_port


@pytest.fixture
def strict_s3(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The S3 server, which checks keys from now on."""
    boto3.client("s3").create_bucket(Bucket="strict-bucket")
    requests.post(f"{s3_endpoint}/moto-api/reset-auth", data="0", timeout=10)
    yield
    requests.post(f"{s3_endpoint}/moto-api/reset-auth", data="inf", timeout=10)


def test_a_wrong_key_is_named(strict_s3: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    # File systems are shared within a process; a new one reads the variables again.
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    try:
        with pytest.raises(StorageError, match="does not know the access key") as error:
            Storage("s3://strict-bucket/x").check()
        assert "AWS_ACCESS_KEY_ID" in str(error.value.remedy)
    finally:
        s3fs.S3FileSystem.clear_instance_cache()


def test_a_silent_endpoint_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    s3fs.S3FileSystem.clear_instance_cache()
    try:
        with pytest.raises(StorageError, match="does not answer"):
            Storage("s3://any-bucket/x").check()
    finally:
        s3fs.S3FileSystem.clear_instance_cache()

"""Servers and places shared by all tests: everything is on loopback, nothing leaks in from outside."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

for name in list(os.environ):
    if name.startswith(("AWS_", "BRAZE_", "DAGSTER_")):
        del os.environ[name]


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """An S3 server for the whole session, and the standard variables that point to it."""
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    variables = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    os.environ.update(variables)
    yield variables["AWS_ENDPOINT_URL"]
    server.stop()


@pytest.fixture
def s3_bucket(s3_endpoint: str) -> str:
    """A new bucket."""
    import uuid

    import boto3

    name = f"bucket-{uuid.uuid4().hex[:12]}"
    boto3.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture(params=["folder", "s3"])
def storage_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place to store things: once a folder, once S3."""
    if request.param == "folder":
        return str(tmp_path / "storage")
    return f"s3://{request.getfixturevalue('s3_bucket')}/prefix"


@pytest.fixture(autouse=True)
def _no_instance_left() -> Iterator[None]:
    """Dagster remembers the state storage of the last instance, also when that instance is gone."""
    from dagster._core.storage.defs_state import base

    yield
    base._current_storage.set(None)

"""An hour of 1,000 small Avro files on S3, beside a bare loop that gets them and drops them.

The server is moto in a process of its own: slower than S3, and on the same processors as the readers.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

from benchmarks.currents import EVENT_TYPE, write
from benchmarks.figures import Figure
from benchmarks.measure import best, measured
from benchmarks.people import NOW as HOUR
from benchmarks.scale import Scale
from braze_assets.currents.ingest import ingest_hour
from braze_assets.currents.listing import CurrentsSource
from braze_assets.storage import open_path, write_parquet

__all__ = ["run", "s3_server"]

EVENTS_A_FILE = 50
READERS = 16
"""Requests at once, in the loop."""
_BUCKET = "currents"


def run(scale: Scale, work: Path) -> list[Figure]:
    """Put the files once, then read them both ways."""
    feed = work / "small-files"
    events = write(str(feed), scale.small_files * EVENTS_A_FILE, EVENTS_A_FILE)["events"]
    with s3_server():
        _put(feed)
        ours, bare = best(
            scale.repeats,
            partial(measured, "small_files:ingest", table=str(work / "small.parquet")),
            partial(measured, "small_files:loop"),
        )
    if ours.result != events or bare.result != scale.small_files:
        raise RuntimeError(f"{ours.result} of {events} events, {bare.result} of {scale.small_files} files")
    return [
        Figure(
            case="small_files",
            beside=f"`get_object` in {READERS} threads, files dropped",
            what=f"Avro on S3 to deduplicated Parquet: {scale.small_files:,} files of {EVENTS_A_FILE} events",
            value=scale.small_files / ours.seconds,
            baseline=scale.small_files / bare.seconds,
            unit="files/s",
            note=f"CPU {ours.cpu:.1f} s and {bare.cpu:.1f} s, the server's not among it",
        )
    ]


def ingest(table: str) -> int:
    """List, read, decode, deduplicate and write one Parquet file; the rows before duplicates are dropped."""
    hour = ingest_hour(CurrentsSource(f"s3://{_BUCKET}"), EVENT_TYPE, HOUR)
    write_parquet(open_path(table), hour.encoded())
    return hour.report.records


def loop() -> int:
    """List and get."""
    client = _client()
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=_BUCKET)
    keys = [each["Key"] for page in pages for each in page["Contents"]]
    with ThreadPoolExecutor(READERS) as pool:
        return sum(
            pool.map(lambda key: bool(client.get_object(Bucket=_BUCKET, Key=key)["Body"].read()), keys)
        )


def _put(feed: Path) -> None:
    client = _client()
    client.create_bucket(Bucket=_BUCKET)
    for file in sorted(feed.rglob("*.avro")):
        client.put_object(Bucket=_BUCKET, Key=str(file.relative_to(feed)), Body=file.read_bytes())


def _client() -> Any:
    return boto3.client("s3", config=Config(max_pool_connections=READERS))


@contextmanager
def s3_server() -> Iterator[None]:
    """A server with nothing in it; the environment leads to it meanwhile."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (
        tempfile.TemporaryFile() as log,
        patch.dict(os.environ, environment),
        subprocess.Popen(command, stdout=log, stderr=log) as server,
    ):
        try:
            _wait(server)
            yield
        finally:
            server.kill()


def _wait(server: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        if server.poll() is not None:
            break
        try:
            _client().list_buckets()
            return
        except EndpointConnectionError:
            time.sleep(0.1)
    raise RuntimeError("moto does not start")

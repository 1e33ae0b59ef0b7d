"""The check of a destination (K02, K04, K05): four causes told apart, nothing sent, no key shown."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from braze_assets.delivery import BrazeClient, DeliverySettings
from braze_assets.delivery.connection import Finding, check_destination
from braze_assets.emulator import LocalBraze
from braze_assets_tests.conftest import free_port
from braze_assets_tests.delivery.test_wire import authority


@pytest.fixture(scope="module")
def server() -> Iterator[LocalBraze]:
    with LocalBraze() as started:
        yield started


@pytest.fixture
def braze(server: LocalBraze) -> LocalBraze:
    server.control.reset_settings()
    server.control.clear()
    server.control.reset_counters()
    return server


def client(endpoint: str, key: str = "local-braze-key", **settings: Any) -> Callable[[], BrazeClient]:
    made = DeliverySettings(connect_timeout=0.5, read_timeout=0.5, max_attempts=1, **settings)
    return lambda: BrazeClient(endpoint=endpoint, api_key=key, settings=made, key_place="BRAZE_API_KEY_EU")


def connection(*arguments: Any, **options: Any) -> Finding:
    [found] = [each for each in check_destination(*arguments, **options) if each.subject == "connection"]
    return found


def test_a_right_one_passes_and_nothing_is_sent(braze: LocalBraze) -> None:
    """K04: also not to the person who would come first."""
    braze.control.seed([{"external_id": "1", "attributes": {}}])
    found = connection(client(braze.url))
    assert found.passed
    counters = braze.control.counters()
    assert (counters["objects"], counters["profiles"]) == (0, 1)


def test_a_wrong_key_names_both_causes_and_not_the_key(braze: LocalBraze) -> None:
    """K01, K02: the emulator repeats the key, as Braze does."""
    found = connection(client(braze.url, "planted-key-marmalade"))
    assert not found.passed
    assert "the key is wrong, or the instance is" in found.cause
    assert "BRAZE_API_KEY_EU" in found.place
    assert "Check both" in found.remedy
    assert "marmalade" not in repr(found)


@pytest.mark.parametrize("status", [401, 403])
def test_a_missing_permission_is_told_from_a_wrong_key(braze: LocalBraze, status: int) -> None:
    """K04: Braze documents both statuses for it."""
    braze.control.settings(permissions=["segments.list"], missing_permission_status=status)
    found = connection(client(braze.url))
    assert not found.passed
    assert "permission" in found.cause
    assert "users.track" in found.cause + found.remedy
    assert "the key is wrong, or" not in found.cause


def test_a_name_that_dns_does_not_have() -> None:
    found = connection(client("https://rest.iad-01.invalid"))
    assert not found.passed
    assert "DNS" in found.cause
    assert "rest.iad-01.invalid" in found.place


def test_nobody_listens() -> None:
    found = connection(client(f"http://127.0.0.1:{free_port()}"))
    assert "refused the connection" in found.cause


def test_somebody_listens_and_does_not_answer() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        found = connection(client(f"http://127.0.0.1:{silent.getsockname()[1]}"))
    assert "No reply came in time" in found.cause


def test_tls_that_nobody_vouches_for(tmp_path: Path) -> None:
    context, _ = authority(tmp_path)
    with _page(b"{}", 200, context) as port:
        found = connection(client(f"https://127.0.0.1:{port}"))
    assert "TLS" in found.cause
    assert "certificate" in found.cause


def test_what_answers_is_not_braze() -> None:
    """The wrong instance: a dashboard, a proxy, anybody."""
    with _page(b"<html>Sign in</html>", 200) as port:
        assert "not Braze's REST API" in connection(client(f"http://127.0.0.1:{port}")).cause
    with _page(b'{"message": "Invalid URL"}', 404) as port:
        found = connection(client(f"http://127.0.0.1:{port}"))
    assert "does not know this URL" in found.cause
    assert "REST endpoint" in found.remedy


def test_braze_is_out_of_order(braze: LocalBraze) -> None:
    braze.control.fault(effect="status", status=503, body="html")
    found = connection(client(braze.url))
    assert "does not work at the moment" in found.cause


def test_no_key_and_a_key_with_blanks() -> None:
    """The variable is named, not what it holds."""
    assert "BRAZE_API_KEY_EU" in connection(client("http://127.0.0.1:9", "")).remedy
    found = connection(client("http://127.0.0.1:9", "planted marmalade"))
    assert not found.passed
    assert "marmalade" not in repr(found)


def test_a_segment_must_exist(braze: LocalBraze) -> None:
    """K05: beyond the first page too; exact, with a near miss."""
    names = [f"Segment {number}" for number in range(205)]
    braze.control.settings(segments=[*names, "Amperity VIP"])
    found = {each.subject: each for each in check_destination(client(braze.url), segment_name="Amperity VIP")}
    assert found["connection"].passed
    assert found["segment"].passed
    missed = check_destination(client(braze.url), segment_name="amperity vips")[-1]
    assert not missed.passed
    assert "no segment 'amperity vips'; it has 206 others" in missed.cause
    assert "Did you mean 'Amperity VIP'?" in missed.remedy


def test_a_key_that_may_not_list_segments(braze: LocalBraze) -> None:
    braze.control.settings(permissions=["users.track"])
    findings = check_destination(client(braze.url), segment_name="VIP")
    assert [each.passed for each in findings] == [True, False]
    assert "segments.list" in findings[-1].remedy


def test_without_a_connection_the_segment_is_not_asked_for(braze: LocalBraze) -> None:
    findings = check_destination(client(braze.url, "wrong"), segment_name="VIP")
    assert "Not asked" in findings[-1].cause


def test_the_drop_location(braze: LocalBraze, s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """K05: listed; written only when that is asked for; nothing stays."""
    import boto3

    s3 = boto3.client("s3")
    url = f"s3://{s3_bucket}/drops"
    assert check_destination(client(braze.url), drop_url=url)[-1].passed
    assert "Versions" not in s3.list_object_versions(Bucket=s3_bucket)
    s3.put_bucket_versioning(Bucket=s3_bucket, VersioningConfiguration={"Status": "Enabled"})
    assert check_destination(client(braze.url), drop_url=url, write_probe=True)[-1].passed
    assert s3.list_objects_v2(Bucket=s3_bucket)["KeyCount"] == 0
    assert s3.list_object_versions(Bucket=s3_bucket)["Versions"][0]["Key"].startswith("drops/.probe-")

    missing = check_destination(client(braze.url), drop_url="s3://nobody-has-this-one/drops")[-1]
    assert (missing.subject, missing.passed) == ("drop location", False)
    assert "bucket does not exist" in missing.cause
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    assert "endpoint does not answer" in check_destination(client(braze.url), drop_url=url)[-1].cause


def test_a_bucket_that_may_not_be_written(braze: LocalBraze) -> None:
    """K05: says which permission is missing."""
    with (
        _page(b"<Error><Code>AccessDenied</Code></Error>", 403) as port,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "x")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        found = check_destination(client(braze.url), drop_url="s3://closed/drops")[-1]
    assert "denied" in found.cause
    assert "s3:ListBucket" in found.remedy


class _page:  # noqa: N801
    """A server that answers everything with one page."""

    def __init__(self, body: bytes, status: int, tls: ssl.SSLContext | None = None) -> None:
        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = _answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)

    def __enter__(self) -> int:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return int(self.server.server_address[1])

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

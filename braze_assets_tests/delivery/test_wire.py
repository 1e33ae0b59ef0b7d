"""K01, K16: replies of every shape are read right, and connections are used again only when that is safe."""

import gzip
import itertools
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_assets.delivery.client import BrazeClient
from braze_assets.delivery.no_reply import NoReplyError
from braze_assets_tests.delivery.harness import FAST, KEY

BODY = b'{"attributes_processed":1,"message":"success"}'
PLAIN = b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\nX-RateLimit-Limit: 9\r\n\r\n%b" % (len(BODY), BODY)


@dataclass
class Scripted:
    """A server that answers the requests of all its connections with `replies` in turn."""

    replies: list[list[bytes]]
    """The pieces of each reply; an empty piece closes the connection."""
    url: str = ""
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0
    failures: list[str] = field(default_factory=list)
    pause: float = 0.0
    """Before each piece."""


@contextmanager
def serving(*replies: list[bytes], context: ssl.SSLContext | None = None) -> Iterator[Scripted]:
    script = Scripted(list(replies))
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def talk(connection: socket.socket) -> None:
        try:
            if context is not None:
                connection = context.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb") as read:
                while line := read.readline():
                    head = [line]
                    while (line := read.readline()) not in (b"\r\n", b""):
                        head.append(line)
                    size = next(int(each.split()[1]) for each in head if each.startswith(b"Content-Length:"))
                    script.heads.append(b"".join(head))
                    script.bodies.append(read.read(size))
                    for piece in script.replies.pop(0):
                        if not piece:
                            return
                        time.sleep(script.pause)
                        connection.sendall(piece)
        except OSError as error:
            script.failures.append(type(error).__name__)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            script.connections += 1
            threads.append(threading.Thread(target=talk, args=(connection,), daemon=True))
            threads[-1].start()

    script.url = f"http{'s' if context else ''}://127.0.0.1:{listener.getsockname()[1]}"
    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield script
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        for thread in threads:
            thread.join(5)


def pieces(whole: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(whole), *(cut % (len(whole) + 1) for cut in cuts)})
    return [whole[a:b] for a, b in itertools.pairwise(edges)]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 10_000), max_size=6), st.booleans())
def test_a_reply_may_come_in_any_pieces(cuts: list[int], chunked: bool) -> None:
    reply = PLAIN
    if chunked:
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (BODY[:9], BODY[9:]))
        reply = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    with (
        serving(pieces(reply, cuts), [reply]) as script,
        BrazeClient(endpoint=script.url, api_key=KEY, settings=FAST) as client,
    ):
        for body in (b"{}", b"x" * 300_000):
            answer = client.track(body)
            assert (answer.status, answer.body) == (201, BODY)
        assert script.bodies == [b"{}", b"x" * 300_000]
        assert script.connections == 1, "the connection is used again"
        assert b"Authorization: Bearer " + KEY.encode() in script.heads[1]
        assert script.heads[1].startswith(b"POST /users/track HTTP/1.1\r\nHost: 127.0.0.1:")


PACKED = gzip.compress(BODY)


@pytest.mark.parametrize(
    ("reply", "again"),
    [
        (PLAIN, True),
        (PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0"), False),
        (PLAIN.replace(b"X-RateLimit-Limit: 9", b"Connection: close"), False),
        (PLAIN + b"HTTP/1.1 200 OK\r\n", False),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN, True),
        (b"HTTP/1.1 201 Created\r\nX-Two: a\r\nX-Two: b\r\nContent-Length: 46\r\n\r\n" + BODY, True),
        (
            b"HTTP/1.1 201 Created\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED)
            + PACKED,
            True,
        ),
    ],
)
def test_a_connection_is_used_again_only_when_that_is_safe(reply: bytes, again: bool) -> None:
    with (
        serving([reply], [PLAIN]) as script,
        BrazeClient(endpoint=script.url, api_key=KEY, settings=FAST) as client,
    ):
        first, second = client.track(b"{}"), client.track(b"{}")
        assert (first.status, first.body) == (second.status, second.body) == (201, BODY)
        assert second.headers["x-ratelimit-limit"] == "9"
        assert first.headers.get("x-two", "a, b") == "a, b"
        assert script.connections == (1 if again else 2)


def test_an_idle_connection_that_was_closed_costs_no_request() -> None:
    """X2: otherwise a send after a pause would begin with requests of unknown outcome."""
    with (
        serving([PLAIN, b""], [PLAIN]) as script,
        BrazeClient(endpoint=script.url, api_key=KEY, settings=FAST) as client,
    ):
        client.track(b"1")
        threading.Event().wait(0.05)
        client.track(b"2")
        assert (script.bodies, script.connections) == ([b"1", b"2"], 2)


@pytest.mark.parametrize("reply", [[b""], [PLAIN[:20], b""], [PLAIN[:-1], b""], [b"x" * 70_000, b""]])
def test_half_a_reply_is_none(reply: list[bytes]) -> None:
    with (
        serving(reply) as script,
        BrazeClient(endpoint=script.url, api_key=KEY, settings=FAST) as client,
    ):
        with pytest.raises(NoReplyError, match="broke before") as failed:
            client.track(b"{}")
        assert failed.value.sent
        assert failed.value.__cause__ is None


def test_a_reply_that_does_not_come_in_time_may_have_been_heard() -> None:
    with (
        serving([PLAIN[:30]]) as script,
        BrazeClient(endpoint=script.url, api_key=KEY, settings=replace(FAST, read_timeout=0.1)) as client,
    ):
        with pytest.raises(NoReplyError, match="in time") as failed:
            client.track(b"{}")
        assert failed.value.sent


_CHUNKED = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n{\r\n" * 50


@pytest.mark.parametrize("reply", [PLAIN, PLAIN[:-40] + b"!" * 400, _CHUNKED])
def test_a_reply_that_comes_in_drops_does_not_hold_a_thread_for_ever(reply: bytes) -> None:
    with (
        serving(pieces(reply, list(range(0, len(reply), 5))), [PLAIN]) as script,
        BrazeClient(endpoint=script.url, api_key=KEY, settings=replace(FAST, read_timeout=0.3)) as client,
    ):
        script.pause = 0.05
        start = time.monotonic()
        with pytest.raises(NoReplyError, match="in time") as failed:
            client.track(b"{}")
        assert failed.value.sent
        assert time.monotonic() - start < 2.0
        script.pause = 0.0
        assert client.track(b"{}").status == 201


def test_a_slow_reply_leaves_the_next_one_its_whole_time() -> None:
    with (
        serving([PLAIN[:20], PLAIN[20:]], [PLAIN]) as script,
        BrazeClient(endpoint=script.url, api_key=KEY, settings=replace(FAST, read_timeout=1.0)) as client,
    ):
        script.pause = 0.35
        assert client.track(b"{}").status == 201
        script.pause = 0.8
        assert client.track(b"{}").status == 201
        assert script.connections == 1


def authority(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS for 127.0.0.1, and the file that makes it trusted."""
    import ipaddress

    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")]),
    )
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "public.pem", folder / "private.pem"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public


def test_tls_needs_a_certificate_that_is_trusted(tmp_path: Path) -> None:
    context, public = authority(tmp_path)
    trusting = replace(FAST, ca_bundle=str(public))
    with serving([PLAIN], [PLAIN], context=context) as script:
        with BrazeClient(endpoint=script.url, api_key=KEY, settings=trusting) as client:
            assert [client.track(b"x" * 100_000).status for _ in range(2)] == [201, 201]
        assert script.connections == 1
        with (
            BrazeClient(endpoint=script.url, api_key=KEY, settings=FAST) as client,
            pytest.raises(NoReplyError, match="certificate is not trusted") as failed,
        ):
            client.track(b"{}")
        assert not failed.value.sent
        named = script.url.replace("127.0.0.1", "localhost")
        with (
            BrazeClient(endpoint=named, api_key=KEY, settings=trusting) as client,
            pytest.raises(NoReplyError, match="certificate is not trusted"),
        ):
            client.track(b"{}")
        assert len(script.bodies) == 2, "nothing was sent to who could not be trusted"

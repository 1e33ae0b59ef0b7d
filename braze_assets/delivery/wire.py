"""HTTP on the wire, for the one request that a send makes ten thousand times.

urllib3 opens the connections: names, timeouts, TLS. What travels over them is one head, made once, and
a body; what comes back is nearly always a status, some headers and a counted body, which is read here. Every
other shape of a reply, such as a chunked one, goes through the standard library's reader.
"""

import contextlib
import socket
import ssl
import zlib
from collections import deque
from collections.abc import Mapping
from functools import cached_property
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import DecodeError, ProtocolError
from urllib3.util.ssl_ import create_urllib3_context
from urllib3.util.wait import wait_for_read

from braze_assets.delivery.received import Received, Resumed
from braze_assets.delivery.settings import DeliverySettings

__all__ = ["Connections", "HttpReply", "NotConnected"]

_LONGEST_HEAD = 65_536


class HttpReply(NamedTuple):
    """A reply as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NotConnected(Exception):  # noqa: N818 - a signal to the client, which tells its cause
    """There was no connection to send the request over; the cause says why."""


class Connections:
    """Kept-alive connections to one host, for any number of threads; each carries one request at a time.

    Args:
        endpoint: Scheme, host and port.
        path: Where all requests are posted to.
        headers: What all requests carry.
        settings: Timeouts, certificate authorities.
    """

    def __init__(
        self, endpoint: str, path: str, headers: Mapping[str, str], settings: DeliverySettings
    ) -> None:
        self._url = urlsplit(endpoint)
        self._settings = settings
        lines = [f"POST {path} HTTP/1.1", f"Host: {self._url.netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._head = "\r\n".join([*lines, "Content-Length: "]).encode("latin-1")
        self._idle: deque[socket.socket] = deque()
        self._closed = False

    def post(self, body: bytes) -> HttpReply:
        """Send a body and wait for the reply.

        Raises:
            NotConnected: Nothing was sent.
            OSError, HTTPException, urllib3.exceptions.HTTPError: It broke; the request may have arrived.
        """
        connection = self._connection()
        keep = False
        try:
            with contextlib.suppress(BrokenPipeError):  # It may have answered before it hung up.
                connection.sendall(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))
            reply, keep = _read(connection, self._settings.read_timeout)
        finally:
            if keep and not self._closed:
                self._idle.append(connection)
            else:
                connection.close()
        return reply

    def close(self) -> None:
        """Close all that are idle, and the others when their replies have come."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _connection(self) -> socket.socket:
        while True:
            try:
                # The one used last: the others may rest, and be closed by the other side.
                connection = self._idle.pop()
            except IndexError:
                return self._open()
            if not wait_for_read(connection, timeout=0):
                return connection
            # An idle connection has nothing to say but that it is over.
            connection.close()

    def _open(self) -> socket.socket:
        host, settings = self._url.hostname or "", self._settings
        try:
            opened: HTTPConnection
            if self._url.scheme == "https":
                port = self._url.port or 443
                opened = HTTPSConnection(
                    host, port, timeout=settings.connect_timeout, ssl_context=self._authorities
                )
            else:
                opened = HTTPConnection(host, self._url.port or 80, timeout=settings.connect_timeout)
            opened.connect()
            connection: socket.socket = opened.sock
        except Exception as error:
            raise NotConnected from error
        connection.settimeout(settings.read_timeout)
        return connection

    @cached_property
    def _authorities(self) -> ssl.SSLContext:
        """Made once: to load them takes longer than a handshake."""
        context = create_urllib3_context()
        bundle = self._settings.ca_bundle or DEFAULT_CA_BUNDLE_PATH
        folder = Path(bundle).is_dir()
        context.load_verify_locations(**{"capath" if folder else "cafile": bundle})
        return context


def _read(connection: socket.socket, seconds: float) -> tuple[HttpReply, bool]:
    """A reply, and whether the connection can carry another request.

    Args:
        connection: Its timeout is `seconds`.
        seconds: For the whole reply. One that comes in drops would otherwise hold a thread for ever.
    """
    received = Received(connection, seconds)
    try:
        return _read_within(received)
    finally:
        if received.times > 1:
            connection.settimeout(seconds)


def _read_within(connection: Received) -> tuple[HttpReply, bool]:
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        if len(data) > _LONGEST_HEAD:
            raise ProtocolError("The head of the reply has no end.")
        data += _received(connection)
    status, headers = _head(data[:end])
    length = headers.get("content-length", "")
    if status is None or not (length.isascii() and length.isdigit()) or "transfer-encoding" in headers:
        return _read_any(connection, data)
    size = int(length)
    parts = [data[end + 4 :]]
    missing = size - len(parts[0])
    while missing > 0:
        parts.append(_received(connection))
        missing -= len(parts[-1])
    body = parts[0] if len(parts) == 1 else b"".join(parts)
    # More than was announced belongs to nobody: what follows on this connection cannot be trusted.
    keep = missing == 0 and headers.get("connection", "keep-alive").lower() == "keep-alive"
    return HttpReply(status, headers, _decoded(body[:size], headers)), keep


def _received(connection: Received) -> bytes:
    data = connection.next()
    if not data:
        raise ProtocolError("The connection was closed before the reply ended.")
    return data


def _head(data: bytes) -> tuple[int | None, dict[str, str]]:
    """Status and headers by lower-case name; no status when this head is for the standard library."""
    first, *lines = data.decode("latin-1").split("\r\n")
    headers: dict[str, str] = {}
    status = first[9:12]
    if (
        not first.startswith("HTTP/1.1 ")
        or not status.isdigit()
        or status < "200"
        or status in ("204", "304")
    ):
        return None, headers
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or not name or name in headers or name[0] in " \t" or name[-1] in " \t":
            return None, headers
        headers[name] = value.strip(" \t")
    return int(status), headers


def _read_any(connection: Received, data: bytes) -> tuple[HttpReply, bool]:
    try:
        reply = HTTPResponse(Resumed(connection, data), method="POST")  # type: ignore[arg-type]
        reply.begin()
        body = reply.read()
        headers: dict[str, str] = {}
        for name, value in reply.getheaders():
            name = name.lower()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    except HTTPException as error:
        raise ProtocolError("What came is not a reply.", error) from None
    return HttpReply(reply.status, headers, _decoded(body, headers)), not reply.will_close


def _decoded(body: bytes, headers: Mapping[str, str]) -> bytes:
    """Nothing but identity is asked for, but a proxy in between may know better."""
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return body
    try:
        return zlib.decompress(body, zlib.MAX_WBITS | 32)
    except zlib.error as error:
        raise DecodeError("The reply cannot be unpacked.", error) from None

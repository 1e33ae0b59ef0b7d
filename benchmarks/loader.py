"""Sends one request over and over on kept-alive connections, and counts the replies."""

import asyncio
import json
import time
from urllib.parse import urlsplit

__all__ = ["count_replies", "track_body"]


def track_body(objects: int) -> bytes:
    """A body of `/users/track`: users with 20 attributes of mixed types."""
    values = ("active", 12, 3.5, True, "2026-11-20")
    attributes = {f"attribute_{n:02d}": values[n % len(values)] for n in range(20)}
    people = [{"external_id": f"user-{n:08d}", **attributes} for n in range(objects)]
    return json.dumps({"attributes": people}, separators=(",", ":")).encode()


def count_replies(url: str, path: str, key: str, objects: int, connections: int, seconds: float) -> float:
    """Replies per second.

    Args:
        url: The server, over plain HTTP.
        path: Where to POST to.
        key: The API key.
        objects: Objects in each body.
        connections: Each has one request in flight.
        seconds: How long.

    Raises:
        RuntimeError: A reply is not a success.
    """
    body = track_body(objects)
    place = urlsplit(url)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return asyncio.run(
        _load(place.hostname or "", place.port or 80, head.encode() + body, connections, seconds)
    )


async def _load(host: str, port: int, request: bytes, connections: int, seconds: float) -> float:
    event_loop = asyncio.get_running_loop()
    begun = time.perf_counter()
    made = [
        await event_loop.create_connection(lambda: _Connection(request, begun + seconds), host, port)
        for _ in range(connections)
    ]
    counts = await asyncio.gather(*(protocol.done for _, protocol in made))
    return sum(counts) / (time.perf_counter() - begun)


class _Connection(asyncio.Protocol):
    def __init__(self, request: bytes, until: float) -> None:
        self.done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._request = request
        self._until = until
        self._held = b""
        self._count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._held += data
        head, end, body = self._held.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]):
            return
        self._held = b""
        self._count += 1
        if not head.startswith(b"HTTP/1.1 201"):
            self._end(RuntimeError(head.splitlines()[0].decode()))
        elif time.perf_counter() >= self._until:
            self._end(None)
        else:
            self._transport.write(self._request)  # type: ignore[attr-defined]

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(RuntimeError("the server closed the connection"))

    def _end(self, error: Exception | None) -> None:
        if not self.done.done():
            if error is None:
                self.done.set_result(self._count)
            else:
                self.done.set_exception(error)
            self._transport.close()

"""A server that says everything it was told: key, objects and all. The worst Braze there could be."""

import base64
import json
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

__all__ = ["Echo", "echoing"]

_HARMLESS = json.dumps({"message": "Bad Request"}).encode()


class Echo:
    """How it answers: `status`, and where the request is repeated."""

    def __init__(self) -> None:
        self.url = ""
        self.first = False
        """Whether the question before a send is answered like that too; else it is answered well."""
        self._answers: tuple[tuple[int, str], ...] = ((500, "json"),)

    def says(self, *answers: tuple[int, str], first: bool = False) -> None:
        """From now on; each a status and where the request is repeated."""
        self._answers, self.first = answers, first

    def answer(self, body: bytes) -> tuple[int, str]:
        """The same request always gets the same one."""
        return self._answers[zlib.crc32(body) % len(self._answers)]


@contextmanager
def echoing() -> Iterator[Echo]:
    """One that runs while the block lasts."""
    echo = Echo()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            if b'"attributes":[]' in body and not echo.first:
                self.answer(400, _HARMLESS, {})
                return
            key = self.headers.get("authorization", "")
            told = f"{self.headers} {body.decode()}"
            bare = key.removeprefix("Bearer ")
            coded = f"{quote(bare, safe='')} {base64.b64encode(bare.encode()).decode()}"
            line = " ".join(told.split())
            status, style = echo.answer(body)
            if style == "json":
                self.answer(status, json.dumps({"message": f"{coded} {told}"}).encode(), {})
            elif style == "rows":
                count = len(json.loads(body).get("attributes", ())) or 1
                errors = [
                    {"type": f"{line} {coded}", "input_array": "attributes", "index": index}
                    for index in range(count)
                ]
                document = {"message": "success", "errors": errors, "attributes_processed": 0}
                self.answer(status, json.dumps(document).encode(), {})
            elif style == "html":
                self.answer(status, f"<html><body>{told} {coded}</body></html>".encode(), {})
            elif style == "headers":
                ascii_line = line.encode("ascii", "backslashreplace").decode()[:3000]
                names = ("x-ratelimit-reset", "x-ratelimit-remaining", "x-ratelimit-limit", "location")
                names += ("retry-after", "x-ratelimit-retry-after", "set-cookie")
                headers = dict.fromkeys(names, f"{ascii_line} {coded}")
                self.answer(status, b"", headers)
            elif style == "broken":
                self.wfile.write(f"HTTP/9 {line} {coded}\r\n\r\n".encode())
                self.close_connection = True

        def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    echo.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield echo
    finally:
        server.shutdown()
        server.server_close()

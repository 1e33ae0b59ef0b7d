"""An S3 server on loopback that fails on request, bucket by bucket.

`POST /_chaos?bucket=b` with `{"slow_down": 0.1, ...}` sets the share of requests that end so; `{}` none.
"""

from __future__ import annotations

import json
import os
import random
import socket
import struct
import sys
import threading
import time
from typing import Any

_SLOW_DOWN = (
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code>'
    b"<Message>Please reduce your request rate.</Message></Error>"
)


class Faulty:
    """Around moto's application: some requests are not answered, or not truly."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._shares: dict[str, dict[str, float]] = {}
        self._chance = random.Random(0)

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        path = environ["PATH_INFO"]
        if path == "/_chaos":
            bucket = environ["QUERY_STRING"].partition("=")[2]
            self._shares[bucket] = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            start("200 OK", [("Content-Length", "0")])
            return [b""]
        shares = self._shares.get(path.split("/")[1], {})
        dice = self._chance.random()
        for kind, share in shares.items():
            if dice < share:
                return self._fail(kind, environ, start)
            dice -= share
        return self._application(environ, start)

    def _fail(self, kind: str, environ: dict[str, Any], start: Any) -> Any:
        if kind.endswith("_after"):
            b"".join(self._application(environ, lambda *_: None))
        elif length := int(environ.get("CONTENT_LENGTH") or 0):
            environ["wsgi.input"].read(length)
        if kind.startswith("reset"):
            connection = environ["werkzeug.socket"]
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.shutdown(socket.SHUT_RDWR)
            raise ConnectionResetError
        body = _SLOW_DOWN if kind == "slow_down" and environ["REQUEST_METHOD"] != "HEAD" else b""
        status = "503 Slow Down" if kind == "slow_down" else "500 Internal Server Error"
        start(status, [("Content-Length", str(len(body))), ("Content-Type", "application/xml")])
        return [body]


def main() -> None:
    """Serve until the parent is gone; the port is the first line of output."""
    import logging

    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.disable(logging.CRITICAL)
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - it lives as long as the process
    application = Faulty(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True)
    print(server.port, flush=True)
    parent = os.getppid()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while os.getppid() == parent:
        time.sleep(0.25)


if __name__ == "__main__":
    main()

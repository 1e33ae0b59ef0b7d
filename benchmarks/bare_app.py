"""`python -m benchmarks.bare_app FD`: the least an ASGI application can do, on the emulator's server."""

import os
import socket
import sys
import threading
import time
from typing import Any

from braze_assets.emulator.server import make_server
from braze_assets.emulator.settings import Settings

__all__ = ["app"]

_BODY = b'{"attributes_processed":75,"message":"success"}'
_START = {
    "type": "http.response.start",
    "status": 201,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))],
}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Read the request to its end, and answer always the same."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    while (await receive()).get("more_body"):
        pass
    await send(_START)
    await send({"type": "http.response.body", "body": _BODY})


def main() -> None:
    """Serve until the parent is gone or says so."""
    server = make_server(Settings())
    server.config.app = app
    parent = os.getppid()

    def follow() -> None:
        while os.getppid() == parent:
            time.sleep(0.25)
        server.should_exit = True

    threading.Thread(target=follow, daemon=True).start()
    server.run(sockets=[socket.socket(fileno=int(sys.argv[1]))])


if __name__ == "__main__":
    main()

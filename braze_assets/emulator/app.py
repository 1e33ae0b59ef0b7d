"""The local Braze as an ASGI application."""

import asyncio
import contextlib
import socket
import struct
from dataclasses import replace
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from braze_assets.emulator.endpoints import answer
from braze_assets.emulator.faults import Fault
from braze_assets.emulator.http import Call, Reply
from braze_assets.emulator.workspace import Workspace

__all__ = ["LocalBrazeApp"]

_FOREVER = 24 * 3600.0


class LocalBrazeApp:
    """Answers for Braze, and for the control API under `/_control/`.

    The endpoints do not pass through a framework's router: the count-only mode must not be what a benchmark
    measures.

    Args:
        workspace: What it serves.
        control: The control API, an ASGI application.
        on_shutdown: Called once when the server stops cleanly.
    """

    def __init__(self, workspace: Workspace, control: ASGIApp, on_shutdown: Any = None) -> None:
        self.workspace = workspace
        self.control = control
        self.on_shutdown = on_shutdown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection event, as ASGI defines it."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            path = scope["path"]
            if path.startswith("/_control/"):
                await self.control(scope, receive, send)
            else:
                await self._serve(scope, receive, send, path)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            event = await receive()
            if event["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            else:
                if self.on_shutdown is not None:
                    self.on_shutdown()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _serve(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        event = await receive()
        body = event.get("body", b"")
        if event.get("more_body"):
            parts = [body]
            while event.get("more_body"):
                event = await receive()
                parts.append(event.get("body", b""))
            body = b"".join(parts)
        workspace = self.workspace
        query = dict(_query(scope["query_string"])) if scope["query_string"] else {}
        call = Call(scope["method"], path, body, dict(scope["headers"]), query)
        counters = workspace.counters
        counters.requests += 1
        counters.paths[path] += 1
        fault = workspace.faults.pick(path, body) if workspace.faults else None
        if fault is None:
            reply = answer(workspace, call)
        else:
            counters.faults += 1
            unanswered = await self._befall(fault, workspace, call, receive, send)
            if unanswered is None:
                counters.statuses[0] += 1
                return
            reply = unanswered
        counters.statuses[reply.status] += 1
        if reply.status == 429:
            counters.rate_limited += 1
        if latency := workspace.latency():
            await asyncio.sleep(latency)
        await send({"type": "http.response.start", "status": reply.status, "headers": _with_length(reply)})
        await send({"type": "http.response.body", "body": reply.body})

    async def _befall(
        self, fault: Fault, workspace: Workspace, call: Call, receive: Receive, send: Send
    ) -> Reply | None:
        """Let a fault happen; returns the answer that is still to be sent, if any."""
        call = replace(call, heard=False)
        if fault.effect in ("delay", "miscount"):
            reply = answer(workspace, call)
            if fault.effect == "miscount":
                return fault.miscounted(reply)
            await asyncio.sleep(fault.seconds)
            return reply
        if fault.when == "after":
            answer(workspace, call)
        if fault.effect == "status":
            return fault.reply()
        if fault.effect == "reset":
            _abort(send)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(_gone(receive), _FOREVER)
        return None


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _abort(send: Send) -> None:
    """Break the connection with a TCP reset. ASGI has no word for it, so uvicorn's transport is used."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise RuntimeError("this server gives no access to its connections, so it cannot reset one")
    connection = transport.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _with_length(reply: Reply) -> list[tuple[bytes, bytes]]:
    return [*reply.headers, (b"content-length", b"%d" % len(reply.body))]


def _query(text: bytes) -> list[tuple[str, str]]:
    from urllib.parse import parse_qsl

    return parse_qsl(text.decode("latin-1"), keep_blank_values=True)

"""The control API of the local Braze, under `/_control/`: for tests, the demo and people.

It answers on loopback only and asks for no key. Nothing here exists at Braze.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from braze_assets.emulator.counters import Counters
from braze_assets.emulator.faults import Fault
from braze_assets.emulator.state import load_state, profile_lines, save_state, seed
from braze_assets.emulator.workspace import Workspace
from braze_assets.errors import BrazeAssetsError

__all__ = ["control_app"]

Handler = Callable[[Request], Awaitable[Response]]


class Control:
    """The handlers, one a path.

    Args:
        workspace: What is controlled.
        state: The state file, if there is one.
    """

    def __init__(self, workspace: Workspace, state: Path | None) -> None:
        self.workspace = workspace
        self.state = state

    async def health(self, request: Request) -> Response:
        """`GET health`."""
        return JSONResponse({"ok": True})

    async def settings(self, request: Request) -> Response:
        """`GET settings`; `PATCH` changes some; `DELETE` goes back to those of the start."""
        workspace = self.workspace
        if request.method == "PATCH":
            workspace.configure(workspace.settings.changed(await _document(request)))
        elif request.method == "DELETE":
            workspace.configure(workspace.initial)
        shown = workspace.settings.model_dump(mode="json", exclude={"api_key"})
        return JSONResponse(shown)

    async def faults(self, request: Request) -> Response:
        """`GET faults`; `POST` sets one; `DELETE` clears all, or the one of `?id=`."""
        faults = self.workspace.faults
        if request.method == "POST":
            return JSONResponse({"id": faults.add(Fault.model_validate(await _document(request)))}, 201)
        if request.method == "DELETE":
            number = request.query_params.get("id")
            faults.remove(int(number) if number else None)
        return JSONResponse(faults.document())

    async def profiles(self, request: Request) -> Response:
        """`GET profiles` streams them as JSON lines; `POST` puts such lines."""
        workspace = self.workspace
        if request.method == "GET":
            workspace.settle()
            return StreamingResponse(_blocks(workspace), media_type="application/x-ndjson")
        rest, count, line = b"", 0, 1
        async for chunk in request.stream():
            *lines, rest = (rest + chunk).split(b"\n")
            count += seed(workspace, lines, first=line)
            line += len(lines)
        return JSONResponse({"profiles": count + seed(workspace, [rest], first=line)}, 201)

    async def profile(self, request: Request) -> Response:
        """`GET profile?external_id=`, `?braze_id=` or `?alias_name=&alias_label=`."""
        self.workspace.settle()
        profiles, query = self.workspace.profiles, request.query_params
        if "external_id" in query:
            found = profiles.by_external_id.get(query["external_id"])
        elif "braze_id" in query:
            found = profiles.by_braze_id.get(query["braze_id"])
        else:
            found = profiles.by_alias.get((query.get("alias_label", ""), query.get("alias_name", "")))
        if found is None:
            raise HTTPException(404, "no such profile")
        return Response(json.dumps(found.document()), media_type="application/json")

    async def counters(self, request: Request) -> Response:
        """`GET counters`; `DELETE` resets them."""
        workspace = self.workspace
        workspace.settle()
        if request.method == "DELETE":
            workspace.counters = Counters()
        sizes = {"profiles": len(workspace.profiles), "pending": len(workspace.pending)}
        return JSONResponse({**workspace.counters.document(), **sizes})

    async def requests(self, request: Request) -> Response:
        """`GET requests`: the recorded ones, oldest first; `DELETE` forgets them."""
        recorded = list(self.workspace.recorded)
        if request.method == "DELETE":
            self.workspace.recorded.clear()
        return Response(json.dumps(recorded), media_type="application/json")

    async def applied(self, request: Request) -> Response:
        """`GET applied`: the recorded requests that took effect, in that order; `DELETE` forgets them."""
        self.workspace.settle()
        applied = list(self.workspace.applied)
        if request.method == "DELETE":
            self.workspace.applied.clear()
        return Response(json.dumps(applied), media_type="application/json")

    async def apply(self, request: Request) -> Response:
        """`POST apply`: apply all pending changes now."""
        self.workspace.pending.settle(float("inf"))
        return await self.counters(request)

    async def clear(self, request: Request) -> Response:
        """`POST clear`: forget everything but the settings."""
        self.workspace.clear()
        return await self.counters(request)

    async def save(self, request: Request) -> Response:
        """`POST save`: write the state file."""
        return JSONResponse({"profiles": save_state(self.workspace, self._state())})

    async def load(self, request: Request) -> Response:
        """`POST load`: go back to the state file."""
        return JSONResponse({"profiles": load_state(self.workspace, self._state())})

    def _state(self) -> Path:
        if self.state is None:
            raise HTTPException(400, "this local Braze was started without a state file")
        return self.state


def control_app(workspace: Workspace, state: Path | None = None) -> Starlette:
    """The control API of a workspace as an ASGI application."""
    control = Control(workspace, state)
    methods = {
        "settings": ["GET", "PATCH", "DELETE"],
        "faults": ["GET", "POST", "DELETE"],
        "profiles": ["GET", "POST"],
        "counters": ["GET", "DELETE"],
        "requests": ["GET", "DELETE"],
        "applied": ["GET", "DELETE"],
        **{name: ["POST"] for name in ("apply", "clear", "save", "load")},
    }
    names = ["health", "profile", *methods]
    routes = [
        Route(f"/_control/{name}", _loopback_only(getattr(control, name)), methods=methods.get(name, ["GET"]))
        for name in names
    ]
    problems: Any = {
        ValidationError: _bad_request,
        ValueError: _bad_request,
        BrazeAssetsError: _bad_request,
        HTTPException: _http_error,
    }
    return Starlette(routes=routes, exception_handlers=problems)


def _loopback_only(handler: Handler) -> Handler:
    async def guarded(request: Request) -> Response:
        client = request.client
        if client is not None and not ip_address(client.host).is_loopback:
            raise HTTPException(403, "the control API answers on loopback only")
        return await handler(request)

    return guarded


async def _bad_request(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)


async def _document(request: Request) -> dict[str, Any]:
    document = json.loads(await request.body())
    if not isinstance(document, dict):
        raise ValueError("a JSON object is expected")
    return document


async def _blocks(workspace: Workspace, size: int = 1 << 18) -> AsyncIterator[bytes]:
    block = bytearray()
    for line in profile_lines(workspace):
        block += line
        if len(block) >= size:
            yield bytes(block)
            block.clear()
    yield bytes(block)

"""Requests to a workspace without a server."""

import json
from typing import Any

from braze_assets.emulator.endpoints import answer
from braze_assets.emulator.http import Call, Reply
from braze_assets.emulator.settings import Settings
from braze_assets.emulator.workspace import Workspace


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: float = 1_790_000_000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def workspace(clock: Clock | None = None, **settings: Any) -> Workspace:
    return Workspace(Settings(**settings), now=clock or Clock())


def call(space: Workspace, path: str, body: Any, *, method: str = "POST", **query: str) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {b"authorization": space.authorization, b"content-type": b"application/json; charset=utf-8"}
    return answer(space, Call(method, path, raw, headers, query))


def send(space: Workspace, *attributes: Any, **arrays: Any) -> Any:
    """Post `/users/track`; the answer's document with its `status`."""
    body = {"attributes": list(attributes), **arrays} if attributes else arrays
    reply = call(space, "/users/track", body)
    return {"status": reply.status, **json.loads(reply.body)}


def held(space: Workspace, external_id: str = "u") -> dict[str, Any]:
    """What the profile holds."""
    space.settle()
    return space.profiles.by_external_id[external_id].attributes


def put(space: Workspace, **attributes: Any) -> dict[str, Any]:
    """Send attributes of user `u`, and return what it holds then."""
    document = send(space, {"external_id": "u", **attributes})
    assert document["message"] == "success", document
    return held(space)

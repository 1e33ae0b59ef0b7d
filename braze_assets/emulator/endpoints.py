"""From a request to its endpoint: path, key, permission, rate limit, size, content type.

Source: Braze documentation "API errors and responses" and "API limits", September 2026. The order of these
checks is an assumption.
"""

from collections.abc import Callable
from dataclasses import dataclass

from braze_assets.emulator.export import export_ids, with_light_fields
from braze_assets.emulator.http import Call, Refused, Reply, json_reply
from braze_assets.emulator.identity import delete, identify, merge, new_alias, update_alias
from braze_assets.emulator.listing import custom_attributes, segments
from braze_assets.emulator.track import count_only, track
from braze_assets.emulator.workspace import Workspace

__all__ = ["ENDPOINTS", "answer"]


@dataclass(frozen=True)
class Endpoint:
    """One endpoint: what serves it, the permission it needs, the limits it shares."""

    serve: Callable[[Workspace, Call], Reply]
    permission: str
    group: str


ENDPOINTS: dict[tuple[str, str], Endpoint] = {
    ("POST", "/users/track"): Endpoint(track, "users.track", "track"),
    ("POST", "/users/export/ids"): Endpoint(export_ids, "users.export.ids", "export"),
    ("POST", "/users/delete"): Endpoint(delete, "users.delete", "identity"),
    ("POST", "/users/identify"): Endpoint(identify, "users.identify", "identity"),
    ("POST", "/users/alias/new"): Endpoint(new_alias, "users.alias.new", "identity"),
    ("POST", "/users/alias/update"): Endpoint(update_alias, "users.alias.update", "identity"),
    ("POST", "/users/merge"): Endpoint(merge, "users.merge", "identity"),
    ("GET", "/custom_attributes"): Endpoint(custom_attributes, "custom_attributes.get", "listing"),
    ("GET", "/segments/list"): Endpoint(segments, "segments.list", "other"),
}


def answer(workspace: Workspace, call: Call) -> Reply:
    """The answer to one request; its effect is applied or scheduled on the way."""
    workspace.settle()
    workspace.record(call)
    endpoint = ENDPOINTS.get((call.method, call.path))
    if endpoint is None:
        return _unknown(call)
    refusal = _key_problem(workspace, call, endpoint)
    if refusal is not None:
        return refusal
    group = endpoint.group
    if group == "export" and with_light_fields(call.body):
        group = "export_fields"
    headers, refusal = workspace.limits[group].enter(workspace.now())
    if refusal is not None:
        return refusal
    try:
        if call.method == "POST":
            _check_body(workspace, call)
        if workspace.settings.count_only and endpoint.serve is track:
            return count_only(workspace, call).adding(headers)
        return endpoint.serve(workspace, call).adding(headers)
    except Refused as refused:
        return refused.reply.adding(headers)


def _unknown(call: Call) -> Reply:
    if (call.method, call.path.rstrip("/")) in ENDPOINTS:  # documented as a cause of 403: a trailing slash
        return json_reply(403, {"message": "Access Denied"})
    return json_reply(404, {"message": "Invalid URL"})  # measured


def _key_problem(workspace: Workspace, call: Call, endpoint: Endpoint) -> Reply | None:
    given = call.headers.get(b"authorization", b"")
    if given != workspace.authorization:
        # Measured: the answer repeats the key. For a missing or malformed header that is an assumption.
        key = given.removeprefix(b"Bearer ").decode("latin-1")
        return json_reply(401, {"message": f"Invalid API key: {key}"})
    if workspace.permissions is not None and endpoint.permission not in workspace.permissions:
        status = workspace.settings.missing_permission_status
        return json_reply(status, {"message": "Access Denied" if status == 403 else "Unauthorized"})
    return None


def _check_body(workspace: Workspace, call: Call) -> None:
    if len(call.body) > workspace.settings.bytes_per_request:
        raise Refused(json_reply(413, {"message": "Request Entity Too Large"}))
    media = call.headers.get(b"content-type", b"").split(b";")[0].strip().lower()
    if media != b"application/json":
        raise Refused(json_reply(415, {"message": "Unsupported Media Type"}))

"""`GET /custom_attributes` and `GET /segments/list`.

Source: Braze documentation of these endpoints, September 2026: 50 attributes a page in alphabetical
order, the next page in a `Link` header; 100 segments a page. The form of the cursor is an assumption.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from braze_assets.emulator.http import Call, Refused, Reply, json_reply
from braze_assets.emulator.workspace import Workspace

__all__ = ["custom_attributes", "segments"]

ATTRIBUTES_PER_PAGE = 50
SEGMENTS_PER_PAGE = 100

_FORCED = {
    "string": "String",
    "boolean": "Boolean",
    "number": "Number",
    "time": "Time",
    "array": "Array",
    "object": "Object",
    "object_array": "Object Array",
}


def custom_attributes(workspace: Workspace, call: Call) -> Reply:
    """The custom attributes that were ever set, with type, array length and status."""
    settings = workspace.settings
    types = {
        **dict.fromkeys(settings.blocklist, "String"),
        **workspace.applier.types,
        **{name: _FORCED[forced] for name, forced in settings.forced_types.items()},
    }
    after = _cursor(call.query.get("cursor"))
    names = sorted(name for name in types if after is None or name > after)
    page = names[:ATTRIBUTES_PER_PAGE]
    attributes: list[dict[str, Any]] = [
        {
            "array_length": settings.array_items if types[name] == "Array" else None,
            "data_type": types[name],
            "description": None,
            "name": name,
            "status": "Blocklisted" if name in settings.blocklist else "Active",
            "tag_names": [],
        }
        for name in page
    ]
    reply = json_reply(200, {"message": "success", "attributes": attributes})
    if len(names) <= ATTRIBUTES_PER_PAGE:
        return reply
    host = call.headers.get(b"host", b"127.0.0.1").decode("latin-1")
    cursor = quote(urlsafe_b64encode(page[-1].encode("utf-8", "surrogatepass")).decode())
    link = f'<http://{host}/custom_attributes?cursor={cursor}>; rel="next"'
    return reply.adding(((b"link", link.encode()),))


def segments(workspace: Workspace, call: Call) -> Reply:
    """The segments named in the settings."""
    try:
        page = int(call.query.get("page", "0"))
    except ValueError:
        raise Refused(json_reply(400, {"message": "'page' must be a number"})) from None
    names = list(workspace.settings.segments)
    if call.query.get("sort_direction") == "desc":
        names.reverse()
    shown = names[max(0, page) * SEGMENTS_PER_PAGE :][:SEGMENTS_PER_PAGE]
    documents = [
        {"id": str(uuid5(NAMESPACE_URL, name)), "name": name, "analytics_tracking_enabled": False, "tags": []}
        for name in shown
    ]
    return json_reply(200, {"message": "success", "segments": documents})


def _cursor(text: str | None) -> str | None:
    if not text:
        return None
    try:
        return urlsafe_b64decode(text.encode()).decode("utf-8", "surrogatepass")
    except ValueError:
        raise Refused(json_reply(400, {"message": "'cursor' is not valid"})) from None

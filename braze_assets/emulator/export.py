"""`POST /users/export/ids`: profiles as Braze shows them, which is not always as they were sent.

Source: Braze documentation "Export users by identifier", September 2026: at most 50 users, empty fields are
left out, unknown identifiers are listed, `fields_to_export` narrows the answer. How values look again is an
assumption where marked A: what was detected as a time comes back in another spelling.
"""

import zlib
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from braze_assets.emulator.http import Call, Refused, Reply, json_reply, parse_json
from braze_assets.emulator.profiles import Profile
from braze_assets.emulator.standard import STANDARD_FIELDS
from braze_assets.emulator.times import parse_time
from braze_assets.emulator.workspace import Workspace

__all__ = ["export_ids", "with_light_fields"]

_PLAIN = (
    *("first_name", "last_name", "email", "dob", "home_city", "country", "phone", "language", "time_zone"),
    *("gender", "email_subscribe", "push_subscribe"),
)


def export_ids(workspace: Workspace, call: Call) -> Reply:
    """The profiles of up to 50 users."""
    document = parse_json(call.body)
    if not isinstance(document, dict):
        raise _refused("a JSON object is expected")
    fields = document.get("fields_to_export")
    if fields is None and workspace.settings.fields_to_export_required:
        raise _refused("'fields_to_export' is required")
    if fields is not None and not (isinstance(fields, list) and all(isinstance(f, str) for f in fields)):
        raise _refused("'fields_to_export' must be an array of strings")
    found, unknown = _find(workspace, document)
    wanted = None if fields is None else frozenset(fields)
    users = [_shown(profile, wanted, workspace) for profile in found]
    answer: dict[str, Any] = {"message": "success", "users": users}
    if unknown:
        answer["invalid_user_ids"] = unknown
    return json_reply(201, answer)


def with_light_fields(body: bytes) -> bool:
    """Whether a request names its fields, without campaigns and canvases: that has a limit of its own."""
    heavy = (b'"campaigns_received"', b'"canvases_received"')
    return b'"fields_to_export"' in body and not any(field in body for field in heavy)


def _find(workspace: Workspace, document: dict[str, Any]) -> tuple[list[Profile], list[str]]:
    profiles = workspace.profiles
    ids, aliases = document.get("external_ids", []), document.get("user_aliases", [])
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise _refused("'external_ids' must be an array of strings")
    if not isinstance(aliases, list) or not all(isinstance(one, dict) for one in aliases):
        raise _refused("'user_aliases' must be an array of objects")
    if len(ids) + len(aliases) > workspace.settings.ids_per_request:
        raise _refused("The max number of external_ids and aliases per request was exceeded")  # D
    contacts = [kind for kind in ("device_id", "email_address", "phone") if document.get(kind)]
    if len(contacts) > 1:
        raise _refused("only one of 'device_id', 'email_address' and 'phone' may be given")
    if not (ids or aliases or contacts or document.get("braze_id")):
        raise _refused("an identifier is required")
    matches: list[tuple[str, Profile | None]] = [(one, profiles.by_external_id.get(one)) for one in ids]
    for alias in aliases:
        label, name = str(alias.get("alias_label")), str(alias.get("alias_name"))
        matches.append((name, profiles.by_alias.get((label, name))))  # A: by its name among the unknown
    if braze_id := document.get("braze_id"):
        matches.append((str(braze_id), profiles.by_braze_id.get(braze_id)))
    for kind in contacts:
        value = str(document[kind])
        field = {"email_address": "email", "phone": "phone"}.get(kind)
        matches.append((value, profiles.find_contact(field, value) if field else None))
    found = {profile.braze_id: profile for _, profile in matches if profile is not None}
    return list(found.values()), [text for text, profile in matches if profile is None]


def _shown(profile: Profile, wanted: frozenset[str] | None, workspace: Workspace) -> dict[str, Any]:
    style = workspace.settings.export_time_format
    attributes = profile.attributes
    makers: dict[str, Callable[[], Any]] = {
        "external_id": lambda: profile.external_id,
        "braze_id": lambda: profile.braze_id,
        "user_aliases": lambda: profile.alias_documents(),
        "created_at": lambda: _time(datetime.fromtimestamp(profile.created, timezone.utc), "utc"),
        "random_bucket": lambda: zlib.crc32(profile.braze_id.encode()) % 10_000,
        **{name: lambda name=name: attributes.get(name) for name in _PLAIN},  # type: ignore[misc]
        "last_coordinates": lambda: _coordinates(attributes.get("current_location")),
        "custom_attributes": lambda: {
            name: _value(value, style) for name, value in attributes.items() if name not in STANDARD_FIELDS
        },
        "custom_events": lambda: _log(profile.events, style),
        "purchases": lambda: _log(profile.purchases, style),
        "total_revenue": lambda: profile.revenue,
        "push_tokens": lambda: [{"token": token["token"]} for token in attributes.get("push_tokens", ())],
    }
    shown = {name: make() for name, make in makers.items() if wanted is None or name in wanted}
    return {
        name: value for name, value in shown.items() if value not in (None, [], {})
    }  # D: the least possible


def _value(value: Any, style: str) -> Any:
    """A custom attribute as an export shows it: what was detected as a time is spelled anew (A)."""
    if value.__class__ is str:
        detected = parse_time(value) if value[:1].isdigit() else None
        return value if detected is None else _time(detected, style)
    return _nested(value, style)


def _nested(value: Any, style: str) -> Any:
    if value.__class__ is list:
        return [_nested(item, style) for item in value]
    if value.__class__ is not dict:
        return value
    if "$time" in value and (detected := parse_time(value["$time"])) is not None:
        return _time(detected, style)
    return {name: _nested(item, style) for name, item in value.items()}


def _time(at: datetime, style: str) -> str:
    millis = f"{at.microsecond // 1000:03}"
    if style == "utc":
        return f"{at:%Y-%m-%d %H:%M:%S}.{millis} UTC"
    return f"{at:%Y-%m-%dT%H:%M:%S}.{millis}Z"


def _coordinates(location: Any) -> list[float] | None:
    return [location["longitude"], location["latitude"]] if location else None


def _log(log: dict[str, Any] | None, style: str) -> list[dict[str, Any]]:
    shown = []
    for name, entry in (log or {}).items():
        first, last = parse_time(entry["first"]), parse_time(entry["last"])
        if first and last:
            shown.append(
                {
                    "name": name,
                    "first": _time(first, style),
                    "last": _time(last, style),
                    "count": entry["count"],
                }
            )
    return shown


def _refused(message: str) -> Refused:
    return Refused(json_reply(400, {"message": message}))

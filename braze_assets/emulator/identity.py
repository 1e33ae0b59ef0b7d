"""`/users/delete`, `/users/identify`, `/users/alias/new`, `/users/alias/update`, `/users/merge`.

Source: Braze documentation of these endpoints, September 2026. All of them answer first and take
effect later. D marks what is documented, A what is assumed; texts of refusals are A unless marked.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from braze_assets.emulator.http import Call, Refused, Reply, json_reply, parse_json
from braze_assets.emulator.merging import merge_profiles
from braze_assets.emulator.profiles import Profile, Profiles
from braze_assets.emulator.workspace import Workspace

__all__ = ["delete", "identify", "merge", "new_alias", "update_alias"]

Alias = tuple[str, str]

_DELETE_KINDS = ("external_ids", "braze_ids", "user_aliases")
_IDENTIFY_KINDS = ("aliases_to_identify", "emails_to_identify", "phone_numbers_to_identify")
_MERGE_KEYS = {"identifier_to_merge", "identifier_to_keep"}
_NOT_AN_IDENTIFIER = (  # D
    "identifiers must be objects with an 'external_id' property that is a string, "
    "or 'user_alias' property that is an object"
)


def delete(workspace: Workspace, call: Call) -> Reply:
    """Delete up to 50 users, named by one kind of identifier. The count is of the identifiers (D)."""
    document = _object(call)
    kinds = [kind for kind in _DELETE_KINDS if kind in document]
    if len(kinds) != 1:
        raise _refused(f"exactly one of {', '.join(_DELETE_KINDS)} is required")
    entries = _entries(document, kinds[0], workspace, object if kinds[0] == "user_aliases" else str)
    for entry in entries:
        workspace.later(partial(_delete, workspace, kinds[0], entry))
    return json_reply(201, {"deleted": len(entries), "message": "success"})


def new_alias(workspace: Workspace, call: Call) -> Reply:
    """Give users an alias; without `external_id` an alias-only user is made (D)."""
    entries = _entries(_object(call), "user_aliases", workspace)
    pairs = [(entry.get("external_id"), _alias(entry)) for entry in entries]
    for external_id, alias in pairs:
        workspace.later(partial(_new_alias, workspace, external_id, alias))
    return json_reply(201, {"aliases_processed": len(entries), "message": "success"})


def update_alias(workspace: Workspace, call: Call) -> Reply:
    """Rename aliases."""
    entries = _entries(_object(call), "alias_updates", workspace)
    changes = [
        (_alias({**entry, "alias_name": entry.get("old_alias_name")}), entry.get("new_alias_name"))
        for entry in entries
    ]
    if not all(isinstance(name, str) and name for _, name in changes):
        raise _refused("'new_alias_name' is required")
    for alias, name in changes:
        workspace.later(partial(_update_alias, workspace, alias, name))
    return json_reply(201, {"aliases_processed": len(entries), "message": "success"})


def identify(workspace: Workspace, call: Call) -> Reply:
    """Give alias-only, email-only or phone-only users an `external_id`; merges where it is taken (D)."""
    document = _object(call)
    behaviour = document.get("merge_behavior", "merge")
    if behaviour not in ("merge", "none"):
        raise _refused("'merge_behavior' must be 'none' or 'merge'")
    steps: list[Callable[[], None]] = []
    answer: dict[str, Any] = {}
    for kind in _IDENTIFY_KINDS:
        if kind not in document:
            continue
        entries = _entries(document, kind, workspace)
        answer[kind.replace("_to_identify", "_processed")] = len(entries)
        for entry in entries:
            external_id = entry.get("external_id")
            if not isinstance(external_id, str) or not external_id:
                raise _refused("'external_id' is required")
            find = _finder(kind, entry)
            steps.append(partial(_identify, workspace, external_id, find, behaviour == "merge"))
    if not answer:
        raise _refused(f"one of {', '.join(_IDENTIFY_KINDS)} is required")
    for step in steps:
        workspace.later(step)
    return json_reply(201, {**answer, "message": "success"})


def merge(workspace: Workspace, call: Call) -> Reply:
    """Merge up to 50 pairs of users, in no promised order (D)."""
    updates = _object(call).get("merge_updates")
    if not isinstance(updates, list) or not all(isinstance(update, dict) for update in updates):
        raise _refused("'merge_updates' must be an array of objects")  # D
    if len(updates) > workspace.settings.ids_per_request:
        raise _refused("a single request may not contain more than 50 merge updates")  # D
    pairs = []
    for update in updates:
        if update.keys() != _MERGE_KEYS:
            raise _refused(
                "'merge_updates' must only have 'identifier_to_merge' and 'identifier_to_keep'"
            )  # D
        pairs.append((update["identifier_to_merge"], update["identifier_to_keep"]))
        kinds = {_merge_kind(identifier) for identifier in pairs[-1]}
        if len(kinds) > 1:
            raise _refused("identifiers must be objects of the same type")  # D
    for source, target in pairs:
        workspace.later(partial(_merge, workspace, source, target))
    return json_reply(202, {"message": "success"})


def _delete(workspace: Workspace, kind: str, entry: Any) -> None:
    profiles = workspace.profiles
    if kind == "external_ids":
        found = profiles.by_external_id.get(entry)
    elif kind == "braze_ids":
        found = profiles.by_braze_id.get(entry)
    else:
        found = profiles.by_alias.get((entry.get("alias_label"), entry.get("alias_name")))
    if found is not None:
        profiles.delete(found)


def _new_alias(workspace: Workspace, external_id: Any, alias: Alias) -> None:
    profiles = workspace.profiles
    if external_id is not None:
        found = profiles.by_external_id.get(external_id)
        if found is not None:  # D: an unknown external_id is no error, and nothing happens
            profiles.add_alias(found, alias)
    elif alias not in profiles.by_alias:
        profiles.add_alias(profiles.new(), alias)


def _update_alias(workspace: Workspace, alias: Alias, name: str) -> None:
    profiles = workspace.profiles
    found = profiles.by_alias.get(alias)
    if found is not None and profiles.add_alias(found, (alias[0], name)) and alias != (alias[0], name):
        profiles.remove_alias(found, alias)


def _identify(
    workspace: Workspace, external_id: str, find: Callable[[Profiles], Profile | None], merging: bool
) -> None:
    profiles = workspace.profiles
    found = find(profiles)
    if found is None or found.external_id is not None:
        return  # D: no match stops silently; A: an identified user stays who it is
    target = profiles.by_external_id.get(external_id)
    if target is None:
        profiles.name(found, external_id)
    elif merging:
        merge_profiles(profiles, found, target)
    else:  # A: without merging the alias moves, and the anonymous profile goes
        aliases = found.aliases or []
        profiles.delete(found)
        for alias in aliases:
            profiles.add_alias(target, alias)


def _merge(workspace: Workspace, source: dict[str, Any], target: dict[str, Any]) -> None:
    merged, kept = (_by_identifier(workspace.profiles, identifier) for identifier in (source, target))
    if merged is not None and kept is not None and merged is not kept:
        merge_profiles(workspace.profiles, merged, kept)


def _by_identifier(profiles: Profiles, identifier: dict[str, Any]) -> Profile | None:
    if isinstance(identifier.get("external_id"), str):
        return profiles.by_external_id.get(identifier["external_id"])
    alias = identifier["user_alias"]
    return profiles.by_alias.get((alias.get("alias_label"), alias.get("alias_name")))


def _merge_kind(identifier: Any) -> str:
    if isinstance(identifier, dict):
        if isinstance(identifier.get("external_id"), str):
            return "external_id"
        if isinstance(identifier.get("user_alias"), dict):
            return "user_alias"
    raise _refused(_NOT_AN_IDENTIFIER)


def _finder(kind: str, entry: dict[str, Any]) -> Callable[[Profiles], Profile | None]:
    if kind == "aliases_to_identify":
        user_alias = entry.get("user_alias")
        alias = _alias(user_alias if isinstance(user_alias, dict) else {})
        return lambda profiles: profiles.by_alias.get(alias)
    field = "email" if kind == "emails_to_identify" else "phone"
    value = entry.get(field)
    if not isinstance(value, str):
        raise _refused(f"'{field}' is required")
    # D: `prioritization` chooses among several; only unidentified profiles count here, the newest first (A).
    return lambda profiles: profiles.find_contact(field, value, identified=False)


def _alias(entry: dict[str, Any]) -> Alias:
    label, name = entry.get("alias_label"), entry.get("alias_name")
    if not (isinstance(label, str) and label and isinstance(name, str) and name):
        raise _refused("'alias_name' and 'alias_label' are required")
    return (label, name)


def _object(call: Call) -> dict[str, Any]:
    document = parse_json(call.body)
    if not isinstance(document, dict):
        raise _refused("a JSON object is expected")
    return document


def _entries(document: dict[str, Any], name: str, workspace: Workspace, of: type = object) -> list[Any]:
    entries = document.get(name)
    kind, word = (str, "strings") if of is str else (dict, "objects")
    if not isinstance(entries, list) or not all(isinstance(entry, kind) for entry in entries):
        raise _refused(f"'{name}' must be an array of {word}")
    if len(entries) > workspace.settings.ids_per_request:
        raise _refused("The max number of ids per request was exceeded")  # D
    return entries


def _refused(message: str) -> Refused:
    return Refused(json_reply(400, {"message": message}))

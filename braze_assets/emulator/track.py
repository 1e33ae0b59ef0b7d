"""`POST /users/track`: limits, validation, answer.

Source: Braze documentation "Create and update users", September 2026; the shapes of the answers were measured
on a live workspace (September 2026), see `objects.py` for the single texts.
"""

from typing import Any

from braze_assets.emulator.http import Call, Refused, Reply, json_reply, parse_json
from braze_assets.emulator.objects import VALIDATORS
from braze_assets.emulator.workspace import Workspace

__all__ = ["count_only", "track"]

NOTHING_VALID = (
    "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields."  # measured
)


def track(workspace: Workspace, call: Call) -> Reply:
    """Take the valid objects of a request, refuse the others by array and index."""
    arrays = _arrays(workspace, parse_json(call.body))
    taken: dict[str, list[dict[str, Any]]] = {}
    errors: list[dict[str, Any]] = []
    blocked = workspace.blocked
    sent = 0
    for array, items in arrays.items():
        problem_of = VALIDATORS[array]
        good = taken[array] = []
        sent += len(items)
        for index, item in enumerate(items):
            problem = problem_of(item, blocked)
            if problem is None:
                good.append(item)
            else:
                errors.append({"index": index, "input_array": array, "type": problem})
    counters = workspace.counters
    counters.objects += sent
    counters.rejected += len(errors)
    counters.accepted += sent - len(errors)
    if sent == len(errors):  # measured for invalid objects; that empty arrays get the same is an assumption
        return json_reply(400, {"message": NOTHING_VALID, **({"errors": errors} if errors else {})})
    workspace.accept(taken, call)
    document: dict[str, Any] = {f"{array}_processed": len(good) for array, good in taken.items()}
    if errors:
        document["errors"] = errors
    document["message"] = "success"
    return json_reply(201, document)


def count_only(workspace: Workspace, call: Call) -> Reply:
    """Answer as if every object were a valid attributes object; nothing is parsed or kept."""
    body = call.body
    count = body.count(b'"external_id":') or body.count(b'"braze_id":') or body.count(b'"alias_name":')
    counters = workspace.counters
    counters.objects += count
    counters.accepted += count
    return Reply(201, b'{"attributes_processed":%d,"message":"success"}' % count)


def _arrays(workspace: Workspace, document: Any) -> dict[str, list[Any]]:
    """The arrays that were sent, in the order Braze processes them.

    Raises:
        Refused: The document has no such shape, or too many objects.
    """
    if not isinstance(document, dict):
        raise Refused(json_reply(400, {"message": NOTHING_VALID}))
    arrays = {}
    for array in VALIDATORS:
        if (items := document.get(array)) is None:
            continue
        if not isinstance(items, list):
            raise Refused(
                json_reply(400, {"message": f"'{array}' must be an array of objects"})
            )  # assumption
        arrays[array] = items
    settings = workspace.settings
    sizes = [len(items) for items in arrays.values()] or [0]
    size = sum(sizes) if settings.object_limit == "combined" else max(sizes)
    if size > settings.objects_per_request:
        # The title is documented, the wording of the body is an assumption.
        raise Refused(json_reply(400, {"message": "Max Input Length Exceeded"}))
    return arrays

"""Which objects of a `/users/track` request Braze takes, and what it says about the others.

M marks texts somebody measured on a live workspace, D documented codes and rules ("Create and update users",
September 2026), A assumptions. Where only a code is documented, the code is what we answer (A): the prose
around it is not known.
"""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

from braze_assets.emulator.times import parse_time

__all__ = ["VALIDATORS", "Problem"]

Problem = str
"""The `type` of an entry in the answer's `errors`."""

Blocked = frozenset[str]

MANY_IDENTIFIERS = "You must specify only one of 'external_id', 'user_alias' or 'braze_id'"  # M
NO_IDENTIFIER = "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required"  # M
BAD_EMAIL = "The value provided for the 'email' field is not a valid email."  # M
BLOCKED_USER = "provided external_id is blacklisted and disallowed"  # D
MAX_EXTERNAL_ID_BYTES = 987

_SUBSCRIBE_STATES = ("subscribed", "unsubscribed", "opted_in")
_EMAIL = re.compile(r"[^@\s\"(),:;<>\[\]\\]+@(?:[^@\s.\"(),:;<>\[\]\\]+\.)+[^@\s.\"(),:;<>\[\]\\]{2,}")


def attributes_problem(item: Any, blocked: Blocked) -> Problem | None:
    """Why an attributes object is refused; `None` if it is taken."""
    if item.__class__ is not dict:
        return "attributes must be an array of objects"  # A
    if item.get("push_token_import"):
        if "external_id" in item or "braze_id" in item or not item.get("push_tokens"):
            return "BAD_PUSH_TOKEN_IMPORT"  # D
    elif (problem := identity_problem(item, blocked)) is not None:
        return problem
    for field, check in _CHECKED_FIELDS:
        if field in item and (problem := check(item[field])) is not None:
            return problem
    return None


def identity_problem(item: dict[str, Any], blocked: Blocked) -> Problem | None:
    """What is wrong with the identifiers of an object."""
    external_id, alias, braze_id = item.get("external_id"), item.get("user_alias"), item.get("braze_id")
    if external_id.__class__ is str and external_id and alias is None and braze_id is None:  # the common case
        if (
            len(external_id) * 4 > MAX_EXTERNAL_ID_BYTES
            and len(external_id.encode("utf-8", "replace")) > MAX_EXTERNAL_ID_BYTES
        ):
            return "EXTERNAL_USER_ID_TOO_LARGE"  # D
        return BLOCKED_USER if external_id in blocked else None
    given = [kind for kind in ("external_id", "user_alias", "braze_id") if item.get(kind) not in (None, "")]
    if len(given) > 1:
        return MANY_IDENTIFIERS
    if not given:
        contact = item.get("email") or item.get("phone")
        return None if isinstance(contact, str) else NO_IDENTIFIER
    if given == ["user_alias"]:
        sound = isinstance(alias, dict) and all(
            isinstance(alias.get(key), str) and alias[key] for key in ("alias_name", "alias_label")
        )
        return None if sound else "'user_alias' must be an object with 'alias_name' and 'alias_label'"  # A
    return None if isinstance(braze_id, str) else f"'{given[0]}' must be a string"  # A


def event_problem(item: Any, blocked: Blocked) -> Problem | None:
    """Why an event is refused. Wordings are assumptions."""
    if item.__class__ is not dict:
        return "events must be an array of objects"
    if (problem := identity_problem(item, blocked)) is not None:
        return problem
    if not isinstance(item.get("name"), str) or not item["name"]:
        return "'name' is required"
    return _time_problem(item) or _properties_problem(item)


def purchase_problem(item: Any, blocked: Blocked) -> Problem | None:
    """Why a purchase is refused. Only the wording about the quantity was measured."""
    if item.__class__ is not dict:
        return "purchases must be an array of objects"
    if (problem := identity_problem(item, blocked)) is not None:
        return problem
    for key in ("product_id", "currency"):
        if not isinstance(item.get(key), str) or not item[key]:
            return f"'{key}' is required"
    if item.get("price").__class__ not in (int, float):
        return "'price' is not valid"
    quantity = item.get("quantity", 1)
    if quantity.__class__ is not int or not 1 <= quantity <= 100:
        return "'quantity' is not valid"  # M
    return _time_problem(item) or _properties_problem(item)


def _time_problem(item: dict[str, Any]) -> Problem | None:
    moment = item.get("time")
    return None if isinstance(moment, str) and parse_time(moment) is not None else "'time' is not valid"


def _properties_problem(item: dict[str, Any]) -> Problem | None:
    return None if item.get("properties", {}).__class__ is dict else "'properties' is not valid"


def _email(value: Any) -> Problem | None:
    sound = value is None or (isinstance(value, str) and len(value) <= 255 and _EMAIL.fullmatch(value))
    return None if sound else BAD_EMAIL


def _subscribe(field: str) -> Callable[[Any], Problem | None]:
    problem = (
        f"'{field}' must be 'subscribed', 'unsubscribed', or 'opted_in'"  # M; that null is refused too: A
    )
    return lambda value: None if value in _SUBSCRIBE_STATES else problem


def _location(value: Any) -> Problem | None:
    if value is None:
        return None
    sound = value.__class__ is dict and all(
        value.get(key).__class__ in (int, float) for key in ("longitude", "latitude")
    )
    return None if sound else "BAD_LOCATION_UPDATE"  # D


def _subscription_groups(value: Any) -> Problem | None:
    if value.__class__ is not list:
        return "BAD_SUBSCRIPTION_GROUP_ARRAY"  # D
    for entry in value:
        if entry.__class__ is not dict:
            return "BAD_SUBSCRIPTION_GROUP_HASH"  # D
        try:
            UUID(entry.get("subscription_group_id"))
        except (ValueError, TypeError, AttributeError):
            return "BAD_SUBSCRIPTION_GROUP_ID"  # D
        if entry.get("subscription_state") not in ("subscribed", "unsubscribed"):
            return "BAD_SUBSCRIPTION_GROUP_STATE"  # D
    return None


def _push_tokens(value: Any) -> Problem | None:
    if value.__class__ is not list or any(entry.__class__ is not dict for entry in value):
        return "BAD_PUSH_TOKEN_VALUE"  # D
    for entry in value:
        if not isinstance(entry.get("app_id"), str):
            return "BAD_PUSH_TOKEN_APP_ID"  # D
        if not isinstance(entry.get("token"), str):
            return "BAD_PUSH_TOKEN_STRING"  # D
        device = entry.get("device_id")
        if device is not None and not (
            isinstance(device, str) and 8 <= len(device.encode("utf-8", "replace")) <= 255
        ):
            return "BAD_DEVICE_ID"  # D
    return None


_CHECKED_FIELDS: tuple[tuple[str, Callable[[Any], Problem | None]], ...] = (
    ("email", _email),
    ("email_subscribe", _subscribe("email_subscribe")),
    ("push_subscribe", _subscribe("push_subscribe")),
    ("current_location", _location),
    ("subscription_groups", _subscription_groups),
    ("push_tokens", _push_tokens),
    ("email_subscription_info", lambda value: "INVALID_ATTRIBUTE_EMAIL_SUBSCRIPTION_INFO"),  # D
)

VALIDATORS: dict[str, Callable[[Any, Blocked], Problem | None]] = {
    "attributes": attributes_problem,
    "events": event_problem,
    "purchases": purchase_problem,
}
"""The arrays of a request in the order Braze begins to process them (D)."""

"""Profiles read back from Braze, by identifier."""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.braze.limits import Limits
from braze_assets.braze.rate_headers import read_rate_headers
from braze_assets.braze.redaction import impersonal, redact
from braze_assets.delivery.client import BrazeClient
from braze_assets.delivery.clocks import Clocks
from braze_assets.delivery.limiter import RateLimiter
from braze_assets.delivery.no_reply import NoReplyError
from braze_assets.delivery.preflight import wait_for_permit
from braze_assets.delivery.settings import DeliverySettings
from braze_assets.delivery.shared import limiter_for
from braze_assets.errors import DeliveryError

__all__ = ["read_profiles"]

Profile = Mapping[str, Any]

_REMEDIES = {
    401: "Check both: the API key, and that the instance is the one where that key was made.",
    403: "Make a key that has the permission 'users.export.ids' too; those of a key cannot be changed.",
    404: "The instance must be a REST endpoint, such as https://rest.iad-01.braze.com, without a path.",
}


def read_profiles(
    client: BrazeClient,
    identifiers: Sequence[str],
    *,
    kind: IdentifierKind,
    fields: Sequence[str],
    limits: Limits,
    settings: DeliverySettings,
    clocks: Clocks,
) -> Iterator[tuple[dict[str, Profile], Sequence[str]]]:
    """Identifier to exported profile, unknown users left out, and who was asked for: one pair a request.

    Requests are spaced evenly over the rate limit: a burst would meet the limit a second that some contracts
    have beside the one a minute. A `braze_id` can only be asked for alone.

    Raises:
        DeliveryError: Braze does not answer, or not this key.
    """
    size = 1 if kind == "braze_id" else limits.export_ids_per_request
    spacing = 60.0 / limits.export_requests_per_minute
    free_at = clocks.monotonic()
    limiter = limiter_for(client, limits, endpoint="export")
    for start in range(0, len(identifiers), size):
        some = identifiers[start : start + size]
        if (wait := free_at - clocks.monotonic()) > 0:
            clocks.sleep(wait)
        free_at = clocks.monotonic() + spacing
        users = _ask(client, limiter, _named(kind, some), fields, settings, clocks)
        yield _by_identifier(users, kind, some), some


def _named(kind: IdentifierKind, some: Sequence[str]) -> dict[str, Any]:
    if kind == "external_id":
        return {"external_ids": list(some)}
    if kind == "braze_id":
        return {"braze_id": some[0]}
    return {"user_aliases": [json.loads(alias) for alias in some]}


def _by_identifier(users: Sequence[Profile], kind: IdentifierKind, some: Sequence[str]) -> dict[str, Profile]:
    if kind != "user_alias":
        return {user[kind]: user for user in users if user.get(kind) in some}
    wanted = {_alias(json.loads(alias)): alias for alias in some}
    found: dict[str, Profile] = {}
    for user in users:
        for alias in user.get("user_aliases") or ():
            if isinstance(alias, Mapping) and (identifier := wanted.get(_alias(alias))):
                found[identifier] = user
    return found


def _alias(alias: Mapping[str, Any]) -> tuple[Any, Any]:
    return alias.get("alias_name"), alias.get("alias_label")


def _ask(
    client: BrazeClient,
    limiter: RateLimiter,
    identifiers: Mapping[str, Any],
    fields: Sequence[str],
    settings: DeliverySettings,
    clocks: Clocks,
) -> list[Profile]:
    chance = clocks.chance()
    for attempt in range(1, settings.max_attempts + 1):
        pause = min(settings.backoff_cap, settings.backoff_base * 2.0 ** (attempt - 1))
        pause = pause / 2 + chance.uniform(0, pause / 2)
        permit = wait_for_permit(limiter, clocks)
        try:
            reply = client.export_ids(identifiers=identifiers, fields=fields)
        except NoReplyError:
            if attempt == settings.max_attempts:
                raise
            clocks.sleep(pause)
            continue
        finally:
            limiter.done(permit, now=clocks.monotonic(), wall=clocks.now().timestamp())
        document = _document(reply.body)
        users = document.get("users")
        if 200 <= reply.status < 300 and isinstance(users, list):
            return [user for user in users if isinstance(user, Mapping)]
        if reply.status == 429:
            pause += read_rate_headers(reply.headers, now=clocks.now()).wait or 0.0
        elif 300 <= reply.status < 500:
            said = redact(str(document.get("message") or "no explanation"), client.secrets)
            said = impersonal(said, objects=[json.dumps(identifiers)])
            raise DeliveryError(
                f"Braze does not export profiles: HTTP {reply.status}, {said}.",
                place=f"{client.endpoint}/users/export/ids",
                remedy=_REMEDIES.get(reply.status, "Check the instance and the key."),
            )
        clocks.sleep(pause)
    raise NoReplyError(
        f"Braze does not export profiles: HTTP {reply.status} after {settings.max_attempts} attempts.",
        place=f"{client.endpoint}/users/export/ids",
        remedy="Try again later; Braze's status page tells of incidents.",
        sent=False,
    )


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}

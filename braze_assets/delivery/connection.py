"""Whether a destination can be sent to: asked before anything is sent, and without sending anything."""

import difflib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from braze_assets.braze.limits import Limits
from braze_assets.braze.redaction import hide, redact
from braze_assets.delivery.client import BrazeClient, HttpReply
from braze_assets.delivery.clocks import Clocks
from braze_assets.delivery.no_reply import DeniedError
from braze_assets.delivery.preflight import check_first
from braze_assets.delivery.shared import limiter_for
from braze_assets.errors import BrazeAssetsError, DeliveryError
from braze_assets.storage.probe import probe_place

__all__ = ["Finding", "check_destination"]

_ATTEMPTS = 2
_PAGES = 1_000
"""Of `/segments/list`, which has 100 segments a page."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one look at a destination found."""

    subject: str
    """connection, segment or drop location."""
    passed: bool
    cause: str
    """What is so, in one sentence, without keys."""
    place: str = ""
    remedy: str = ""


def check_destination(
    client: Callable[[], BrazeClient],
    *,
    limits: Limits | None = None,
    segment_name: str = "",
    drop_url: str = "",
    write_probe: bool = False,
    clocks: Clocks | None = None,
) -> tuple[Finding, ...]:
    """Look at everything a destination needs. No data is sent, and no user is touched.

    The connection is asked by a request without objects, which Braze refuses, but only after it has looked at
    key and permission.

    Args:
        client: Makes the client; its errors are findings too.
        limits: The rate limit that these requests count towards.
        segment_name: The segment that must exist in Braze; empty: none.
        drop_url: Where files are dropped; empty: nowhere.
        write_probe: Whether a probe is written there and removed again.
        clocks: Time, for tests.
    """
    findings: list[Finding] = []
    secrets: tuple[str, ...] = ()
    try:
        with client() as opened:
            secrets = opened.secrets
            connection = _finding("connection", lambda: _connection(opened, limits, clocks))
            findings.append(connection)
            if segment_name and connection.passed:
                findings.append(_finding("segment", lambda: _segment(opened, segment_name)))
            elif segment_name:
                findings.append(
                    Finding(subject="segment", passed=False, cause="Not asked: there is no connection.")
                )
    except BrazeAssetsError as error:
        findings.append(_failed("connection", error))
    if drop_url:
        findings.append(_finding("drop location", lambda: _drop_location(drop_url, write_probe)))
    return tuple(_discreet(each, secrets) for each in findings)


def _finding(subject: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(subject=subject, passed=True, cause=look())
    except BrazeAssetsError as error:
        return _failed(subject, error)


def _failed(subject: str, error: BrazeAssetsError) -> Finding:
    return Finding(
        subject=subject,
        passed=False,
        cause=error.cause,
        place=error.place or "",
        remedy=error.remedy or "",
    )


def _discreet(finding: Finding, secrets: tuple[str, ...]) -> Finding:
    return replace(
        finding,
        cause=hide(finding.cause, secrets),
        place=hide(finding.place, secrets),
        remedy=hide(finding.remedy, secrets),
    )


def _connection(client: BrazeClient, limits: Limits | None, clocks: Clocks | None) -> str:
    settings = replace(client.settings, max_attempts=min(_ATTEMPTS, client.settings.max_attempts))
    limiter = limiter_for(client, limits or Limits())
    try:
        check_first(client, limiter, settings=settings, clocks=clocks or Clocks())
    except DeniedError as error:
        # Braze says 401 of a missing permission as well. Whether it knows the key, another endpoint tells.
        if error.status == 401 and client.list_segments(0).status not in (401, 404):
            raise DeniedError(
                "The API key is right, but it lacks the permission users.track (HTTP 401).",
                place=error.place or client.endpoint,
                remedy="A key's permissions cannot be changed: make a new one in Braze, with users.track.",
                status=error.status,
            ) from None
        raise
    return f"{client.endpoint} takes the key, and the key may write users."


def _segment(client: BrazeClient, name: str) -> str:
    seen: list[str] = []
    for found in _segments(client):
        if found == name:
            return f"Braze has the segment {name!r}."
        seen.append(found)
    near = difflib.get_close_matches(name.casefold(), [each.casefold() for each in seen], n=1)
    meant = next((each for each in seen if near and each.casefold() == near[0]), None)
    raise DeliveryError(
        f"Braze has no segment {name!r}; it has {len(seen):,} others.",
        place=f"{client.endpoint}/segments/list",
        remedy=(f"Did you mean {meant!r}? " if meant else "")
        + "Names are exact, upper and lower case too. Correct segment_name, or make the segment in Braze.",
    )


def _segments(client: BrazeClient) -> Iterator[str]:
    for page in range(_PAGES):
        names = _names(client, client.list_segments(page))
        yield from names
        if not names:
            return


def _names(client: BrazeClient, reply: HttpReply) -> list[str]:
    place = f"{client.endpoint}/segments/list"
    if reply.status in (401, 403):
        raise DeniedError(
            f"The API key may not list segments (HTTP {reply.status}).",
            place=place,
            remedy="Make a key with the permission segments.list too, or leave segment_name out.",
            status=reply.status,
        )
    try:
        document = json.loads(reply.body)
        segments = document["segments"] if reply.status == 200 else None
        if isinstance(segments, list):
            return [str(each["name"]) for each in segments]
        said = str(document.get("message", ""))
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        said = ""
    said = " ".join(redact(said, client.secrets).split())[:200]
    raise DeliveryError(
        f"Braze did not list its segments: HTTP {reply.status}{f', {said}' if said else ''}.",
        place=place,
        remedy="Try again later; Braze's status page tells of incidents.",
    )


def _drop_location(url: str, write: bool) -> str:
    probe_place(url, write=write)
    done = "listed, written and tidied" if write else "listed"
    return f"{url} can be {done}."

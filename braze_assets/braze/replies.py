"""What a reply of `/users/track` means for the objects that were sent.

Shapes and codes: Braze documentation "Create and update users" and "API errors" (September 2026), and public
recordings of live replies. A reply is believed only when its counts add up to what was sent.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from braze_assets.braze.rate_headers import RateHeaders, read_rate_headers
from braze_assets.braze.redaction import redact

__all__ = ["Reply", "Verdict", "read_reply"]

_REASON_CHARS = 500
_SUCCESS = ("success", "queued")
_TOO_MANY = ("max input length",)
_TOO_LARGE = ("request entity too large", "payload too large", "content too large")


class Verdict(Enum):
    """What happened to a request as a whole."""

    ACCEPTED = "accepted"
    """Taken: every object but the `rejected` ones."""
    REFUSED = "refused"
    """Nothing was taken; the `rejected` objects are to blame, the others go again without them."""
    RETRY = "retry"
    """Try the same bytes again later, after `Reply.rate.wait` seconds if that is known."""
    SPLIT_OBJECTS = "split_objects"
    """Nothing was taken: too many objects."""
    SPLIT_BYTES = "split_bytes"
    """Nothing was taken: too many bytes."""
    BISECT = "bisect"
    """Nothing was taken, and nobody said which object is to blame."""
    FATAL = "fatal"
    """No request can succeed until somebody changes something."""
    UNKNOWN = "unknown"
    """A 2xx that cannot be believed: the objects may or may not have been taken."""


@dataclass(frozen=True)
class Reply:
    """A reply, read. Nothing in it holds a key."""

    verdict: Verdict
    status: int
    rejected: Mapping[int, str] = field(default_factory=dict)
    """Index in the request's array to reason, one entry an object however many errors it has."""
    reason: str = ""
    """Why, in one line."""
    remedy: str = ""
    """What to do about a fatal reply."""
    rate: RateHeaders = field(default_factory=RateHeaders)

    @property
    def ambiguous(self) -> bool:
        """Whether Braze may have taken some of the objects without saying so."""
        return self.verdict is Verdict.UNKNOWN or (self.verdict is Verdict.RETRY and self.status != 429)


def read_reply(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    sent: int,
    now: datetime,
    secrets: Iterable[str] = (),
    array: str = "attributes",
) -> Reply:
    """Read a reply to a request that held one array.

    Args:
        status: HTTP status.
        headers: The reply's headers.
        body: The reply's body, whatever it holds: HTML, nothing, half a JSON document.
        sent: Objects in the request.
        now: The current time, aware, for the rate-limit headers.
        secrets: Keys to take out of everything the provider said.
        array: The array that was sent: `attributes`, `events` or `purchases`.
    """
    rate = read_rate_headers(headers, now=now)
    document = _document(body)
    said = _said(document, secrets)
    errors, misplaced = _row_errors(document, array, sent, secrets)
    if 200 <= status < 300:
        return _success(status, document, errors, said, sent, rate, array)
    described = f"HTTP {status}: {said}" if said else f"HTTP {status} without an explanation"
    lowered = said.lower()
    if status == 413 or (status == 400 and any(text in lowered for text in _TOO_LARGE)):
        return Reply(Verdict.SPLIT_BYTES, status, reason=described, rate=rate)
    if status == 400 and any(text in lowered for text in _TOO_MANY):
        return Reply(Verdict.SPLIT_OBJECTS, status, reason=described, rate=rate)
    if status == 400:
        processed = document.get(f"{array}_processed")
        if isinstance(processed, int) and processed > 0:
            reason = f"{described}, which claims to have processed {processed} of {sent}"
            return Reply(Verdict.UNKNOWN, status, reason=reason, rate=rate)
        if errors and not misplaced:
            return Reply(Verdict.REFUSED, status, rejected=errors, reason=described, rate=rate)
        # An index that cannot be right makes the others doubtful: better look than blame the innocent.
        return Reply(Verdict.BISECT, status, reason=described, rate=rate)
    if status in (408, 425, 429) or status >= 500:
        return Reply(Verdict.RETRY, status, reason=described, rate=rate)
    cause, remedy = _FATAL.get(status, _OTHER)
    return Reply(Verdict.FATAL, status, reason=f"{cause} ({described})", remedy=remedy, rate=rate)


def _success(
    status: int,
    document: Mapping[str, Any],
    errors: Mapping[int, str],
    said: str,
    sent: int,
    rate: RateHeaders,
    array: str,
) -> Reply:
    processed = document.get(f"{array}_processed")
    if document.get("message") not in _SUCCESS:
        reason = f"HTTP {status} whose body is not Braze's: {said or 'no message'}"
        return Reply(Verdict.UNKNOWN, status, reason=reason, rate=rate)
    # All rows can be in error in a 2xx: then the count may be left out.
    if processed is None and len(errors) == sent:
        processed = 0
    if not isinstance(processed, int) or isinstance(processed, bool) or processed + len(errors) != sent:
        counted = processed if isinstance(processed, int) else "no"
        counts = f"{counted} processed and {len(errors)} in error of {sent}"
        reason = f"HTTP {status} whose counts do not add up: {counts}"
        return Reply(Verdict.UNKNOWN, status, reason=reason, rate=rate)
    return Reply(Verdict.ACCEPTED, status, rejected=errors, rate=rate)


_KEY_REMEDY = (
    "Check both: the API key, and that the instance is the one where that key was made. "
    "A key belongs to one workspace of one instance."
)
_OTHER = (
    "Braze does not take this request",
    "Check the instance; a proxy or firewall in between may answer in Braze's place.",
)
_FATAL: Mapping[int, tuple[str, str]] = {
    401: ("Braze refused the API key: the key is wrong, or the instance is", _KEY_REMEDY),
    403: (
        "Braze denied access: the API key lacks the permission, or its allowlist or contract excludes this",
        "Give the key the permission 'users.track' (a key's permissions cannot be changed: make a new one).",
    ),
    404: (
        "Braze does not know this URL",
        "The instance must be a REST endpoint, such as https://rest.iad-01.braze.com, without a path.",
    ),
    405: _OTHER,
    415: (
        "Braze did not see a JSON request",
        "Something between here and Braze changes the Content-Type header; look for a proxy.",
    ),
}


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _said(document: Mapping[str, Any], secrets: Iterable[str]) -> str:
    """The provider's own words for the whole request."""
    for key in ("message", "error"):
        text = document.get(key)
        if isinstance(text, str) and text.strip():
            return _line(text, secrets)
    return ""


def _line(text: str, secrets: Iterable[str]) -> str:
    # Redacted before it is cut: half a key would not be recognised.
    return " ".join(redact(text, secrets).split())[:_REASON_CHARS]


def _row_errors(
    document: Mapping[str, Any], array: str, sent: int, secrets: Iterable[str]
) -> tuple[dict[int, str], bool]:
    """Index in the array to reason, and whether there are more whose index cannot be right.

    Errors of other arrays, or of none, are nobody's.
    """
    errors = document.get("errors")
    if not isinstance(errors, list):
        return {}, False
    misplaced = False
    reasons: dict[int, list[str]] = {}
    for error in errors:
        if not isinstance(error, dict) or error.get("input_array") != array:
            continue
        index = error.get("index")
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < sent:
            misplaced = True
            continue
        text = error.get("type")
        if not isinstance(text, str) or not text.strip():
            text = "refused without a reason"
        line = _line(text, secrets)
        said = reasons.setdefault(index, [])
        if line not in said:
            said.append(line)
    return {index: "; ".join(said) for index, said in reasons.items()}, misplaced

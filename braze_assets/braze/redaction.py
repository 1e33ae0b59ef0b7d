"""What a provider says may hold a key or a person: this takes both out before anybody reads it.

Braze repeats the key in the body of a 401 (`Invalid API key: ...`, seen in recordings, September 2026), and
values in the reasons of refused objects.
"""

import base64
import html
import json
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

__all__ = ["REMOVED", "hide", "impersonal", "redact", "secrets_of_environment"]

REMOVED = "[removed]"
"""What stands where a secret stood."""

_ECHOES = (
    # Up to the end of the text or of the JSON string: a key is never worth half a guess.
    re.compile(r"(?i)(api[ _-]?key\"?\s*[:=]\s*\"?)[^\r\n\"<]+"),
    re.compile(r"(?i)(\bbearer\s+)[^\s\"<,;]+"),
)
_URL = re.compile(r"(?i)\bhttps?://[^\s\"'<>]+")
_EMAIL = re.compile(r"(?i)(?:\"[^\"@]*\"|[^\s<>\"'(),:;=]+)(?:@|%40)[^\s<>\"'(),:;]+")
_NUMBER = re.compile(r"(?<!\w)\+?\d[\d\s()./\u2010-\u2015-]{3,}\d")
_CODE = re.compile(r"(?<![\w-])(?=[\w-]*[^\W\d_])(?=(?:[\w-]*\d){3})[\w-]{6,}(?![\w-])")
"""Letters with three digits among them, as identifiers have."""
_CUT = 400
"""From this length on a reason may have been cut in the middle of a value."""
_SHORT = 3
_SECRET = re.compile(r"(?i)(key|secret|token|password|passwd)")
_SECRET_CHARS = 8
"""A shorter value is rather a setting, and would be found in ordinary words."""
_VOCABULARY = frozenset(
    re.findall(
        r"\w+",
        "subscribed unsubscribed opted_in true false null success array string object attribute attributes "
        "user users message error errors type index",
    )
)
"""Words of Braze's own that name nobody, whatever a customer's values are."""


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Take keys out of a provider's message.

    Args:
        text: What the provider said.
        secrets: The keys known here; each is removed wherever it stands, in any case, also as URLs, HTML,
            JSON and base64 spell it.
    """
    text = hide(text, secrets)
    for echo in _ECHOES:
        text = echo.sub(rf"\g<1>{REMOVED}", text)
    return text


def hide(text: str, secrets: Iterable[str]) -> str:
    """Take known secrets out of any text, and nothing else."""
    for secret in secrets:
        if secret.strip():
            for form in (*_disguises(secret.strip()), *_base64(secret.strip())):
                text = re.sub(re.escape(form), REMOVED, text, flags=re.IGNORECASE)
    return text


def secrets_of_environment() -> list[str]:
    """What the environment variables hold that are named as secrets are."""
    return [
        value for name, value in os.environ.items() if _SECRET.search(name) and len(value) >= _SECRET_CHARS
    ]


def impersonal(
    reason: str, identifier: str | None = None, *, objects: Iterable[str | bytes] = (), limit: int = 300
) -> str:
    """What a provider said, fit for reports, errors and logs.

    Without every value of the objects it speaks of, and without what looks personal whoever it belongs to:
    e-mails, long numbers, codes, URLs. The names of attributes stay.

    Args:
        reason: What was said, already redacted.
        identifier: The row's own identifier, in case the provider repeats it.
        objects: The JSON of the objects in the request.
        limit: Characters.
    """
    names: set[str] = set(_VOCABULARY)
    values = {identifier} if identifier else set()
    for text in objects:
        _collect(_parsed(text), names, values)
    reason = " ".join(unicodedata.normalize("NFC", reason).split())
    cut = len(reason) >= _CUT
    for value in sorted(values, key=len, reverse=True):
        mark = "[identifier]" if value == identifier else "[value]"
        reason = _without(reason, unicodedata.normalize("NFC", value), mark, names, cut=cut)
    reason = _URL.sub(_host, reason)
    reason = _EMAIL.sub("[email]", reason)
    reason = _CODE.sub(lambda found: found[0] if found[0] in names else "[code]", reason)
    reason = _NUMBER.sub("[number]", reason)
    return reason if len(reason) <= limit else f"{reason[:limit].rstrip()}..."


def _without(reason: str, value: str, mark: str, names: set[str], *, cut: bool) -> str:
    value = " ".join(value.split())
    if not value or value in names:
        return reason
    # One or two letters would be found in ordinary sentences: there only what is quoted is taken for them.
    short = len(value) < _SHORT
    lowered = reason.casefold()
    for form in (value,) if value.isascii() and value.isalnum() else _disguises(value):
        if short:
            reason = re.sub(rf"(?i)(['\"`])\s*{re.escape(form)}\s*\1", f"\\1{mark}\\1", reason)
        elif form.casefold() in lowered:
            reason = re.sub(rf"(?i)(?<!\w){re.escape(form)}(?!\w)", mark, reason)
    if cut and not short:
        for length in range(min(len(value), len(reason)), _SHORT, -1):
            if reason[-length:].casefold() == value[:length].casefold():
                return reason[:-length] + mark
    return reason


def _disguises(text: str) -> Iterator[str]:
    """The text as it is, and as URLs, HTML and JSON spell it; each once."""
    spelled = json.dumps(text)[1:-1]
    yield from dict.fromkeys(
        (
            text,
            spelled,
            json.dumps(text, ensure_ascii=False)[1:-1],
            json.dumps(spelled)[1:-1],
            quote(text, safe="", errors="replace"),
            quote(text, errors="replace"),
            quote_plus(text, errors="replace"),
            html.escape(text),
        )
    )


def _base64(text: str) -> tuple[str, ...]:
    raw = text.encode("utf-8", "replace")
    return tuple(each(raw).decode().rstrip("=") for each in (base64.b64encode, base64.urlsafe_b64encode))


def _parsed(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _collect(node: Any, names: set[str], values: set[str]) -> None:
    """The names and the values of a JSON document. Bare truth values say nothing about anybody."""
    if isinstance(node, dict):
        names.update(node)
        for each in node.values():
            _collect(each, names, values)
    elif isinstance(node, list):
        for each in node:
            _collect(each, names, values)
    elif isinstance(node, str):
        values.add(node)
    elif isinstance(node, (int, float)) and not isinstance(node, bool):
        values.add(json.dumps(node))


def _host(found: "re.Match[str]") -> str:
    """Braze's own pages stay, without what follows a question mark; other URLs do not."""
    url = found[0].partition("?")[0].partition("#")[0]
    host = url.partition("://")[2].partition("/")[0].lower()
    return url if host.endswith((".braze.com", ".braze.eu")) and "@" not in url else "[url]"

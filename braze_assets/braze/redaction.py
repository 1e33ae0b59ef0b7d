"""What a provider says may hold a key or a person: this takes both out before anybody reads it.

Braze repeats the key in the body of a 401 (`Invalid API key: ...`, seen in recordings, September 2026).
"""

import re
from collections.abc import Iterable

__all__ = ["REMOVED", "impersonal", "redact"]

REMOVED = "[removed]"
"""What stands where a secret stood."""

_ECHOES = (
    # Up to the end of the text or of the JSON string: a key is never worth half a guess.
    re.compile(r"(?i)(api[ _-]?key\"?\s*[:=]\s*\"?)[^\r\n\"<]+"),
    re.compile(r"(?i)(\bbearer\s+)[^\s\"<,;]+"),
)
_EMAIL = re.compile(r"[^\s<>\"'(),:;]+@[^\s<>\"'(),:;]+")
_NUMBER = re.compile(r"\+?\d[\d ()./-]{3,}\d")
_MINIMUM = 3
"""A shorter identifier would match inside ordinary words."""


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Take keys out of a provider's message.

    Args:
        text: What the provider said.
        secrets: The keys known here; each is removed wherever it stands, in any case.
    """
    for secret in secrets:
        if secret.strip():
            text = re.sub(re.escape(secret.strip()), REMOVED, text, flags=re.IGNORECASE)
    for echo in _ECHOES:
        text = echo.sub(rf"\g<1>{REMOVED}", text)
    return text


def impersonal(reason: str, identifier: str | None = None) -> str:
    """A rejection's reason fit for reports and logs: without the identifier, e-mails and long numbers.

    Args:
        reason: The reason of one row, already redacted.
        identifier: The row's own identifier, in case the provider repeats it.
    """
    if identifier and len(identifier) >= _MINIMUM:
        reason = reason.replace(identifier, "[identifier]")
    reason = _EMAIL.sub("[email]", reason)
    return _NUMBER.sub("[number]", reason)

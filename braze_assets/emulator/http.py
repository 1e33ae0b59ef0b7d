"""A request and an answer as the endpoints of the local Braze see them: no server, no sockets."""

import json
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Call", "Refused", "Reply", "json_reply", "parse_json"]

Headers = tuple[tuple[bytes, bytes], ...]

JSON_TYPE = (b"content-type", b"application/json")


@dataclass(frozen=True)
class Call:
    """One request. Header names are lower case, as ASGI gives them."""

    method: str
    path: str
    body: bytes = b""
    headers: dict[bytes, bytes] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    heard: bool = True
    """Whether the caller is told the truth about it: false where a fault loses or changes the answer."""


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int
    body: bytes
    headers: Headers = (JSON_TYPE,)

    def adding(self, headers: Headers) -> "Reply":
        """The same answer with more headers."""
        return Reply(self.status, self.body, (*self.headers, *headers)) if headers else self


class Refused(Exception):  # noqa: N818 - not an error of ours: an answer on its way out
    """An endpoint answers at once, from wherever it is."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        super().__init__(reply.status)


def json_reply(status: int, document: Any, headers: Headers = ()) -> Reply:
    """An answer with a JSON body."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return Reply(status, body, (JSON_TYPE, *headers))


def _not_json(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_not_json)


def parse_json(body: bytes) -> Any:
    """The JSON document of a body; NaN and Infinity are not JSON.

    Raises:
        Refused: 400 with the documented hint at the syntax (the wording around it is an assumption).
    """
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except (ValueError, RecursionError):
        message = "Error while parsing request body. Please check your syntax."
        raise Refused(json_reply(400, {"message": "Bad Request", "error": message})) from None

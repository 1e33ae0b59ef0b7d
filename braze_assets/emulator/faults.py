"""Faults on demand: what goes wrong, for which requests, and how often."""

import json
import random
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from braze_assets.emulator.http import JSON_TYPE, Reply, json_reply
from braze_assets.emulator.rate import rate_limited

__all__ = ["Fault", "Faults"]

_HTML = (
    b"<html>\r\n<head><title>%d</title></head>\r\n<body><center><h1>%d</h1></center></body>\r\n</html>\r\n"
)


class Fault(BaseModel):
    """One thing that goes wrong. Conditions are combined with "and"; the first fault that fires wins."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    effect: Literal["status", "timeout", "reset", "delay", "miscount"] = "status"
    """`status` answers with `status` and `body`; `timeout` never answers; `reset` breaks the connection;
    `delay` answers late; `miscount` answers with counts that do not add up."""
    when: Literal["before", "after"] = "before"
    """Whether the request takes effect first. `delay` and `miscount` always let it."""

    path: str | None = "/users/track"
    """Only this path; `None` is every one outside the control API."""
    identifier: str | None = None
    """Only requests whose body contains this text as a JSON string: a user, for example."""
    nth: tuple[int, ...] | None = None
    """Only these, counted from 1 among the requests with that path and identifier."""
    probability: float = Field(default=1.0, ge=0, le=1)
    """Seeded by `Settings.seed`."""
    count: int | None = Field(default=None, gt=0)
    """Fires at most so often."""

    status: int = Field(default=500, ge=200, le=599)
    body: Literal["json", "html", "empty"] = "json"
    document: dict[str, Any] | None = None
    """The JSON body; default is a message with the status."""
    headers: dict[str, str] = Field(default_factory=dict)
    seconds: float = Field(default=1.0, ge=0)
    """How long `delay` waits; for a `status` of 429 what `x-ratelimit-retry-after` says, unless
    `headers` are given."""
    miscount: int = 1
    """Added to the processed counts."""
    extra_errors: tuple[dict[str, Any], ...] = ()
    """Added to the answer's errors by `miscount`; an index out of range, say."""

    def reply(self) -> Reply:
        """The answer of a `status` fault."""
        headers = tuple((name.lower().encode(), value.encode()) for name, value in self.headers.items())
        if self.body == "empty":
            return Reply(self.status, b"", headers)
        if self.body == "html":
            page = _HTML % (self.status, self.status)
            return Reply(self.status, page, ((b"content-type", b"text/html"), *headers))
        if self.status == 429 and self.document is None and not self.headers:
            return rate_limited(round(self.seconds))
        return json_reply(self.status, self.document or {"message": f"Fault {self.status}"}, headers)

    def miscounted(self, reply: Reply) -> Reply:
        """The answer with other counts."""
        try:
            document = json.loads(reply.body)
        except ValueError:
            return reply
        for name in document:
            if name.endswith("_processed"):
                document[name] += self.miscount
        if self.extra_errors:
            document["errors"] = [*document.get("errors", ()), *self.extra_errors]
        others = tuple(header for header in reply.headers if header != JSON_TYPE)
        return json_reply(reply.status, document, others)


class Faults:
    """The faults that are set, with their counts."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._set: dict[int, tuple[Fault, dict[str, int]]] = {}
        self._number = 0

    def __bool__(self) -> bool:
        return bool(self._set)

    def add(self, fault: Fault) -> int:
        """Set a fault; returns its number."""
        self._number += 1
        self._set[self._number] = (fault, {"matched": 0, "fired": 0})
        return self._number

    def remove(self, number: int | None = None) -> None:
        """Take away one fault, or all."""
        if number is None:
            self._set.clear()
        else:
            self._set.pop(number, None)

    def document(self) -> list[dict[str, Any]]:
        """The faults as the control API shows them."""
        return [{"id": number, **fault.model_dump(), **seen} for number, (fault, seen) in self._set.items()]

    def pick(self, path: str, body: bytes) -> Fault | None:
        """The fault that befalls this request, if any."""
        picked = None
        for fault, seen in self._set.values():
            if fault.path is not None and fault.path != path:
                continue
            if fault.identifier is not None and not _contains(body, fault.identifier):
                continue
            seen["matched"] += 1
            if picked is not None:
                continue
            if fault.nth is not None and seen["matched"] not in fault.nth:
                continue
            if fault.count is not None and seen["fired"] >= fault.count:
                continue
            if fault.probability < 1 and self._chance.random() >= fault.probability:
                continue
            seen["fired"] += 1
            picked = fault
        return picked


def _contains(body: bytes, text: str) -> bool:
    forms = (json.dumps(text), json.dumps(text, ensure_ascii=False))
    return any(form.encode("utf-8", "replace") in body for form in forms)

"""What goes wrong: drawn for one step of a schedule, each kind with a name for the table."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Trouble:
    """One kind of fault, as the local Braze and the processes are to be told.

    Args:
        kind: Its name.
        faults: Fields of the local Braze's `Fault`.
        settings: Settings of the local Braze while it lasts.
        blocked: Users that Braze refuses from now until the next rest.
        disk: No file may grow beyond so many bytes.
        s3: Shares of S3 requests that end in which way.
        impatient: Whether the sender gives up waiting for replies early, to keep the schedule short.
    """

    kind: str
    faults: list[dict[str, Any]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    blocked: list[str] = field(default_factory=list)
    disk: int | None = None
    s3: dict[str, float] = field(default_factory=dict)
    impatient: bool = False

    def __str__(self) -> str:
        told = [self.faults, self.settings, self.blocked, self.disk, self.s3]
        return " ".join([self.kind, *(str(each) for each in told if each)])


def _status(chance: random.Random, users: Sequence[str]) -> Trouble:
    fault = {
        "status": chance.choice([500, 502, 503, 504]),
        "body": chance.choice(["json", "html", "empty"]),
        "when": chance.choice(["before", "after"]),
    }
    return Trouble("5xx", [{**fault, "probability": chance.choice([0.3, 0.7])}])


def _outage(chance: random.Random, users: Sequence[str]) -> Trouble:
    nth = list(range(chance.randint(1, 5), 400))
    return Trouble("outage", [{"status": 503, "when": chance.choice(["before", "after"]), "nth": nth}])


def _timeout(chance: random.Random, users: Sequence[str]) -> Trouble:
    nth = sorted(chance.sample(range(2, 9), 2))
    fault = {"effect": "timeout", "when": chance.choice(["before", "after"]), "nth": nth}
    return Trouble(f"timeout {fault['when']} applying", [fault], impatient=True)


def _reset(chance: random.Random, users: Sequence[str]) -> Trouble:
    fault = {"effect": "reset", "when": chance.choice(["before", "after"]), "probability": 0.4}
    return Trouble(f"reset {fault['when']} applying", [fault])


def _miscount(chance: random.Random, users: Sequence[str]) -> Trouble:
    fault: dict[str, Any] = {"effect": "miscount", "miscount": chance.choice([-1, 1, 5]), "probability": 0.5}
    if chance.random() < 0.4:
        strange = {"index": 99, "input_array": "attributes", "type": "?"}
        fault = {**fault, "miscount": 0, "extra_errors": [strange]}
    return Trouble("counts that do not add up", [fault])


def _refused(chance: random.Random, users: Sequence[str]) -> Trouble:
    return Trouble("201 with errors", blocked=chance.sample(users, 3))


def _poison(chance: random.Random, users: Sequence[str]) -> Trouble:
    body = chance.choice(["json", "html", "empty"])
    nth = chance.choice([None, None, list(range(2, 60))])
    faults = [
        {"status": 400, "identifier": user, "body": body, "nth": nth}
        for user in chance.sample(users, chance.randint(1, 2))
    ]
    if nth is not None:
        # Taken at first, though nobody heard of it; refused ever after.
        faults += [{**faults[0], "effect": "reset", "when": "after", "nth": [1]}]
    return Trouble("400 without indexes", faults)


def _indexed(chance: random.Random, users: Sequence[str]) -> Trouble:
    blamed = [
        {"index": index, "input_array": "attributes", "type": "?"} for index in range(chance.randint(1, 3))
    ]
    document = {"message": "Valid data must be provided", "errors": blamed}
    return Trouble("400 with indexes", [{"status": 400, "document": document, "count": chance.randint(1, 4)}])


def _too_large(chance: random.Random, users: Sequence[str]) -> Trouble:
    count, body = chance.randint(1, 4), chance.choice(["json", "html", "empty"])
    return Trouble("413", [{"status": 413, "body": body, "count": count}])


def _throttled(chance: random.Random, users: Sequence[str]) -> Trouble:
    headers = chance.choice(["classic", "mau"])
    if chance.random() < 0.5:
        return Trouble(f"429 {headers}", [{"status": 429, "seconds": 0, "probability": 0.4}])
    window = {"rate_headers": headers, "requests_per_window": 3, "window_seconds": 0.2}
    return Trouble(f"429 {headers}", settings=window)


def _key(chance: random.Random, users: Sequence[str]) -> Trouble:
    nth = list(range(chance.randint(1, 7), 400))
    return Trouble("key expires", [{"status": 401, "nth": nth}])


def _late(chance: random.Random, users: Sequence[str]) -> Trouble:
    return Trouble("late replies", [{"effect": "delay", "seconds": 0.1, "probability": 0.4}])


def _disk(chance: random.Random, users: Sequence[str]) -> Trouble:
    return Trouble("full disk", disk=int(2 ** chance.uniform(8, 14)))


BRAZE: Sequence[Callable[[random.Random, Sequence[str]], Trouble]] = (
    *(_status, _outage, _timeout, _reset, _miscount, _refused, _poison, _indexed),
    *(_too_large, _throttled, _key, _late),
)


def draw(chance: random.Random, users: Sequence[str], *, s3: bool) -> Trouble:
    """One kind of trouble, each about as likely as the others."""
    if s3 and chance.random() < 0.5:
        kinds = ("slow_down", "error_after", "reset_before", "reset_after")
        share = chance.choice([0.02, 0.1, 0.3])
        return Trouble("S3 errors", s3=dict.fromkeys(chance.sample(kinds, 2), share))
    if not s3 and chance.random() < 0.12:
        return _disk(chance, users)
    return chance.choice(BRAZE)(chance, users)

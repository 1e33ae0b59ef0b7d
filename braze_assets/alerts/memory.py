"""What is remembered from one look to the next, as a text."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from braze_assets.alerts.outbox import Outbox, Waiting
from braze_assets.alerts.status import Cause, Change, FlowState

__all__ = ["Memory"]

_VERSION = 1
_MOMENTS = ("since", "watched_since", "last_success", "previous_since", "not_before")
_CAUSES = ("sent", "failing", "rejections", "empty")


@dataclass(frozen=True, kw_only=True)
class Memory:
    """The states of the flows, what is still to be told, and up to where the event log was read."""

    states: Mapping[str, FlowState] = field(default_factory=dict)
    read: Mapping[str, int] = field(default_factory=dict)
    """By what was read: the id of the newest event."""
    outbox: Outbox = field(default_factory=Outbox)

    def dumps(self) -> str:
        """As a text of some hundred characters a flow."""
        document = {
            "version": _VERSION,
            "read": dict(self.read),
            "states": {name: _sparse(asdict(each)) for name, each in self.states.items()},
            "changes": {name: _sparse(asdict(each)) for name, each in self.outbox.changes.items()},
            "waiting": {name: _sparse(asdict(each)) for name, each in self.outbox.waiting.items()},
        }
        return json.dumps(document, default=datetime.isoformat, separators=(",", ":"))

    @classmethod
    def loads(cls, text: str | None) -> "Memory":
        """The memory of a text; an empty one for none, and for one that is not ours."""
        try:
            document = json.loads(text or "{}")
            if document.get("version") != _VERSION:
                return cls()
            return cls(
                read={name: int(each) for name, each in document["read"].items()},
                states={name: _state(each) for name, each in document["states"].items()},
                outbox=Outbox(
                    {name: Change(**_moments(each)) for name, each in document["changes"].items()},
                    {
                        name: Waiting(**{**_moments(each), "ids": _all_moments(each["ids"])})
                        for name, each in document["waiting"].items()
                    },
                ),
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            return cls()  # As at the first look. What was told is remembered elsewhere.


def _sparse(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _sparse(each) if isinstance(each, dict) else each
        for name, each in values.items()
        if each is not None and each != ""
    }


def _moments(values: dict[str, Any]) -> dict[str, Any]:
    return {name: datetime.fromisoformat(each) if name in _MOMENTS else each for name, each in values.items()}


def _all_moments(values: dict[str, str]) -> dict[str, datetime]:
    return {name: datetime.fromisoformat(each) for name, each in values.items()}


def _state(values: dict[str, Any]) -> FlowState:
    causes = {
        name: Cause(**{"partition": None, **_moments(values[name])}) for name in _CAUSES if name in values
    }
    return FlowState(**{**_moments(values), **causes})

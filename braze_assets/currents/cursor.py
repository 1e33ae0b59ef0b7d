"""What a look remembers for the next one: small, whatever the bucket holds."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from braze_assets.currents.paths import hour_name, parse_hour
from braze_assets.errors import CurrentsError

__all__ = ["Cursor", "TypeCursor"]

_VERSION = 1
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class TypeCursor:
    """What is remembered of one event type."""

    next: datetime
    """The first hour that was never asked for."""
    digests: Mapping[datetime, str] = field(default_factory=dict)
    """Of the look-back's hours that have files: what these were when the hour was last asked for."""
    marks: Mapping[datetime, str] = field(default_factory=dict)
    """Marks that were asked for and are still there."""


@dataclass(frozen=True)
class Cursor:
    """What is remembered of a feed."""

    since: datetime
    """The hour it began with; event types that are added later begin there too."""
    epoch: str
    """Tells this cursor from one that was reset, so that its asks are never taken for those."""
    asks: int = 0
    """How many looks have asked for something."""
    types: Mapping[str, TypeCursor] = field(default_factory=dict)

    def dumps(self) -> str:
        """The cursor as text."""
        types = {name: _dumped(each) for name, each in self.types.items()}
        document = {
            "version": _VERSION,
            "since": hour_name(self.since),
            "epoch": self.epoch,
            "asks": self.asks,
            "types": types,
        }
        return json.dumps(document, separators=(",", ":"))

    @classmethod
    def loads(cls, text: str) -> "Cursor":
        """A cursor from its text.

        Raises:
            CurrentsError: The text is none.
        """
        try:
            document = json.loads(text)
            if document["version"] != _VERSION:
                raise ValueError(document["version"])
            types = {str(name): _loaded(each) for name, each in document["types"].items()}
            return cls(_hour(document["since"]), str(document["epoch"]), int(document["asks"]), types)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CurrentsError(
                "The cursor of the Currents sensor cannot be read.",
                place=text[:40],
                remedy="Reset the cursor of the sensor: it asks for all hours again, which is exact.",
            ) from error


def _dumped(each: TypeCursor) -> list[Any]:
    found: list[Any] = [
        hour_name(each.next),
        {str((each.next - hour) // _HOUR): digest for hour, digest in sorted(each.digests.items())},
    ]
    marks = {hour_name(hour): token for hour, token in sorted(each.marks.items())}
    return [*found, marks] if marks else found


def _loaded(each: Any) -> TypeCursor:
    following = _hour(each[0])
    digests = {following - int(back) * _HOUR: str(digest) for back, digest in each[1].items()}
    marks = {_hour(hour): str(token) for hour, token in each[2].items()} if len(each) > 2 else {}
    return TypeCursor(following, digests, marks)


def _hour(text: str) -> datetime:
    if (hour := parse_hour(text)) is None:
        raise ValueError(text)
    return hour

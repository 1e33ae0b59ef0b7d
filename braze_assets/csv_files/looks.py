"""Which version of a drop's files is to be imported next: one at a time, in the order they came.

One at a time because a later file of a user must win, and because what is left of a file that was sent in
part is sent by going on with it, not by the next file.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Literal

from braze_assets.csv_files.place import FileVersion
from braze_assets.csv_files.progress import FINAL, State
from braze_assets.errors import CsvError

__all__ = ["Asked", "Look", "Looks", "look"]

_VERSION = 1
_FIRST_WAIT = timedelta(seconds=60)
_LONGEST_WAIT = timedelta(hours=1)
_ALWAYS = datetime.min.replace(tzinfo=timezone.utc)


@dataclass(frozen=True)
class Asked:
    """How often a version was asked for, when last, and what it was then."""

    times: int
    last: datetime
    state: str = ""


@dataclass(frozen=True)
class Looks:
    """What a look remembers for the next one."""

    epoch: str
    """Tells this cursor from one that was reset, so that its asks are never taken for those."""
    seen: Mapping[str, str] = field(default_factory=dict)
    """By file name, which content was there."""
    asked: Mapping[str, Asked] = field(default_factory=dict)
    """By partition, of versions that are not finished."""

    @classmethod
    def new(cls) -> "Looks":
        """Before the first look."""
        return cls(uuid.uuid4().hex[:8])

    def dumps(self) -> str:
        """As text."""
        asked = {key: [each.times, each.last.isoformat(), each.state] for key, each in self.asked.items()}
        return json.dumps({"version": _VERSION, "epoch": self.epoch, "seen": dict(self.seen), "asked": asked})

    @classmethod
    def loads(cls, text: str) -> "Looks":
        """From its text.

        Raises:
            CsvError: The text is none.
        """
        try:
            document = json.loads(text)
            if document["version"] != _VERSION:
                raise ValueError(document["version"])
            asked = {
                str(key): Asked(int(each[0]), datetime.fromisoformat(each[1]), str(each[2]))
                for key, each in document["asked"].items()
            }
            return cls(str(document["epoch"]), dict(document["seen"]), asked)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise CsvError(
                "The cursor of the drop's sensor cannot be read.",
                place=text[:40],
                remedy="Reset the cursor of the sensor: files that were imported are not imported again.",
            ) from error


@dataclass(frozen=True)
class Look:
    """What one look found."""

    next: FileVersion | None
    """To be imported now."""
    state: State | None
    """How far that is."""
    run_key: str
    looks: Looks
    new: Sequence[FileVersion]
    """Versions that were not there at the last look."""
    waiting: int
    """Versions to be imported later."""
    writing: int
    """Of those, files that may still be written."""


def look(
    files: Sequence[FileVersion],
    states: Mapping[str, State],
    before: Looks,
    *,
    atomic: bool,
    busy: bool,
    mode: Literal["preview", "test", "live"],
    now: datetime,
) -> Look:
    """Decide what is imported next.

    Args:
        files: What is in the folder, the oldest first.
        states: What is known of its versions.
        before: What the last look remembered.
        atomic: Whether a file that is there is there whole.
        busy: Whether an import is going on.
        mode: How far imports go: what was only previewed comes again when it is to be sent.
        now: The current time.
    """
    open_ = [file for file in files if not _finished(states.get(file.partition), mode)]
    whole = [file for file in open_ if atomic or before.seen.get(file.name) == file.tag]
    asked = {key: each for key, each in before.asked.items() if key in {file.partition for file in open_}}
    # What was begun comes first: the ledger holds what is left of it.
    whole.sort(key=lambda file: file.partition not in asked)
    chosen = whole[0] if whole and not busy else None
    state = states.get(chosen.partition) if chosen else None
    if chosen is not None and now < _again(asked.get(chosen.partition), state):
        chosen = None
    run_key = ""
    if chosen is not None:
        times = asked[chosen.partition].times + 1 if chosen.partition in asked else 1
        # Going on is no new attempt: the waits are for those that failed.
        asked[chosen.partition] = Asked(times, now, state or "")
        run_key = f"{before.epoch}:{mode}:{chosen.partition}:{times}"
    new = [file for file in files if before.seen.get(file.name) != file.tag]
    looks = Looks(before.epoch, {file.name: file.tag for file in files}, asked)
    waiting = len(open_) - (chosen is not None)
    return Look(chosen, state, run_key, looks, new, waiting, len(open_) - len(whole))


def _finished(state: State | None, mode: str) -> bool:
    further = {"previewed": ("test", "live"), "tested": ("live",)}
    return state in FINAL or (state in further and mode not in further[state])


def _again(asked: Asked | None, state: State | None) -> datetime:
    """When a version may be asked for again."""
    if asked is None or state in ("continue", "previewed", "tested"):
        return _ALWAYS
    wait = _FIRST_WAIT * (1 << min(asked.times - 1, 10))
    return asked.last + min(wait, _LONGEST_WAIT)

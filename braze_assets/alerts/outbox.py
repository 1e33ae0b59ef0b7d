"""Changes that are still to be told: to whom, and when it is tried again."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from braze_assets.alerts.status import Change

__all__ = ["GIVE_UP", "MOST", "Outbox", "Waiting"]

MOST = 100
"""Changes that wait for a channel; more of them, and the oldest are dropped."""
GIVE_UP = timedelta(hours=24)
"""A change that a channel has not taken after so long is dropped."""
_LONGEST = timedelta(hours=1)


@dataclass(frozen=True)
class Waiting:
    """What waits for one channel."""

    ids: Mapping[str, datetime]
    """Changes, and when each was put there."""
    attempts: int = 0
    not_before: datetime | None = None


@dataclass(frozen=True)
class Outbox:
    """Changes by their id, and what waits for each channel."""

    changes: Mapping[str, Change] = field(default_factory=dict)
    waiting: Mapping[str, Waiting] = field(default_factory=dict)

    def put(self, channels: Iterable[str], changes: Collection[Change], now: datetime) -> "Outbox":
        """With these changes for every channel; what waits for channels that are no more is dropped."""
        waiting = {}
        for name in channels:
            before = self.waiting.get(name)
            known = before.ids if before else {}
            ids = {**known, **{each.id: known.get(each.id, now) for each in changes}}
            if ids:
                kept = dict([*ids.items()][-MOST:])
                waiting[name] = replace(before, ids=kept) if before else Waiting(kept)
        return Outbox({**self.changes, **{each.id: each for each in changes}}, waiting)._swept()

    def due(self, channel: str, now: datetime) -> tuple[Change, ...]:
        """What is to be told now."""
        waits = self.waiting.get(channel)
        if waits is None or (waits.not_before and now < waits.not_before):
            return ()
        return tuple(self.changes[each] for each in waits.ids)

    def told(self, channel: str, ids: Collection[str]) -> "Outbox":
        """Without what a channel has taken."""
        waits = self.waiting.get(channel)
        rest = {each: since for each, since in waits.ids.items() if each not in ids} if waits else {}
        others = {name: each for name, each in self.waiting.items() if name != channel}
        return Outbox(self.changes, {**others, channel: Waiting(rest)} if rest else others)._swept()

    def missed(self, channel: str, now: datetime) -> "tuple[Outbox, int]":
        """After a channel has failed: it is tried again in a minute, then two, four, up to an hour.

        Returns:
            The outbox, and how many changes were given up.
        """
        waits = self.waiting[channel]
        kept = {each: since for each, since in waits.ids.items() if now - since <= GIVE_UP}
        pause = min(timedelta(minutes=2 ** min(waits.attempts, 10)), _LONGEST)
        again = Waiting(kept, waits.attempts + 1, now + pause)
        others = {name: each for name, each in self.waiting.items() if name != channel}
        dropped = len(waits.ids) - len(kept)
        return Outbox(self.changes, {**others, channel: again} if kept else others)._swept(), dropped

    def _swept(self) -> "Outbox":
        wanted = {each for waits in self.waiting.values() for each in waits.ids}
        return Outbox({name: each for name, each in self.changes.items() if name in wanted}, self.waiting)

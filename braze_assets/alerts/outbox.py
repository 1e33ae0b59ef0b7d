"""Changes that are still to be told: to whom, and when it is tried again."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from braze_assets.alerts.status import Change

__all__ = ["GIVE_UP", "MOST", "Outbox", "Waiting"]

MOST = 100
"""Changes that wait for a channel; more of them, and the oldest are dropped."""
GIVE_UP = timedelta(hours=24)
"""After so long a channel's failing, a change is dropped."""
_LONGEST = timedelta(hours=1)


@dataclass(frozen=True)
class Waiting:
    """What waits for one channel."""

    ids: tuple[str, ...]
    since: datetime
    """When the first of them was put there, or the last try that was taken."""
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
            ids = dict.fromkeys([*(before.ids if before else ()), *(each.id for each in changes)])
            if ids:
                kept = tuple(ids)[-MOST:]
                waiting[name] = replace(before, ids=kept) if before else Waiting(kept, now)
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
        rest = tuple(each for each in waits.ids if each not in ids) if waits else ()
        others = {name: each for name, each in self.waiting.items() if name != channel}
        if waits and rest:
            others[channel] = Waiting(rest, waits.since)
        return Outbox(self.changes, others)._swept()

    def missed(self, channel: str, now: datetime) -> "tuple[Outbox, int]":
        """After a channel has failed: it is tried again in a minute, then two, four, up to an hour.

        Returns:
            The outbox, and how many changes were given up.
        """
        waits = self.waiting[channel]
        if now - waits.since > GIVE_UP:
            return self.told(channel, waits.ids), len(waits.ids)
        pause = min(timedelta(minutes=2 ** min(waits.attempts, 10)), _LONGEST)
        again = replace(waits, attempts=waits.attempts + 1, not_before=now + pause)
        return Outbox(self.changes, {**self.waiting, channel: again}), 0

    def _swept(self) -> "Outbox":
        wanted = {each for waits in self.waiting.values() for each in waits.ids}
        return Outbox({name: each for name, each in self.changes.items() if name in wanted}, self.waiting)

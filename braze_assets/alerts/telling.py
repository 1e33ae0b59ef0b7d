"""Tell what waits, to every channel, and write down at once what was told."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from upath import UPath

from braze_assets.alerts.channels import Channel, Message
from braze_assets.alerts.outbox import Outbox
from braze_assets.errors import AlertError, BrazeAssetsError, StorageError
from braze_assets.storage import Storage, atomic_writer, storage_errors

__all__ = ["Told", "tell"]

_REMEMBERED = 1_000
_BUDGET = 30.0
"""Seconds that one look may spend on channels; Dagster ends a sensor after 60."""


@dataclass(frozen=True)
class Told:
    """What one look told."""

    outbox: Outbox
    messages: Mapping[str, int]
    """Changes that were told, by channel."""
    problems: Sequence[str]
    """Channels that failed, and why."""


def tell(
    outbox: Outbox,
    channels: Mapping[str, Channel],
    *,
    storage: Storage,
    name: str,
    now: datetime,
    base_url: str = "",
) -> Told:
    """Tell each channel what waits for it.

    What was told is written down beside the tables as soon as a channel has taken it. So a look that is made
    again, because its outcome was lost with the process, tells nobody twice.

    Args:
        outbox: What waits.
        channels: By name.
        storage: Where it is written down, under `alerts/<name>/`.
        name: Of these alerts.
        now: The time.
        base_url: Of the Dagster UI.

    Raises:
        StorageError: It cannot be written down; nobody is told anything then.
    """
    due = {channel: found for channel in channels if (found := outbox.due(channel, now))}
    messages: dict[str, int] = {}
    problems: list[str] = []
    if not due:
        return Told(outbox, messages, problems)
    told = _Journal(storage.path("alerts", name, "told.json"))
    told.write()  # Whether it can be, before anybody is told: else they would be again at each look.
    started = time.monotonic()
    for channel, changes in due.items():
        new = tuple(each for each in changes if not told.has(channel, each.id))
        if new:
            if time.monotonic() - started > _BUDGET:
                continue  # The others took the time; it waits for the next look.
            try:
                channels[channel].tell(Message(alerts=name, changes=new, now=now, base_url=base_url))
            except BrazeAssetsError as error:
                problems.append(f"{channel}: {error.cause} {error.remedy or ''}".strip())
                if not (isinstance(error, AlertError) and error.handed_over):
                    outbox, dropped = outbox.missed(channel, now)
                    problems += (
                        [f"{channel}: {dropped:,} changes were given up after a day."] if dropped else []
                    )
                    continue
            messages[channel] = len(new)
            try:
                told.add(channel, [each.id for each in new])
            except StorageError as error:
                # The outbox knows it too, if the process lives until that is kept.
                problems.append(f"{channel}: it was told, which could not be written down. {error.cause}")
        outbox = outbox.told(channel, {each.id for each in changes})
    return Told(outbox, messages, problems)


class _Journal:
    """Which changes each channel was told."""

    def __init__(self, path: UPath) -> None:
        self.path = path
        with storage_errors(str(path)):
            self.told: dict[str, list[str]] = json.loads(path.read_text()) if path.exists() else {}

    def has(self, channel: str, change: str) -> bool:
        return change in self.told.get(channel, ())

    def add(self, channel: str, changes: Sequence[str]) -> None:
        self.told[channel] = [*self.told.get(channel, ()), *changes][-_REMEMBERED:]
        self.write()

    def write(self) -> None:
        with atomic_writer(self.path) as sink:
            sink.write(json.dumps(self.told).encode())

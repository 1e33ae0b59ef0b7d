"""What a reply, or its absence, does to a send: outcomes, another attempt, another pace, or the end."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from braze_assets.delivery.concurrency import Concurrency
from braze_assets.delivery.journal import JournalThread
from braze_assets.delivery.limiter import RateLimiter
from braze_assets.delivery.report import Tally
from braze_assets.delivery.retries import Retries
from braze_assets.delivery.settings import DeliverySettings
from braze_assets.delivery.triage import Fate, Triage
from braze_assets.delivery.workers import Flight
from braze_assets.errors import DeliveryError

__all__ = ["Landing"]

_STOPPED = "the send stopped before another attempt"


@dataclass(kw_only=True)
class Landing:
    """Takes flights that ended; used by one thread, the one that decides."""

    triage: Triage
    tally: Tally
    retries: Retries
    journal: JournalThread
    limiter: RateLimiter
    concurrency: Concurrency
    settings: DeliverySettings
    chance: random.Random
    clock: Callable[[], float]
    now: Callable[[], datetime]

    stopping: bool = False
    """Nothing more may be sent."""
    failure: DeliveryError | None = None
    """Why, if Braze is the reason."""
    bug: BaseException | None = None
    """Why, if we are."""

    def land(self, flight: Flight) -> None:
        """Give the flight's objects their outcome, or their batch another attempt."""
        now, time = self.clock(), self.now()
        self.limiter.done(flight.permit, now=now, wall=time.timestamp(), replied=flight.replied)
        if flight.bug is not None:
            self.bug, self.stopping = flight.bug, True
            flight.batch.ambiguous = True
            self._act(self.triage.abandon(flight.batch, None, _STOPPED, time))
            return
        if flight.failure is not None:
            self._act(self.triage.no_reply(flight.batch, flight.failure, now=now, time=time))
            return
        reply = flight.reply
        assert reply is not None
        self.concurrency.completed(flight.seconds)
        throttled = reply.status == 429
        self.limiter.observe(
            reply.rate,
            throttled=throttled,
            now=now,
            pause_cap=self.settings.header_pause_cap,
            longest=self.settings.throttled_pause_cap,
            jitter=self.chance.uniform(0, self.settings.backoff_base) if throttled else 0.0,
        )
        self._act(self.triage.reply(flight.batch, reply, now=now, time=time))

    def abandon_retries(self) -> None:
        """Settle what will not be tried again."""
        while self.retries:
            self._act(self.triage.abandon(self.retries.take(), None, _STOPPED, self.now()))

    def _act(self, fate: Fate) -> None:
        if fate.stop is not None:
            self.failure = self.failure or fate.stop
            self.stopping = True
        for settled in fate.settled:
            self.tally.settle(settled)
            self.journal.add(settled)
        for delay, batch in fate.again:
            self.retries.add(self.clock() + delay, batch)

"""The sender: reading, sending and journaling overlap, and one thread decides.

Threads: one reads and packs batches ahead, as many as are needed send and wait for replies, one journals. The
caller's thread runs the loop here: it lets batches go as the rate limit and the concurrency allow, and gives
every object its one outcome. All state lives in that thread; the others only hand it events.
"""

import queue
import random
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timezone

import pyarrow as pa

from braze_assets.braze.limits import Limits
from braze_assets.delivery.batches import Batch, Packer
from braze_assets.delivery.concurrency import Concurrency
from braze_assets.delivery.journal import Journal, JournalThread
from braze_assets.delivery.landing import Landing
from braze_assets.delivery.limiter import Permit, RateLimiter
from braze_assets.delivery.progress import ProgressCallback, ProgressMeter
from braze_assets.delivery.read_ahead import ReadAhead
from braze_assets.delivery.report import Delivered, Tally
from braze_assets.delivery.reservations import Reservations, Unreserved
from braze_assets.delivery.retries import Retries
from braze_assets.delivery.settings import DeliverySettings
from braze_assets.delivery.triage import Triage
from braze_assets.delivery.workers import Flight, Tracker, Workers

__all__ = ["Pipeline"]

_IDLE = 0.2
"""Seconds between two looks at the clock and at `cancelled` when nothing happens."""


class Pipeline:
    """Sends a stream of objects; to be used once.

    Args:
        client: Makes the requests.
        limiter: The destination's rate limit, shared with its other sends.
        journal: Takes the receipts.
        plan_id: The plan they belong to.
        total: Objects in the stream, for the progress.
        limits: Objects and bytes in a request.
        settings: Everything else.
        progress: Told about every second.
        cancelled: Asked a few times a second; True stops cleanly.
        clock: Monotonic seconds.
        now: The current time, aware.
        chance: Jitter; seed it for repeatable pauses.
        array: The request's array the objects travel in.
        resend: Whether objects go again that Braze may have taken.
        reservations: Which objects may leave yet; all when None.
        resumed: Whether an earlier run may have sent some of them.
    """

    def __init__(
        self,
        *,
        client: Tracker,
        limiter: RateLimiter,
        journal: Journal,
        plan_id: str,
        total: int,
        limits: Limits,
        settings: DeliverySettings,
        progress: ProgressCallback | None = None,
        cancelled: Callable[[], bool] | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        chance: random.Random | None = None,
        array: str = "attributes",
        resend: bool = True,
        reservations: Reservations | None = None,
        resumed: bool = False,
    ) -> None:
        self._limiter, self._settings, self._resumed = limiter, settings, resumed
        self._reservations = reservations or Unreserved()
        self._clock, self._now = clock, now
        self._cancelled = cancelled or (lambda: False)
        self._events: queue.SimpleQueue[Flight | None] = queue.SimpleQueue()
        self._packer = Packer(objects=limits.objects_per_request, size=limits.bytes_per_request, array=array)
        self._workers = Workers(client, landed=self._events.put, clock=clock, now=now, may_send=self._holds)
        self._concurrency = Concurrency(start=settings.in_flight_start, maximum=settings.in_flight_max)
        self._journal = JournalThread(
            journal,
            plan_id,
            interval=settings.journal_interval,
            total=total,
            on_failure=self._wake,
            lease=settings.lease,
            clock=clock,
        )
        self._meter = ProgressMeter(progress, total=total, interval=settings.progress_interval, start=clock())
        self._retries = Retries()
        self._tally = Tally()
        self._was_cancelled, self._next_look = False, float("-inf")
        chance = chance or random.Random()  # noqa: S311
        self._triage = Triage(
            settings=settings,
            packer=self._packer,
            tally=self._tally,
            endpoint=client.endpoint,
            chance=chance,
            resend=resend,
        )
        self._landing = Landing(
            triage=self._triage,
            tally=self._tally,
            retries=self._retries,
            journal=self._journal,
            limiter=limiter,
            concurrency=self._concurrency,
            settings=settings,
            chance=chance,
            clock=clock,
            now=now,
        )
        self.journaled = False
        """Whether everything that was sent has its receipt."""

    def run(self, stream: Iterable[pa.RecordBatch]) -> Delivered:
        """Send everything; blocks until every object sent has its receipt in the journal.

        Args:
            stream: Record batches with `n`, `identifier`, `object` and optionally `data_points`.

        Raises:
            LedgerMovedError, StorageError: The journal failed. Nothing was sent after that was noticed.
            Exception: Reading the stream failed; what was sent is journaled.
        """
        start = self._clock()
        self._journal.start()
        self._reservations.start(self._wake)
        self._reader = ReadAhead(stream, self._packer, batches=self._settings.ready_batches, wake=self._wake)
        try:
            self._loop()
        finally:
            # Also when this thread is interrupted: what is in flight gets its receipt.
            self._reader.close()
            self._drain()
            self._limiter.leave(self, now=self._clock(), wall=self._now().timestamp())
            self._workers.close()
            self._tally.seconds = self._clock() - start
            self._reservations.close()
            self._journal.close()
            self.journaled = True
            self._meter.tell(self._clock(), self._tally, in_flight=0)
        bug = self._landing.bug or self._reader.failure or self._reservations.failure
        if bug is not None:
            raise bug
        return Delivered(self._tally, self._was_cancelled, self._landing.failure)

    def _holds(self) -> bool:
        now = self._clock()
        return self._journal.holds(now) and self._limiter.holds(now)

    def _wake(self) -> None:
        self._events.put(None)

    def _loop(self) -> None:
        while True:
            wait = self._dispatch()
            if self._finished():
                return
            self._take_events(wait)
            now = self._clock()
            self._limiter.tick(now=now, wall=self._now().timestamp())
            self._concurrency.look(now)
            if self._meter.due(now):
                self._meter.tell(now, self._tally, in_flight=self._workers.in_flight)
            if not self._landing.stopping:
                self._look_for_reasons_to_stop(now)

    def _finished(self) -> bool:
        over = self._landing.stopping or (self._reader.exhausted and not self._retries)
        return over and not self._workers.in_flight

    def _look_for_reasons_to_stop(self, now: float) -> None:
        if self._journal.failure or self._reader.failure or self._reservations.failure:
            self._landing.stopping = True
        elif now >= self._next_look:
            self._next_look = now + _IDLE
            self._landing.stopping = self._was_cancelled = self._cancelled()

    def _dispatch(self) -> float:
        """Send what may be sent now; returns the seconds after which to look again."""
        while not self._landing.stopping:
            now = self._clock()
            if self._journal.backlog >= self._settings.journal_backlog or not self._journal.holds(now):
                return 0.01
            if wait := self._triage.wait(now, self._workers.in_flight):
                return min(wait, _IDLE)
            if not self._something_ready(now):
                self._tally.limited.set(False, now)
                return self._retries.wait(now, _IDLE)
            if self._workers.in_flight >= self._concurrency.target:
                self._concurrency.short()
                self._tally.limited.set(False, now)
                return _IDLE
            permit = self._limiter.acquire(self, now=now, wall=self._now().timestamp())
            if not isinstance(permit, Permit):
                self._concurrency.limited()
                self._tally.limited.set(True, now)
                return min(permit, _IDLE)
            self._tally.limited.set(False, now)
            self._send(self._next(now), permit, now)
        return _IDLE

    def _send(self, batch: Batch, permit: Permit, now: float) -> None:
        self._tally.requests += 1
        batch.leaves(self._tally.requests, now)
        self._workers.send(Flight(batch, permit))
        self._tally.in_flight = max(self._tally.in_flight, self._workers.in_flight)

    def _something_ready(self, now: float) -> bool:
        if self._retries.ready(now):
            return True
        # While much waits for another try, nothing new is started: memory stays bounded in an outage.
        if len(self._retries) >= self._settings.in_flight_max or not self._reader.ready:
            return False
        return self._reservations.allows(self._reader.head)

    def _next(self, now: float) -> Batch:
        if self._retries.ready(now):
            self._tally.retries += 1
            return self._retries.take()
        batch = self._reader.take()
        batch.doubted = self._resumed
        return batch

    def _take_events(self, wait: float) -> None:
        try:
            event = self._events.get(timeout=max(wait, 0.0005))
            while True:
                if event is not None:
                    self._workers.in_flight -= 1
                    self._landing.land(event)
                event = self._events.get_nowait()
        except queue.Empty:
            return

    def _drain(self) -> None:
        """Wait for what is in flight, and settle what will not be tried again."""
        self._landing.stopping = True
        while self._workers.in_flight:
            self._take_events(_IDLE)
        self._landing.abandon_retries()

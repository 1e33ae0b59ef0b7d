"""Threads that send: each takes a job, makes the request, and reports what came back."""

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from braze_assets.braze.replies import Reply, read_reply
from braze_assets.delivery.batches import Batch
from braze_assets.delivery.limiter import Permit
from braze_assets.delivery.no_reply import NoReplyError

__all__ = ["Flight", "Tracker", "Workers"]


class Tracker(Protocol):
    """What the pipeline needs of a client."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Keys to take out of replies."""

    @property
    def endpoint(self) -> str:
        """Where it sends to, for messages."""

    def track(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """POST to `/users/track`: status, headers, body; or `NoReplyError`."""


@dataclass(eq=False)
class Flight:
    """One request in flight, and how it ended."""

    batch: Batch
    permit: Permit
    left: float = 0.0
    reply: Reply | None = None
    failure: NoReplyError | None = None
    bug: BaseException | None = None
    replied: float | None = None
    """When its reply was there, monotonic seconds; None: there is none."""

    @property
    def seconds(self) -> float:
        """From its departure to its reply."""
        return 0.0 if self.replied is None else self.replied - self.left


class Workers:
    """As many threads as were ever needed at once.

    Args:
        client: Makes the requests.
        landed: Called from a worker's thread with every flight that ended.
        clock: Monotonic seconds.
        now: The current time, for rate-limit headers.
        may_send: Asked right before every request: a thread may have slept since the flight was handed over.
    """

    def __init__(
        self,
        client: Tracker,
        *,
        landed: Callable[[Flight], None],
        clock: Callable[[], float],
        now: Callable[[], datetime],
        may_send: Callable[[], bool] = lambda: True,
    ) -> None:
        self._client = client
        self._landed = landed
        self._clock = clock
        self._now = now
        self._may_send = may_send
        self._jobs: queue.SimpleQueue[Flight | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self.in_flight = 0

    def send(self, flight: Flight) -> None:
        """Send; the caller counts `in_flight` down when the flight has landed."""
        self.in_flight += 1
        if self.in_flight > len(self._threads):
            name = f"braze-sender-{len(self._threads)}"
            thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
        self._jobs.put(flight)

    def close(self, timeout: float | None = None) -> None:
        """End the threads once they are idle."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(timeout)

    def _run(self) -> None:
        while (flight := self._jobs.get()) is not None:
            flight.left = self._clock()
            try:
                if not self._may_send():
                    raise NoReplyError(
                        "This process slept, or saw no table, for too long: its right to send has run out.",
                        place=self._client.endpoint,
                        remedy="Look at how fast the ledger's storage answers, and at this machine's load.",
                        sent=False,
                    )
                status, headers, body = self._client.track(flight.batch.body)
                flight.replied = self._clock()
                flight.reply = read_reply(
                    status,
                    headers,
                    body,
                    sent=len(flight.batch),
                    now=self._now(),
                    secrets=self._client.secrets,
                    array=flight.batch.array,
                )
            except NoReplyError as failure:
                flight.failure = failure
            except BaseException as bug:  # must reach the sender, whatever it is
                flight.bug = bug
            self._landed(flight)

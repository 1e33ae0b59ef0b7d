"""What becomes of a batch after a reply, or after none: settled, sent again, cut in two, or the end."""

import random
from dataclasses import dataclass, field
from datetime import datetime

from braze_assets.braze.redaction import impersonal
from braze_assets.braze.replies import Reply, Verdict
from braze_assets.delivery.batches import Batch, Packer
from braze_assets.delivery.doubts import Doubts
from braze_assets.delivery.no_reply import NoReplyError
from braze_assets.delivery.outcomes import Settled
from braze_assets.delivery.report import Tally
from braze_assets.delivery.settings import DeliverySettings
from braze_assets.delivery.settled import accepted, refused, settled
from braze_assets.errors import DeliveryError

__all__ = ["Fate", "Triage"]

_SEARCH_ATTEMPTS = 3
"""Attempts of a part of a batch that had all of its own."""
_BLIND = 3
"""Cuts after which some part must have been answered; else it is an outage after all."""
_ALL = "HTTP 400 for every object, whichever way the batches were cut"


@dataclass
class Fate:
    """What to do now."""

    settled: list[Settled] = field(default_factory=list)
    again: list[tuple[float, Batch]] = field(default_factory=list)
    """Batches to send, each after so many seconds."""
    stop: DeliveryError | None = None
    """Nothing more may be sent, for this reason."""


class Triage:
    """Decides; it neither sends nor waits.

    Args:
        settings: Attempts, pauses.
        packer: Told when Braze takes less in a request than the settings say.
        tally: Counts bisections, splits and 429s.
        endpoint: For messages.
        chance: Jitter of the pauses.
        resend: Whether objects go again that Braze may have taken. Attributes may; events would count twice.
    """

    def __init__(
        self,
        *,
        settings: DeliverySettings,
        packer: Packer,
        tally: Tally,
        endpoint: str,
        chance: random.Random,
        resend: bool = True,
    ) -> None:
        self._resend, self._doubts = resend, Doubts(settings, chance)
        self._settings, self._packer, self._tally = settings, packer, tally
        self._endpoint, self._chance = endpoint, chance
        self._last_answer = float("-inf")
        self._taken = False
        self._refused_alone = 0
        self._silent: set[int] = set()
        """Batches that failed since the last answer."""

    def reply(self, batch: Batch, reply: Reply, *, now: float, time: datetime) -> Fate:
        """After a reply. `now` is monotonic seconds, `time` what the receipts say."""
        if reply.verdict not in (Verdict.RETRY, Verdict.FATAL):
            self._last_answer = now
            self._silent.clear()
        self._count(batch)
        if not reply.ambiguous:
            self._doubts.answered()
        if reply.verdict is Verdict.ACCEPTED:
            self._taken = self._taken or len(reply.rejected) < len(batch)
            return Fate(accepted(batch, reply, time))
        if reply.verdict is Verdict.REFUSED:
            return self._without_the_bad(batch, reply, time)
        if reply.verdict is Verdict.BISECT:
            return self._bisect(batch, reply, now, time)
        if reply.verdict in (Verdict.SPLIT_BYTES, Verdict.SPLIT_OBJECTS):
            return self._split(batch, reply, time)
        if reply.verdict is Verdict.FATAL:
            fate = self.abandon(batch, reply.status, reply.reason, time)
            fate.stop = DeliveryError(
                f"{_shown(batch, reply.reason)}.", place=self._endpoint, remedy=reply.remedy
            )
            return fate
        if reply.status == 429:
            return self._throttled(batch, reply, time)
        return self._doubtful(batch, reply.status, reply.reason, now, time)

    def no_reply(self, batch: Batch, failure: NoReplyError, *, now: float, time: datetime) -> Fate:
        """After none."""
        self._count(batch)
        reason, remedy = failure.cause.rstrip("."), failure.remedy or ""
        if failure.sent:
            return self._doubtful(batch, None, reason, now, time, remedy)
        return self._retry(batch, None, reason, now, time, remedy)

    def wait(self, now: float, in_flight: int) -> float:
        """Seconds after which to ask again whether another request may go; 0 when it may."""
        return self._doubts.wait(now, in_flight)

    def abandon(self, batch: Batch, status: int | None, reason: str, time: datetime) -> Fate:
        """A batch that is not sent again: unknown if Braze may have taken it, else as if it never left."""
        if not batch.ambiguous:
            return Fate()
        return Fate([settled(batch, "unknown", status, time, reason=reason)])

    def _without_the_bad(self, batch: Batch, reply: Reply, time: datetime) -> Fate:
        again = [(0.0, batch.without(reply.rejected))] if len(reply.rejected) < len(batch) else []
        return Fate([refused(batch, reply.rejected, reply.status, time)], again)

    def _bisect(self, batch: Batch, reply: Reply, now: float, time: datetime) -> Fate:
        if len(batch) == 1:
            self._refused_alone += 1
            fate = Fate([refused(batch, {0: reply.reason}, reply.status, time)])
            # Some hundred objects refused one by one and not one ever taken: it is not the objects.
            if (
                not self._taken
                and self._refused_alone >= self._settings.refused_batches * self._packer.objects
            ):
                fate.stop = DeliveryError(
                    f"{_ALL}; the last one said: {_shown(batch, reply.reason)}.",
                    place=self._endpoint,
                    remedy="Look at one object in the plan; something changes the requests on their way, or "
                    "Braze refuses this kind of object altogether.",
                )
            return fate
        return self._cut(batch, now)

    def _cut(self, batch: Batch, now: float) -> Fate:
        """Look for what spoils it in both halves."""
        self._tally.bisections += 1
        batch.depth, batch.cut_at = batch.depth + 1, now
        return Fate(again=[(0.0, half) for half in batch.halves()])

    def _count(self, batch: Batch) -> None:
        if batch.depth:
            self._tally.search_requests += 1

    def _split(self, batch: Batch, reply: Reply, time: datetime) -> Fate:
        if len(batch) == 1:
            return Fate([refused(batch, {0: reply.reason}, reply.status, time)])
        self._tally.splits += 1
        # What is packed from now on is small enough from the start.
        if reply.verdict is Verdict.SPLIT_OBJECTS:
            self._packer.objects = min(self._packer.objects, max(1, len(batch) // 2))
            return Fate(again=[(0.0, half) for half in batch.halves()])
        self._packer.size = min(self._packer.size, max(1, len(batch.body) // 2))
        return Fate(again=[(0.0, half) for half in batch.byte_halves()])

    def _throttled(self, batch: Batch, reply: Reply, time: datetime) -> Fate:
        self._tally.throttled += 1
        batch.attempts -= 1
        batch.throttled += 1
        if batch.throttled < self._settings.max_throttled:
            return Fate(again=[(0.0, batch)])  # the limiter makes it wait
        fate = self.abandon(batch, reply.status, reply.reason, time)
        fate.stop = NoReplyError(
            f"Braze's rate limit let one request not pass in {batch.throttled} attempts.",
            place=self._endpoint,
            remedy="Find out what else uses this workspace's rate limit, or lower the rate limit setting.",
            sent=False,
        )
        return fate

    def _doubtful(
        self, batch: Batch, status: int | None, reason: str, now: float, time: datetime, remedy: str = ""
    ) -> Fate:
        """Braze may have taken it: again, where that does no harm."""
        batch.ambiguous = True
        if self._resend:
            return self._retry(batch, status, reason, now, time, remedy)
        self._doubts.arose(batch, now)
        fate = self.abandon(batch, status, reason, time)
        if self._doubts.enough:
            fate.stop = NoReplyError(
                f"Braze does not answer: {_shown(batch, reason)}, {self._doubts.rounds} requests one after "
                "the other.",
                place=self._endpoint,
                remedy=remedy or "Try again later; Braze's status page tells of incidents.",
                sent=True,
            )
        return fate

    def _retry(
        self, batch: Batch, status: int | None, reason: str, now: float, time: datetime, remedy: str = ""
    ) -> Fate:
        self._silent.add(id(batch))
        most = self._settings.max_attempts
        if batch.attempts < (min(_SEARCH_ATTEMPTS, most) if batch.depth else most):
            return Fate(again=[(self._pause(batch.attempts), batch)])
        # While this batch tried again and again, did anybody else get an answer? If not, it is an outage,
        # unless nobody else tried: then it may be the batch, and its parts will tell.
        silence = self._last_answer < (batch.cut_at if batch.depth else batch.first_sent)
        lonely = 0 < batch.depth < _BLIND or len(self._silent) == 1
        if batch.ambiguous and len(batch) > 1 and (lonely or not silence):
            return self._cut(batch, now)
        fate = self.abandon(batch, status, f"{reason}; {batch.attempts} attempts", time)
        if silence:
            fate.stop = NoReplyError(
                f"Braze does not answer: {_shown(batch, reason)}, {batch.attempts} attempts of every "
                "request.",
                place=self._endpoint,
                remedy=remedy or "Try again later; Braze's status page tells of incidents.",
                sent=batch.ambiguous,
            )
        return fate

    def _pause(self, attempts: int) -> float:
        """Exponential, half of it chance: requests that failed together do not come back together."""
        settings = self._settings
        longest = min(settings.backoff_cap, settings.backoff_base * 2.0 ** min(attempts - 1, 40))
        return longest / 2 + self._chance.uniform(0, longest / 2)


def _shown(batch: Batch, reason: str) -> str:
    """What was said, without the people in the batch: errors end up in logs."""
    return impersonal(reason, objects=batch.texts)

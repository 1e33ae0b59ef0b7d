"""What is done when nobody knows whether Braze took a request, and it must not be sent a second time."""

import random

from braze_assets.delivery.batches import Batch
from braze_assets.delivery.settings import DeliverySettings

__all__ = ["Doubts"]

_WHILE_FLYING = 0.2


class Doubts:
    """After a doubtful outcome requests go one at a time, with growing pauses, until one is answered.

    Every request that is sent into an outage costs its objects their certainty. So an outage costs what is in
    flight when it begins, and then one request an attempt.

    Args:
        settings: Attempts, pauses.
        chance: Jitter.
    """

    def __init__(self, settings: DeliverySettings, chance: random.Random) -> None:
        self._settings, self._chance = settings, chance
        self._since: float | None = None
        self._resume = float("-inf")
        self.rounds = 0
        """Doubtful outcomes one after the other; those that were in flight together count once."""

    @property
    def enough(self) -> bool:
        """Whether it has been tried often enough."""
        return self.rounds >= self._settings.max_attempts

    def answered(self) -> None:
        """Braze said what it did with a request."""
        self._since, self.rounds = None, 0

    def arose(self, batch: Batch, now: float) -> None:
        """Nobody knows what became of this batch."""
        if self._since is None:
            self._since, self.rounds = now, 1
        elif batch.first_sent >= self._since:
            self.rounds += 1
            longest = min(
                self._settings.backoff_cap, self._settings.backoff_base * 2.0 ** min(self.rounds, 40)
            )
            self._since = now
            self._resume = now + longest / 2 + self._chance.uniform(0, longest / 2)

    def wait(self, now: float, in_flight: int) -> float:
        """Seconds after which to ask again whether another request may go; 0 when it may."""
        if self._since is None:
            return 0.0
        return _WHILE_FLYING if in_flight else max(0.0, self._resume - now)

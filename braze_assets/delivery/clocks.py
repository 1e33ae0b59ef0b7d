"""Time and chance, so that tests can put in their own."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone

__all__ = ["Clocks"]


def _now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class Clocks:
    """What a send reads the time from, waits with, and throws dice with."""

    now: Callable[[], datetime] = _now
    """The current time, aware."""
    monotonic: Callable[[], float] = time.monotonic
    """Seconds that never go back."""
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], random.Random] = random.Random
    """Jitter; seed it for repeatable pauses."""

"""Enough requests in flight to fill the rate limit at the measured latency, and no more than help."""

import pytest

from braze_assets.delivery.concurrency import Concurrency


def run(*, latency: float, capacity: float, limit: float, seconds: float = 30.0) -> tuple[Concurrency, float]:
    """A server that answers `capacity` a second at most, a limit of `limit`; returns the last rate too."""
    adaptive, now, rate = Concurrency(start=32, maximum=128), 0.0, 0.0
    while now < seconds:
        wanted = adaptive.target / latency
        rate = min(wanted, capacity, limit)
        # What the server cannot do at once waits in its queue.
        seen = adaptive.target / rate if rate < limit else latency
        for _ in range(round(rate * 0.05)):
            adaptive.completed(seen)
        if limit <= min(wanted, capacity):
            adaptive.limited()
        else:
            adaptive.short()
        now += 0.05
        adaptive.look(now)
    return adaptive, rate


@pytest.mark.parametrize("latency", [0.05, 0.1, 0.12])
def test_the_limit_is_filled(latency: float) -> None:
    adaptive, rate = run(latency=latency, capacity=5_000, limit=1_000)
    assert rate == 1_000
    assert 1_000 * latency <= adaptive.target <= 1_000 * latency * 1.3 + 5


def test_a_fast_server_needs_few() -> None:
    adaptive, rate = run(latency=0.002, capacity=5_000, limit=1_000)
    assert rate == 1_000
    assert adaptive.target <= 8


def test_a_slow_server_gets_all_there_are() -> None:
    assert run(latency=1.0, capacity=5_000, limit=1_000)[0].target == 128


def test_growth_that_brings_nothing_is_taken_back() -> None:
    assert run(latency=0.01, capacity=300, limit=1_000)[0].target <= 64

"""The rate limit is obeyed exactly, wherever the server's window begins, and shared fairly."""

import heapq
from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_assets.braze.rate_headers import RateHeaders, read_rate_headers
from braze_assets.delivery.limiter import Permit, RateLimiter

HOUR = 3_600.0
EPOCH = int(datetime(2026, 11, 22, 12, 0, tzinfo=timezone.utc).timestamp())


def simulate(
    limiter: RateLimiter,
    *,
    latencies: list[tuple[float, float]],
    shares: list[int],
    in_flight: int,
    start: float = 0.0,
    noticed: float = 0.0,
) -> list[tuple[float, int]]:
    """Send greedily; a request is counted somewhere within its latency. Returns (counted at, share).

    A reply is handed to the limiter only so many seconds after it was there, with the time it was there.
    """
    now, counted = start, []
    flying: list[tuple[float, int, Permit]] = []
    busy = dict.fromkeys(shares, 0)
    for number, (latency, position) in enumerate(latencies):
        share = shares[number % len(shares)]
        while True:
            while flying and flying[0][0] <= now:
                end, _, permit = heapq.heappop(flying)
                busy[permit.share] -= 1  # type: ignore[index]
                limiter.done(permit, now=end, wall=end, replied=end - noticed)
            granted = limiter.acquire(share, now=now, wall=now) if busy[share] < in_flight else None
            if isinstance(granted, Permit):
                break
            steps = [now + min(granted, 30.0)] if granted is not None else []
            if flying:
                steps.append(flying[0][0])
            assert steps
            assert min(steps) > now - 1e-9
            now = max(min(steps), now + 1e-9)
        busy[share] += 1
        counted.append((now + latency * position, share))
        heapq.heappush(flying, (now + latency + noticed, number, granted))
    return sorted(counted)


def worst_window(times: list[float], seconds: float) -> int:
    """The most requests counted in any half-open stretch of this length."""
    worst = first = 0
    for last, time in enumerate(times):
        while times[first] <= time - seconds:
            first += 1
        worst = max(worst, last - first + 1)
    return worst


FLIGHTS = st.lists(
    st.tuples(st.floats(0, 5, allow_subnormal=False), st.floats(0, 1, allow_subnormal=False)),
    min_size=1,
    max_size=120,
)


@settings(deadline=None, max_examples=150)
@given(
    flights=FLIGHTS,
    requests=st.integers(1, 12),
    seconds=st.floats(0.05, 3),
    in_flight=st.integers(1, 40),
    shares=st.integers(1, 3),
    noticed=st.floats(0, 0.5),
)
def test_no_window_anywhere_sees_more_than_the_limit(
    flights: list[tuple[float, float]],
    requests: int,
    seconds: float,
    in_flight: int,
    shares: int,
    noticed: float,
) -> None:
    limiter = RateLimiter(requests=requests, seconds=seconds)
    several = list(range(shares))
    counted = simulate(limiter, latencies=flights, shares=several, in_flight=in_flight, noticed=noticed)
    assert len(counted) == len(flights)
    assert worst_window([time for time, _ in counted], seconds) <= requests


@settings(deadline=None, max_examples=100)
@given(flights=FLIGHTS, per_hour=st.integers(1, 40), start=st.floats(HOUR - 20, HOUR + 5))
def test_no_clock_hour_sees_more_than_its_budget_even_by_a_clock_that_is_off(
    flights: list[tuple[float, float]], per_hour: int, start: float
) -> None:
    limiter = RateLimiter(requests=10, seconds=0.5, per_hour=per_hour, skew=2.0)
    counted = simulate(limiter, latencies=flights, shares=[0], in_flight=10, start=start)
    for off in (-2.0, 0.0, 2.0):
        hours = [int((time + off) // HOUR) for time, _ in counted]
        assert max(hours.count(hour) for hour in hours) <= per_hour


@pytest.mark.parametrize(("latency", "noticed"), [(0.0, 0.0), (0.1, 0.0), (0.1, 0.05)])
def test_the_limit_is_reached_and_not_only_obeyed(latency: float, noticed: float) -> None:
    """At 100 ms the slot's extra time costs 3.2 %; that replies wait to be looked at costs nothing."""
    limiter = RateLimiter(requests=300, seconds=3.0)
    flights = [(latency, 0.5)] * 3_000
    counted = simulate(limiter, latencies=flights, shares=[0], in_flight=64, noticed=noticed)
    steady = [time for time, _ in counted if time >= 3]
    rate = len(steady) / (steady[-1] - steady[0])
    assert rate >= 0.96 * 100
    assert worst_window([time for time, _ in counted], 3.0) == 300


def test_two_greedy_sends_get_half_each() -> None:
    limiter = RateLimiter(requests=100, seconds=1.0)
    now, granted = 0.0, {"first": 0, "second": 0}
    held: dict[str, list[Permit]] = {"first": [], "second": []}
    while now < 20:
        # The first one asks more often, and came a second earlier.
        for share in ("first", "first", "second", "first"):
            if share == "second" and now < 1:
                continue
            for permit in held[share]:
                limiter.done(permit, now=now, wall=now)
            held[share].clear()
            got = limiter.acquire(share, now=now, wall=now)
            if isinstance(got, Permit):
                held[share].append(got)
                granted[share] += now > 5
        now += 0.003
    total = sum(granted.values())
    assert total >= 0.9 * 15 * 100
    assert 0.45 <= granted["second"] / total <= 0.55


def test_what_one_send_does_not_want_another_one_gets() -> None:
    limiter = RateLimiter(requests=10, seconds=1.0)
    assert isinstance(limiter.acquire("idle", now=0, wall=0), Permit)
    got = [limiter.acquire("busy", now=0.1, wall=0) for _ in range(9)]
    assert all(isinstance(permit, Permit) for permit in got)


def test_a_429_pauses_as_told_then_halves_and_recovers() -> None:
    limiter = RateLimiter(requests=8, seconds=1.0)
    told = RateHeaders(retry_after=2.0)
    limiter.observe(told, throttled=True, now=10.0, pause_cap=5, jitter=0.5)
    limiter.observe(told, throttled=True, now=10.1, pause_cap=5, jitter=0.5)
    wait = limiter.acquire("a", now=10.2, wall=0)
    assert isinstance(wait, float)
    assert wait == pytest.approx(2.4)
    assert isinstance(limiter.acquire("a", now=12.7, wall=0), Permit)
    assert limiter.allowed == 4, "one refusal, however many requests it hit"
    for second in range(14, 20):
        limiter.acquire("a", now=float(second), wall=0)
    assert limiter.allowed == 8


def test_a_429_that_says_nothing_waits_for_a_window() -> None:
    limiter = RateLimiter(requests=8, seconds=3.0)
    limiter.observe(RateHeaders(), throttled=True, now=0.0, pause_cap=5, jitter=0.0)
    assert limiter.acquire("a", now=1.0, wall=0) == pytest.approx(2.0)


def test_headers_that_claim_nothing_is_left_pause_but_not_for_long() -> None:
    limiter = RateLimiter(requests=8, seconds=3.0)
    claim = RateHeaders(limit=9, remaining=0, reset=3_000.0)
    limiter.observe(claim, throttled=False, now=0.0, pause_cap=5, jitter=0.0)
    assert limiter.acquire("a", now=1.0, wall=0) == pytest.approx(4.0)
    assert limiter.allowed == 8


def test_a_limit_used_to_the_full_is_no_reason_to_pause() -> None:
    """Headers count in whole seconds: to believe them would cost up to a second of every window."""
    limiter = RateLimiter(requests=8, seconds=3.0)
    for _ in range(7):
        permit = limiter.acquire("a", now=0.0, wall=0)
        assert isinstance(permit, Permit)
        limiter.done(permit, now=0.1, wall=0)
    claim = RateHeaders(limit=8, remaining=0, reset=3.0)
    limiter.observe(claim, throttled=False, now=0.1, pause_cap=5, jitter=0.0)
    assert isinstance(limiter.acquire("a", now=0.2, wall=0), Permit)
    hourly = RateHeaders(limit=8, remaining=0, reset=1_800.0)
    limiter.observe(hourly, throttled=False, now=0.3, pause_cap=5, jitter=0.0)
    assert limiter.acquire("a", now=0.3, wall=0) == pytest.approx(5.0), "that is another window"


_VALUES = st.one_of(
    st.sampled_from(
        ["", " ", "nan", "-inf", "1e999", "-5", "0", "0.5", "٣", "Sun, 22 Nov 2026 12:00:09 GMT"]
    ),
    st.integers(-10, 100_000).map(str),
    st.integers(-30_000, 30_000).map(lambda off: str(EPOCH + off)),
    st.floats().map(str),
    st.text(max_size=12),
)


@settings(deadline=None, max_examples=300)
@given(
    headers=st.dictionaries(
        st.sampled_from(
            [
                "X-RateLimit-Limit",
                "x-ratelimit-remaining",
                "X-RATELIMIT-RESET",
                "X-Ratelimit-Retry-After",
                "Retry-After",
                "Date",
            ]
        ),
        _VALUES,
    ),
    throttled=st.booleans(),
    skew=st.sampled_from([-30_000.0, -3_600.0, -5.0, 0.0, 5.0, 3_600.0, 30_000.0]),
    seconds=st.floats(0.1, 5.0),
    cap=st.floats(0.0, 60.0),
    longest=st.floats(1.0, 5_000.0),
)
def test_no_header_makes_a_pause_negative_or_longer_than_the_settings_allow(
    headers: dict[str, str], throttled: bool, skew: float, seconds: float, cap: float, longest: float
) -> None:
    """Both regimes, wrong clocks, empty strings, dates, missing headers on a 429."""
    limiter = RateLimiter(requests=100, seconds=seconds)
    rate = read_rate_headers(headers, now=datetime.fromtimestamp(EPOCH + skew, timezone.utc))
    limiter.observe(rate, throttled=throttled, now=50.0, pause_cap=cap, jitter=0.25, longest=longest)
    granted = limiter.acquire("a", now=50.0, wall=0)
    pause = granted if isinstance(granted, float) else 0.0
    assert 0 <= pause <= (longest + 0.25 if throttled else cap) + 1e-6
    if throttled:
        told = seconds if rate.wait is None else rate.wait
        assert pause >= min(max(told, 0.1 * seconds), longest) - 1e-6
    elif rate.remaining == 0 and rate.reset:
        assert pause == pytest.approx(min(rate.reset, cap))
    else:
        assert pause == 0


def test_refusals_one_after_the_other_wait_longer_also_if_told_to_come_back_at_once() -> None:
    limiter, now, pauses = RateLimiter(requests=100, seconds=3.0), 0.0, []
    for _ in range(10):
        limiter.observe(RateHeaders(retry_after=0.0), throttled=True, now=now, pause_cap=5, jitter=0)
        limiter.observe(RateHeaders(retry_after=0.0), throttled=True, now=now, pause_cap=5, jitter=0)
        granted = limiter.acquire("a", now=now, wall=0)
        assert isinstance(granted, float)
        pauses.append(granted)
        now += granted
    assert pauses[:3] == pytest.approx([0.3, 0.6, 1.2])
    assert max(pauses) == pytest.approx(0.3 * 64), "and no longer than that"
    limiter.observe(RateHeaders(), throttled=False, now=now, pause_cap=5, jitter=0)
    limiter.observe(RateHeaders(retry_after=0.0), throttled=True, now=now, pause_cap=5, jitter=0)
    assert limiter.acquire("a", now=now, wall=0) == pytest.approx(0.3)

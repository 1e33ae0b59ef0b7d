"""Both regimes of rate-limit headers, and everything that was ever seen in them (peers: mistake 17)."""

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_assets.braze.rate_headers import LONGEST_WAIT, RateHeaders, read_rate_headers

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=timezone.utc)
EPOCH = int(NOW.timestamp())


def test_classic_headers_count_to_an_epoch_in_any_case() -> None:
    for change in (str.lower, str.upper, str.title):
        names = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
        values = ("3000", "12", str(EPOCH + 2))
        headers = {change(name): value for name, value in zip(names, values, strict=True)}
        assert read_rate_headers(headers, now=NOW) == RateHeaders(limit=3000, remaining=12, reset=2.0)


def test_newer_headers_count_down() -> None:
    read = read_rate_headers({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1799"}, now=NOW)
    assert (read.remaining, read.reset, read.wait) == (0, 1799.0, 1799.0)


def test_a_429_may_carry_only_its_own_header() -> None:
    assert read_rate_headers({"X-Ratelimit-Retry-After": "7"}, now=NOW) == RateHeaders(retry_after=7.0)


def test_an_explicit_wait_wins_over_the_reset() -> None:
    headers = {"x-ratelimit-reset": "50", "x-ratelimit-retry-after": "3"}
    assert read_rate_headers(headers, now=NOW).wait == 3.0


def test_a_standard_retry_after_is_understood_too() -> None:
    assert read_rate_headers({"Retry-After": "4"}, now=NOW).wait == 4.0
    later = format_datetime(NOW + timedelta(seconds=9), usegmt=True)
    assert read_rate_headers({"Retry-After": later}, now=NOW).wait == 9.0


@pytest.mark.parametrize("value", ["", "  ", "abc", "nan", "inf", "1e999", "٣", "-"])
def test_unreadable_values_count_as_absent(value: str) -> None:
    names = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-ratelimit-retry-after")
    assert read_rate_headers(dict.fromkeys(names, value), now=NOW) == RateHeaders()


def test_a_wrong_clock_here_does_not_change_the_wait() -> None:
    date = format_datetime(NOW, usegmt=True)
    headers = {"Date": date, "X-RateLimit-Reset": str(EPOCH + 3)}
    for skew in (-86_400, 0, 86_400):
        assert read_rate_headers(headers, now=NOW + timedelta(seconds=skew)).reset == 3.0


@pytest.mark.parametrize("hours", [-30, -5, -2, 2, 5, 30])
def test_a_clock_that_is_hours_off_counts_as_no_header(hours: int) -> None:
    """Ahead or behind: without a `Date` to measure by, an epoch says nothing then."""
    read = read_rate_headers({"X-RateLimit-Reset": str(EPOCH + 2)}, now=NOW + timedelta(hours=hours))
    assert read.reset is None


def test_a_clock_that_is_a_little_off_does_no_harm() -> None:
    for seconds in range(-60, 60):
        read = read_rate_headers({"X-RateLimit-Reset": str(EPOCH)}, now=NOW + timedelta(seconds=seconds))
        assert read.reset == max(0, -seconds)


@pytest.mark.parametrize("text", ["Thu, 01 Jan 1970 00:16:40 GMT", "Sun, 22 Nov 2026 03:00:00 GMT"])
def test_a_date_long_past_is_no_number_of_seconds(text: str) -> None:
    assert read_rate_headers({"Retry-After": text}, now=NOW).retry_after is None


@pytest.mark.parametrize(
    ("value", "wait"),
    [("-1", None), ("-1e300", None), ("0", 0.0), ("2.5", 2.5), ("7, 9", 7.0), ("1e300", None)],
)
def test_numbers_at_the_edges(value: str, wait: float | None) -> None:
    for name in ("X-RateLimit-Reset", "X-Ratelimit-Retry-After", "Retry-After"):
        assert read_rate_headers({name: value}, now=NOW).wait == wait


def test_a_wait_of_a_day_is_cut_to_an_hour() -> None:
    assert read_rate_headers({"Retry-After": "86400"}, now=NOW).wait == LONGEST_WAIT


def test_an_epoch_in_milliseconds_is_one_too() -> None:
    assert read_rate_headers({"X-RateLimit-Reset": str((EPOCH + 5) * 1000)}, now=NOW).reset == 5.0


@settings(deadline=None, max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "X-RateLimit-Limit",
                "x-ratelimit-remaining",
                "X-RATELIMIT-RESET",
                "Retry-After",
                "Date",
                "Other",
            ]
        ),
        st.one_of(st.text(max_size=30), st.integers().map(str), st.floats().map(str)),
    )
)
def test_no_header_can_break_it_or_make_it_wait_forever(headers: dict[str, str]) -> None:
    read = read_rate_headers(headers, now=NOW)
    for wait in (read.reset, read.retry_after):
        assert wait is None or 0 <= wait <= LONGEST_WAIT
    assert read.remaining is None or read.remaining >= 0

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


def test_a_wrong_clock_without_a_date_is_bounded() -> None:
    headers = {"X-RateLimit-Reset": str(EPOCH)}
    assert read_rate_headers(headers, now=NOW - timedelta(days=9)).reset == LONGEST_WAIT
    assert read_rate_headers(headers, now=NOW + timedelta(days=9)).reset == 0.0


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

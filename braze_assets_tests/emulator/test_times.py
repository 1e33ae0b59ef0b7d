"""The spellings of a time that Braze takes (X11)."""

from datetime import datetime, timezone

import pytest

from braze_assets.emulator.times import parse_time

MORNING = datetime(2026, 7, 16, 19, 20, 30, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-07-16T19:20:30Z", MORNING),
        ("2026-07-16T19:20:30", MORNING),
        ("2026-07-16 19:20:30", MORNING),
        ("2026-07-16T21:20:30+02:00", MORNING),
        ("2026-07-16T21:20:30+0200", MORNING),
        ("2026-07-16T14:20:30-05", MORNING),
        ("2026-07-16 19:20:30 UTC", MORNING),
        ("2026-07-16T19:20:30.123Z", MORNING.replace(microsecond=123_000)),
        ("2026-07-16T19:20:30:123Z", MORNING.replace(microsecond=123_000)),
        ("2026-07-16T19:20", MORNING.replace(second=0)),
        ("2026-07-16", datetime(2026, 7, 16, tzinfo=timezone.utc)),
        ("07/16/2026", datetime(2026, 7, 16, tzinfo=timezone.utc)),
        ("Thu 07 16 20:20:30.+01:00 2026", MORNING),
        ("3000-01-01", datetime(3000, 1, 1, tzinfo=timezone.utc)),
    ],
)
def test_taken(text, expected):
    assert parse_time(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026", "2026-13-01", "2026-02-30", "16/07/2026", "3001-01-01", "2026-07-16T25:00:00"),
        *("20260716", "0000-01-01", "0001-01-01T00:00:00+14:00", "2026-07-16x", "1" * 60, "-001-01-01"),
    ],
)
def test_text(text):
    assert parse_time(text) is None

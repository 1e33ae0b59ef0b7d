"""Cron lines, zones and changed clocks (K21)."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_assets.assets.daylight import changes, daylight_warning, hit_changes
from braze_assets.assets.timing import Timing, cron_problem, spelled, ticks, zone_problem

NOW = datetime(2026, 11, 22, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("every day", "neither a cron line nor one of manual, after each partition, after new data"),
        ("after_new_dat", "did you mean 'after new data'?"),
        ("manuel", "did you mean 'manual'?"),
        ("61 * * * *", "neither a cron line"),
        ("0 6 * *", "neither a cron line"),
        ("0 0 6 * * *", "has 6 fields"),
        ("0 0 31 2 *", "never fires"),
        ("0 0 31 4,6 *", "never fires"),
        ("", "neither a cron line"),
        ("@reboot", "neither a cron line"),
    ],
)
def test_what_is_no_schedule_is_told(text: str, said: str) -> None:
    assert said in cron_problem(text)


@pytest.mark.parametrize(
    "text",
    ["0 0 29 2 *", "0 6 * * *", "*/5 * * * 1-5", "@daily", "manual", "after_new_data", "After  new data"],
)
def test_what_fires_is_taken(text: str) -> None:
    """The 29th of February too: in leap years."""
    assert cron_problem(text) == ""


def test_words_are_spelled_in_one_way() -> None:
    assert spelled("after_each_partition") == spelled(" After each PARTITION") == "after each partition"
    assert spelled(" 0 6 * * MON ") == "0 6 * * MON"


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("Europe/Berln", "Europe/Berlin"),
        ("berlin", "Europe/Berlin"),
        ("Pacific/Los_Angeles", "America/Los_Angeles"),
        ("new york", "America/New_York"),
        ("Nowhere", "an IANA name"),
    ],
)
def test_an_unknown_zone_is_told_with_what_comes_near(name: str, near: str) -> None:
    assert near in zone_problem(name)
    assert zone_problem("Europe/Berlin") == zone_problem("UTC") == ""


def test_an_hour_that_does_not_exist_or_comes_twice_is_told_with_its_dates() -> None:
    said = daylight_warning(Timing("30 2 * * *", "Europe/Berlin"), NOW)
    assert "2027-03-28: 02:00 to 03:00 does not exist, it runs at 03:00 (01:00 UTC)" in said
    assert "2027-10-31: 02:00 to 03:00 comes twice, it runs at 02:30 (01:30 UTC)" in said
    # From the day it is asked on.
    later = daylight_warning(Timing("30 2 * * *", "Europe/Berlin"), NOW + timedelta(days=200))
    assert "2027-03-28" not in later
    assert "2027-10-31" in later


@pytest.mark.parametrize(
    ("cron", "zone"),
    [
        ("30 3 * * *", "Europe/Berlin"),
        ("0 1 * * *", "Europe/Berlin"),
        ("30 2 * * 1", "Europe/Berlin"),  # Clocks are changed on Sundays.
        ("30 2 * 5-9 *", "Europe/Berlin"),
        ("0 * * * *", "Europe/Berlin"),
        ("30 2 * * *", "UTC"),
        ("30 2 * * *", "Asia/Tokyo"),
        ("manual", "Europe/Berlin"),
    ],
)
def test_nothing_is_said_where_there_is_nothing(cron: str, zone: str) -> None:
    assert daylight_warning(Timing(cron, zone), NOW) == ""


@settings(max_examples=60, deadline=None)
@given(
    hour=st.integers(0, 5),
    minute=st.sampled_from([0, 15, 30, 59]),
    zone=st.sampled_from(
        ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Santiago"]
    ),
    start=st.integers(0, 700),
)
def test_a_day_is_told_if_its_time_is_not_once_there(hour: int, minute: int, zone: str, start: int) -> None:
    """Asked of every day of a year, by what the zone says of that time: the oracle knows no changes."""
    place, as_of = ZoneInfo(zone), NOW + timedelta(days=start)
    hit = hit_changes(Timing(f"{minute} {hour} * * *", zone), as_of, years=1)
    told = {change.first.date() for change, _ in hit}
    first = as_of.astimezone(place).date() + timedelta(days=1)
    odd = set()
    for number in range(363):
        day = first + timedelta(days=number)
        early, late = (
            datetime(day.year, day.month, day.day, hour, minute, fold=fold, tzinfo=place).utcoffset()
            for fold in (0, 1)
        )
        if early != late:
            odd.add(day)
    assert odd == {day for day in told if first <= day < first + timedelta(days=363)}


def test_a_change_is_found_to_the_second() -> None:
    spring, autumn = changes(ZoneInfo("Europe/Berlin"), NOW, years=1)
    assert spring.at == datetime(2027, 3, 28, 1, tzinfo=timezone.utc)
    assert (spring.skipped, autumn.skipped) == (True, False)
    assert autumn.at == datetime(2027, 10, 31, 1, tzinfo=timezone.utc)
    assert list(changes(ZoneInfo("Asia/Tokyo"), NOW)) == []


def test_ticks_are_those_of_dagster() -> None:
    """Where the hour is left out, at its end; where it comes twice, the second time, once."""
    daily = Timing("30 2 * * *", "Europe/Berlin")
    spring = ticks(daily, datetime(2027, 3, 27, 12, tzinfo=timezone.utc))
    assert [f"{next(spring):%d %H:%M %z}" for _ in range(2)] == ["28 03:00 +0200", "29 02:30 +0200"]
    autumn = ticks(daily, datetime(2027, 10, 30, 12, tzinfo=timezone.utc))
    assert [f"{next(autumn):%d %H:%M %z}" for _ in range(2)] == ["31 02:30 +0100", "01 02:30 +0100"]

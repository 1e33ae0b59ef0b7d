"""Keys of Currents files (K40)."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from braze_assets.currents.paths import (
    CurrentsKey,
    build_key,
    hour_name,
    hour_prefix,
    parse_hour,
    parse_key,
    window,
)
from braze_assets.errors import CurrentsError

HOUR = datetime(2025, 4, 1, 17, tzinfo=timezone.utc)


def test_the_new_layout() -> None:
    """K40: version=N/environment."""
    name = "dataexport.prod-01.S3.integration.69cadaaed2d51b7c75b1a3e5"
    hour = "event_type=users.messages.email.Open/date=2025-04-01-17"
    key = f"a/b/{name}/{hour}/version=6/us-01/{name}+3+123.avro"
    assert parse_key(key) == CurrentsKey(
        event_type="users.messages.email.Open",
        hour=HOUR,
        layout="version",
        integration=name,
        version=6,
        environment="us-01",
        partition=3,
        offset=123,
    )


def test_the_old_layout_and_the_name_of_2017() -> None:
    """K40: schema id/zone, and a file named without a cluster."""
    name = "dataexport.S3.integration.599f118afbe76a01c513c63c"
    key = f"{name}/event_type=users.behaviors.Purchase/date=2025-04-01-17/42/zone/{name}+2+0000035465.avro"
    parsed = parse_key(key)
    assert parsed is not None
    assert (parsed.layout, parsed.version, parsed.environment, parsed.offset) == ("2017", 42, "zone", 35465)
    assert build_key(parsed) == key


@given(
    st.sampled_from(["version", "schema", "2017"]),
    st.integers(0, 10**9),
    st.integers(0, 99),
    st.integers(0, 10**6),
    st.sampled_from(["users.messages.email.Send", "contentoptimizer.ComponentStore"]),
)
def test_what_is_built_is_parsed_again(layout, offset, partition, hours, event_type) -> None:  # type: ignore[no-untyped-def]
    cluster = "" if layout == "2017" else "prod-02."
    key = CurrentsKey(
        event_type=event_type,
        hour=datetime(2017, 1, 1, tzinfo=timezone.utc) + timedelta(hours=hours % 200_000),
        layout=layout,
        integration=f"dataexport.{cluster}S3.integration.0123",
        version=7,
        environment="eu-01",
        partition=partition,
        offset=offset,
    )
    assert parse_key("any/prefix/" + build_key(key)) == key


@pytest.mark.parametrize(
    "key",
    [
        "event_type=T/date=2025-04-01-17/file.avro",
        "date=2025-04-01-17/x/event_type=T/some/thing/new/file.dat",
        "event_type=T/date=2025-04-01-17/version=x/us-01/f.avro",
    ],
)
def test_an_unknown_layout_still_tells_event_type_and_hour(key: str) -> None:
    """K40: unknown layouts under the prefix."""
    assert parse_key(key) == CurrentsKey(event_type="T", hour=HOUR)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "x",
        "event_type=T/file.avro",
        "event_type=T/date=2025-04-01/f.avro",
        "event_type=T/date=2025-13-01-17/f",
    ],
)
def test_no_event_type_or_no_hour_is_no_key(key: str) -> None:
    assert parse_key(key) is None


def test_hours() -> None:
    assert hour_name(HOUR) == "2025-04-01-17"
    assert hour_name(HOUR.astimezone(timezone(timedelta(hours=9)))) == "2025-04-01-17"
    assert parse_hour("2025-04-01-17") == HOUR
    assert parse_hour("2025-04-01-25") is None
    assert hour_prefix("x/", "T", HOUR) == "x/event_type=T/date=2025-04-01-17/"
    assert window(HOUR, 2) == [HOUR - timedelta(hours=1), HOUR - timedelta(hours=2)]
    for wrong in (HOUR.replace(minute=1), HOUR.replace(tzinfo=None)):
        with pytest.raises(CurrentsError, match="whole hour"):
            hour_name(wrong)


def test_a_key_needs_all_its_parts() -> None:
    with pytest.raises(CurrentsError, match="cannot be built"):
        build_key(CurrentsKey(event_type="T", hour=HOUR, layout="version"))

"""The email engagement summary against a slow evaluation in plain Python (K42)."""

import calendar
from datetime import datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_assets.currents.engagement import ENGAGEMENT_COLUMNS, engagement_sql
from braze_assets.storage import connect

# A plain day, a leap day, and a day that the months before do not have.
MOMENTS = [datetime(*day, tzinfo=timezone.utc) for day in ((2026, 3, 1), (2024, 2, 29), (2026, 5, 31))]
AS_OFS = st.sampled_from(MOMENTS)
DAYS = {
    "last_1_day": 1,
    "last_3_days": 3,
    "last_5_days": 5,
    "last_7_days": 7,
    "last_14_days": 14,
    "last_30_days": 30,
    "last_90_days": 90,
}
MONTHS = {"last_3_months": 3, "last_6_months": 6, "last_9_months": 9, "last_12_months": 12}
COUNTED = {
    "sends": "Sent",
    "deliveries": "Delivered",
    "opens": "Open",
    "clicks": "Click",
    "bounces": "Bounce",
    "unsubscribes": "Unsubscribe",
}
PLAIN = ["last_1_day", "last_3_days", "last_7_days", "last_14_days", "last_30_days", "last_90_days"]
PERIODS = {
    name: [*DAYS, *MONTHS] if name in ("opens", "clicks") else [*PLAIN, "last_12_months"] for name in COUNTED
}
FIRST = {"send": "Sent", "open": "Open", "click": "Click", "optin": "Optin"}
LATEST = FIRST | {
    "delivery": "Delivered",
    "bounce": "Bounce",
    "unsubscribe": "Unsubscribe",
    "optout": "Optout",
}
SCHEMA = pa.schema(
    [
        ("external_user_id", pa.string()),
        ("email", pa.string()),
        ("event_type", pa.string()),
        ("event_datetime", pa.timestamp("us", tz="UTC")),
        ("is_machine_open", pa.bool_()),
        ("is_suspected_bot_click", pa.bool_()),
    ]
)


def months_before(moment: datetime, months: int) -> datetime:
    """The same day of an earlier month, or its last."""
    year, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


def beginning(as_of: datetime, period: str) -> datetime:
    return as_of - timedelta(days=DAYS[period]) if period in DAYS else months_before(as_of, MONTHS[period])


@st.composite
def events(draw: Any, as_of: datetime) -> list[dict[str, Any]]:
    """Rows of unified email events, many of them where a period begins or a microsecond to either side."""
    edges = [as_of, as_of - timedelta(days=30), months_before(as_of, 15)]
    edges += [beginning(as_of, period) for period in (*DAYS, *MONTHS)]
    times = st.builds(
        lambda edge, off: edge + timedelta(microseconds=off),
        st.one_of(st.sampled_from(edges), st.integers(0, 600).map(lambda days: as_of - timedelta(days))),
        st.integers(-1, 1),
    )
    event = st.fixed_dictionaries(
        {
            "external_user_id": st.sampled_from(["C1", "C2", None]),
            "email": st.sampled_from(["a@example.com", "b@example.com", None]),
            "event_type": st.sampled_from([*COUNTED.values(), "SoftBounce", "Optin", "Optout"]),
            "event_datetime": times,
            "automated": st.booleans(),
        }
    )
    # The same row twice is two events: what has the same id was left out before.
    found = draw(st.lists(event, max_size=25))
    return [
        {
            **{name: value for name, value in each.items() if name != "automated"},
            "is_machine_open": each["automated"] and each["event_type"] == "Open",
            "is_suspected_bot_click": each["automated"] and each["event_type"] == "Click",
        }
        for each in [*found, *found[:3]]
    ]


def slow(given: list[dict[str, Any]], as_of: datetime, automated: bool) -> dict[str, dict[str, Any]]:
    """The summary, customer by customer and event by event."""
    kept = [
        each
        for each in given
        if each["external_user_id"] is not None
        and each["event_datetime"] < as_of
        and (automated or not (each["is_machine_open"] or each["is_suspected_bot_click"]))
    ]
    return {
        who: summary([each for each in kept if each["external_user_id"] == who], as_of)
        for who in {each["external_user_id"] for each in kept}
    }


def summary(mine: list[dict[str, Any]], as_of: datetime) -> dict[str, Any]:
    """One customer's row."""

    def times(kind: str, since: datetime | None = None) -> list[datetime]:
        at = [each["event_datetime"] for each in mine if each["event_type"] == kind]
        return sorted(each for each in at if since is None or each >= since)

    row: dict[str, Any] = {"external_user_id": mine[0]["external_user_id"]}
    emails = [(each["event_datetime"], each["email"]) for each in mine if each["email"] is not None]
    row["email"] = max(emails)[1] if emails else None
    for name, kind in COUNTED.items():
        row[f"email_{name}_lifetime"] = len(times(kind))
        for period in PERIODS[name]:
            row[f"email_{name}_{period}"] = len(times(kind, beginning(as_of, period)))
    for name, kind in FIRST.items():
        row[f"first_email_{name}_datetime"] = next(iter(times(kind)), None)
    for name, kind in LATEST.items():
        row[f"most_recent_email_{name}_datetime"] = next(reversed(times(kind)), None)
    sent = len(times("Sent"))
    row["email_open_rate_lifetime"] = len(times("Open")) / sent if sent else None
    row["email_click_rate_lifetime"] = len(times("Click")) / sent if sent else None
    since = months_before(as_of, 15)
    sends, opens, clicks = (len(times(kind, since)) for kind in ("Sent", "Open", "Click"))
    if opens or clicks:
        status = "Active"
    elif sent and times("Sent")[0] >= as_of - timedelta(days=30):
        status = "New"
    else:
        status = "Inactive" if sends else "Non-recipient"
    row["engagement_status_last_15_months"] = status
    if sends < 5:
        frequency = "New" if sends else "Non-recipient"
    else:
        frequency = "Low" if opens * 3 < sends else "Medium" if opens * 3 < sends * 2 else "High"
    row["engagement_frequency_last_15_months"] = frequency
    return row


@settings(deadline=None, max_examples=80)
@given(st.data(), AS_OFS, st.booleans())
def test_summary_is_what_counting_event_by_event_gives(data: Any, as_of: datetime, automated: bool) -> None:
    """K42: every column, at the edges of every period too."""
    given_events = data.draw(events(as_of))
    with connect() as connection:
        connection.register("given_events", pa.Table.from_pylist(given_events, SCHEMA))
        sql = engagement_sql("given_events", as_of=as_of, exclude_automated=not automated)
        rows = connection.sql(sql).to_arrow_table().to_pylist()
    expected = slow(given_events, as_of, automated)
    assert {row["external_user_id"]: row for row in rows} == expected


def test_the_columns_are_those_of_the_summary() -> None:
    """K42: what queries use is there: all that was, and Amperity's names."""
    names = [column.name for column in ENGAGEMENT_COLUMNS]
    wanted = summary(
        [{"external_user_id": "C", "email": "", "event_type": "", "event_datetime": MOMENTS[0]}], MOMENTS[0]
    )
    assert sorted(names) == sorted(wanted)
    for name in ("opens", "clicks", "sends", "bounces", "unsubscribes"):
        assert {f"email_{name}_last_{days}_days" for days in (7, 30, 90)} <= set(names)

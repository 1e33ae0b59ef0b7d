"""Unified email events and the engagement summary (K42)."""

from datetime import datetime, timedelta, timezone
from typing import Any

import duckdb
import pytest
import sqlglot

from braze_assets.currents.email_events import CONSENT, EMAIL_EVENTS_COLUMNS, unified_sql
from braze_assets.currents.engagement import ENGAGEMENT_COLUMNS, engagement_sql
from braze_assets.currents.ingest import ingest_hour
from braze_assets.currents.listing import CurrentsSource
from braze_assets.errors import CurrentsError
from braze_assets.storage import connect
from braze_assets_tests.currents.conftest import HOUR, Write, event

EMAIL = "users.messages.email."
AS_OF = datetime(2026, 11, 21, tzinfo=timezone.utc)


@pytest.fixture
def con() -> Any:
    with connect() as connection:
        yield connection


def columns(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in con.sql(f"DESCRIBE {query}").fetchall()]


def test_unified_email_events(write: Write, con: duckdb.DuckDBPyConnection) -> None:
    """K42: five tables become one, with their flags."""
    write(
        [event(1, external_user_id="c1", email_address="A@Example.com", send_id="s")],
        event_type=EMAIL + "Send",
    )
    write(
        [event(2, machine_open="true"), event(3, machine_open="false"), event(4)], event_type=EMAIL + "Open"
    )
    clicks = [event(5, is_suspected_bot_click=True), event(6)]
    path = write(clicks, event_type=EMAIL + "Click")
    write([event(7)], event_type=EMAIL + "Unsubscribe")
    source = CurrentsSource(str(path).partition("/dataexport")[0])
    sources = {}
    for name in ("Unsubscribe", "Bounce", "Click", "Open", "Send"):
        con.register(f"Currents {name}", ingest_hour(source, EMAIL + name, HOUR).table())
        sources[EMAIL + name] = f'"Currents {name}"'
    query = unified_sql(sources, brand="It's")
    assert columns(con, query) == [(column.name, column.type) for column in EMAIL_EVENTS_COLUMNS]
    rows = {row[0]: row for row in con.sql(f"SELECT pk, * FROM ({query})").fetchall()}
    assert {pk: row[6] for pk, row in rows.items()} == {
        "event-1": "Sent",
        "event-2": "Open",
        "event-3": "Open",
        "event-4": "Open",
        "event-5": "Click",
        "event-6": "Click",
        "event-7": "Unsubscribe",
    }
    assert rows["event-1"][2:6] == ("Braze Currents", "a@example.com", "It's", "s")
    assert rows["event-1"][7:10] == (HOUR + timedelta(seconds=1), "c1", "user-1")
    assert [pk for pk, row in rows.items() if row[-2]] == ["event-2"]
    assert [pk for pk, row in rows.items() if row[-1]] == ["event-5"]


@pytest.mark.parametrize(
    ("status", "channel", "word"),
    [
        ("Opted-In", "email", "Optin"),
        ("opted_in", "Email", "Optin"),
        ("Unsubscribed", "email", "Optout"),
        ("Subscribed", "email", None),
        ("Opted-In", "push", None),
        ("Opted-In", None, None),
    ],
)
def test_consent_to_email_is_an_event(
    write: Write, con: duckdb.DuckDBPyConnection, status: str, channel: str | None, word: str | None
) -> None:
    """K42: Optin and Optout, wherever they were said; nothing of push, nothing that nobody chose."""
    change = event(1, subscription_status=status, channel=channel, external_user_id="c1")
    path = write([change], event_type=CONSENT)
    source = CurrentsSource(str(path).partition("/dataexport")[0])
    con.register("changes", ingest_hour(source, CONSENT, HOUR).table())
    query = unified_sql({CONSENT: "changes"})
    assert columns(con, query) == [(column.name, column.type) for column in EMAIL_EVENTS_COLUMNS]
    found = con.sql(f"SELECT event_type, external_user_id, email, dispatch_id FROM ({query})").fetchall()
    assert found == ([(word, "c1", "a@example.com", None)] if word else [])


def test_what_is_no_email_event_is_refused() -> None:
    with pytest.raises(CurrentsError, match="is not an email event"):
        unified_sql({EMAIL + "Send": "a", "users.messages.sms.Send": "b"})
    with pytest.raises(CurrentsError, match="need an event table"):
        unified_sql({})


def add(con: duckdb.DuckDBPyConnection, *events: tuple[str, str | None, str, timedelta, bool]) -> None:
    """Create the table `events`; each is (pk, customer, type, how long before AS_OF, automated)."""
    names = ", ".join(f"{column.name} {column.type}" for column in EMAIL_EVENTS_COLUMNS)
    con.execute(f"CREATE TABLE events ({names})")
    for pk, customer, kind, before, automated in events:
        con.execute(
            "INSERT INTO events (pk, external_user_id, email, event_type, event_datetime, is_machine_open,"
            " is_suspected_bot_click) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                pk,
                customer,
                f"{pk}@example.com",
                kind,
                AS_OF - before,
                automated and kind == "Open",
                automated and kind == "Click",
            ],
        )


def summary(con: duckdb.DuckDBPyConnection, query: str, **bound: Any) -> dict[str, dict[str, Any]]:
    found = con.execute(query, bound or None)
    names = [column[0] for column in found.description]
    return {row[0]: dict(zip(names, row, strict=True)) for row in found.fetchall()}


DAY = timedelta(days=1)


def test_the_engagement_summary(con: duckdb.DuckDBPyConnection) -> None:
    """K42: counts over periods that end at as_of, machine opens and bot clicks left out."""
    add(
        con,
        ("a", "c1", "Sent", 100 * DAY, False),
        ("b", "c1", "Sent", 30 * DAY, False),
        ("c", "c1", "Open", 7 * DAY, False),
        ("d", "c1", "Open", 7 * DAY + timedelta(seconds=1), False),
        ("e", "c1", "Open", DAY, True),
        ("f", "c1", "Click", DAY, True),
        ("g", "c1", "Open", timedelta(0), False),
        ("h", "c1", "Open", -DAY, False),
        ("i", None, "Open", DAY, False),
        ("j", "c2", "Sent", 29 * DAY, False),
        ("k", "c3", "Sent", 31 * DAY, False),
        ("l", "c3", "Open", 500 * DAY, False),
        ("m", "c4", "Unsubscribe", DAY, False),
    )
    rows = summary(con, engagement_sql("events"), as_of=AS_OF)
    assert sorted(rows) == ["c1", "c2", "c3", "c4"]
    one = rows["c1"]
    assert (one["email_opens_last_7_days"], one["email_opens_last_30_days"], one["email_opens_lifetime"]) == (
        1,
        2,
        2,
    )
    assert (one["email_sends_last_30_days"], one["email_sends_last_90_days"]) == (1, 1)
    assert (one["email_sends_lifetime"], one["email_clicks_lifetime"]) == (2, 0)
    assert one["most_recent_email_open_datetime"] == AS_OF - 7 * DAY
    assert one["most_recent_email_click_datetime"] is None
    assert one["first_email_send_datetime"] == AS_OF - 100 * DAY
    assert one["email"] == "c@example.com"
    status = {customer: row["engagement_status_last_15_months"] for customer, row in rows.items()}
    assert status == {"c1": "Active", "c2": "New", "c3": "Inactive", "c4": "Non-recipient"}
    everything = summary(con, engagement_sql("events", as_of=AS_OF, exclude_automated=False))
    assert everything["c1"]["email_opens_lifetime"] == 3
    assert everything["c1"]["email_clicks_last_7_days"] == 1


def test_the_summary_of_a_past_day_does_not_know_the_future(con: duckdb.DuckDBPyConnection) -> None:
    add(con, ("a", "c1", "Open", 5 * DAY, False), ("b", "c1", "Open", DAY, False))
    assert summary(con, engagement_sql("events"), as_of=AS_OF - 5 * DAY) == {}
    past = summary(con, engagement_sql("events", as_of=AS_OF - 2 * DAY))
    assert past["c1"]["email_opens_lifetime"] == 1


def test_the_declared_columns_are_the_columns(con: duckdb.DuckDBPyConnection) -> None:
    """Column schemas are declared, not guessed."""
    add(con)
    query = engagement_sql("events", as_of=AS_OF)
    assert columns(con, query) == [(column.name, column.type) for column in ENGAGEMENT_COLUMNS]
    assert all(column.description for column in (*ENGAGEMENT_COLUMNS, *EMAIL_EVENTS_COLUMNS))
    assert con.sql(query).fetchall() == []


def test_the_sql_is_understood_elsewhere() -> None:
    """It parses as DuckDB's SQL, so that lineage can be drawn from it."""
    sqlglot.parse_one(engagement_sql("events"), dialect="duckdb")
    sqlglot.parse_one(unified_sql({EMAIL + "Open": "opens"}), dialect="duckdb")


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(CurrentsError, match="no time zone"):
        engagement_sql("events", as_of=datetime(2026, 1, 1))  # noqa: DTZ001

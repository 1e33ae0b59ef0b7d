"""SQL of the email engagement summary: one row a customer, as of a time.

The names are those of Amperity's Email_Engagement_Summary (its table reference, September 2026), by customer
instead of by address. What happened is counted over periods that end at `as_of`; a period takes in the
instant it begins with.
"""

from collections.abc import Iterator
from datetime import datetime, timezone

from braze_assets.currents.email_events import SqlColumn
from braze_assets.errors import CurrentsError
from braze_assets.storage import quote_literal

__all__ = ["ENGAGEMENT_COLUMNS", "ENGAGEMENT_PERIODS", "engagement_sql", "moment_sql"]

ENGAGEMENT_PERIODS = {
    "last_1_day": "1 DAY",
    "last_3_days": "3 DAY",
    "last_5_days": "5 DAY",
    "last_7_days": "7 DAY",
    "last_14_days": "14 DAY",
    "last_30_days": "30 DAY",
    "last_90_days": "90 DAY",
    "last_3_months": "3 MONTH",
    "last_6_months": "6 MONTH",
    "last_9_months": "9 MONTH",
    "last_12_months": "12 MONTH",
}
"""What a period is called, and how far before `as_of` it begins; months are those of the calendar."""

_COUNTED = {
    "sends": "Sent",
    "deliveries": "Delivered",
    "opens": "Open",
    "clicks": "Click",
    "bounces": "Bounce",
    "unsubscribes": "Unsubscribe",
}
# Amperity has these periods of opens and clicks alone; every further one of the others costs memory.
_ENGAGED_ONLY = ("last_5_days", "last_3_months", "last_6_months", "last_9_months")
_ENGAGED = ("opens", "clicks")

_FIRST = {"send": "Sent", "open": "Open", "click": "Click"}
_RECENT = {
    "send": "Sent",
    "delivery": "Delivered",
    "open": "Open",
    "click": "Click",
    "bounce": "Bounce",
    "unsubscribe": "Unsubscribe",
}

_TIME = "TIMESTAMP WITH TIME ZONE"
_STATUS_MONTHS = 15
_NEW_DAYS = 30
_FEW_EMAILS = 5


def _counts() -> Iterator[tuple[SqlColumn, str]]:
    """The columns that count, each with its SQL."""
    for name, event in _COUNTED.items():
        for period, back in ENGAGEMENT_PERIODS.items():
            if name in _ENGAGED or period not in _ENGAGED_ONLY:
                said = period.removeprefix("last_").replace("_", " ")
                text = f"{event} events in the {'day' if back == '1 DAY' else said} before."
                yield SqlColumn(f"email_{name}_{period}", "BIGINT", text), _count(event, back)
        yield (
            SqlColumn(f"email_{name}_lifetime", "BIGINT", f"{event} events since the feed began."),
            _count(event),
        )


def _times() -> Iterator[tuple[SqlColumn, str]]:
    """The columns of first and latest times, each with its SQL."""
    for which, function, events in (("first", "min", _FIRST), ("most_recent", "max", _RECENT)):
        for name, event in events.items():
            text = f"The {'first' if which == 'first' else 'latest'} {event} event."
            column = SqlColumn(f"{which}_email_{name}_datetime", _TIME, text)
            yield column, f"{function}(event_datetime) FILTER (WHERE event_type = '{event}')"


def _count(event: str, back: str | None = None) -> str:
    since = f" AND event_datetime >= as_of - INTERVAL {back}" if back else ""
    return f"count(*) FILTER (WHERE event_type = '{event}'{since})"


def _rate(event: str) -> str:
    return f"{_count(event)} / nullif({_count('Sent')}, 0)"


_RECENTLY = f"{_STATUS_MONTHS} MONTH"

_STATUS = f"""CASE
        WHEN {_count("Open", _RECENTLY)} + {_count("Click", _RECENTLY)} > 0 THEN 'Active'
        WHEN min(event_datetime) FILTER (WHERE event_type = 'Sent') >= max(as_of) - INTERVAL {_NEW_DAYS} DAY
            THEN 'New'
        WHEN {_count("Sent", _RECENTLY)} > 0 THEN 'Inactive'
        ELSE 'Non-recipient' END"""

_FREQUENCY = f"""CASE
        WHEN {_count("Sent", _RECENTLY)} = 0 THEN 'Non-recipient'
        WHEN {_count("Sent", _RECENTLY)} < {_FEW_EMAILS} THEN 'New'
        WHEN 3 * {_count("Open", _RECENTLY)} < {_count("Sent", _RECENTLY)} THEN 'Low'
        WHEN 3 * {_count("Open", _RECENTLY)} < 2 * {_count("Sent", _RECENTLY)} THEN 'Medium'
        ELSE 'High' END"""

_COLUMNS: tuple[tuple[SqlColumn, str], ...] = (
    (
        SqlColumn("external_user_id", "VARCHAR", "The customer's external id in Braze."),
        "external_user_id",
    ),
    (
        SqlColumn("email", "VARCHAR", "The address of the customer's latest email event."),
        "max({'at': event_datetime, 'email': email}).email",
    ),
    *_counts(),
    (
        SqlColumn("email_open_rate_lifetime", "DOUBLE", "Opens an email sent, since the feed began."),
        _rate("Open"),
    ),
    (
        SqlColumn("email_click_rate_lifetime", "DOUBLE", "Clicks an email sent, since the feed began."),
        _rate("Click"),
    ),
    *_times(),
    (
        SqlColumn(
            f"engagement_status_last_{_STATUS_MONTHS}_months",
            "VARCHAR",
            f"Active: opened or clicked in the {_STATUS_MONTHS} months before; New: did not, and the first "
            f"email came in the last {_NEW_DAYS} days; Inactive: did not, though emails were sent; "
            "Non-recipient: no email was sent.",
        ),
        _STATUS,
    ),
    (
        SqlColumn(
            f"engagement_frequency_last_{_STATUS_MONTHS}_months",
            "VARCHAR",
            f"Opens an email sent in the {_STATUS_MONTHS} months before. Low: under a third; Medium: under "
            f"two thirds; High: more; New: fewer than {_FEW_EMAILS} emails; Non-recipient: none.",
        ),
        _FREQUENCY,
    ),
)

ENGAGEMENT_COLUMNS = tuple(column for column, _ in _COLUMNS)


def engagement_sql(events: str, *, as_of: datetime | None = None, exclude_automated: bool = True) -> str:
    """The SQL of the email engagement summary per `external_user_id`.

    Only events before `as_of` count, so a past day gives again what it gave then, late events aside. Events
    of users without an external id are left out. One scan of the five columns it needs.

    Args:
        events: The SQL expression of unified email events: a name or a subquery in parentheses.
        as_of: The time to look back from. When None the statement has the parameter `$as_of`.
        exclude_automated: Leave out machine opens and suspected bot clicks.

    Raises:
        CurrentsError: `as_of` has no time zone.
    """
    human = "WHERE NOT is_machine_open AND NOT is_suspected_bot_click" if exclude_automated else ""
    columns = ",\n    ".join(f"{sql} AS {column.name}" for column, sql in _COLUMNS)
    return f"""WITH moment AS (SELECT {moment_sql(as_of)} AS as_of),
events AS (
    SELECT external_user_id, email, event_type, event_datetime, as_of
    FROM (SELECT * FROM {events} {human}) CROSS JOIN moment
    WHERE external_user_id IS NOT NULL AND event_datetime < as_of
)
SELECT
    {columns}
FROM events
GROUP BY external_user_id"""


def moment_sql(as_of: datetime | None) -> str:
    """A time as SQL; the parameter `$as_of` when None.

    Raises:
        CurrentsError: It has no time zone.
    """
    if as_of is None:
        return "CAST($as_of AS TIMESTAMP WITH TIME ZONE)"
    if as_of.tzinfo is None:
        raise CurrentsError(
            "The time of the engagement summary has no time zone.",
            place=as_of.isoformat(),
            remedy="Give an aware UTC datetime.",
        )
    return f"CAST({quote_literal(as_of.astimezone(timezone.utc).isoformat())} AS TIMESTAMP WITH TIME ZONE)"

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

_DAYS = (1, 3, 5, 7, 14, 30, 90)
_MONTHS = (3, 6, 9, 12)
_STATUS_MONTHS = 15
_NEW_DAYS = 30
_FEW_EMAILS = 5


def _began(number: int, unit: str) -> str:
    """When a period began that ends at `as_of`."""
    if unit == "months":
        return f"as_of - INTERVAL {number} MONTH"
    # Not an interval of days: DuckDB 2.0 takes 90 days and 3 months in one query for the same.
    return f"make_timestamptz(epoch_us(as_of) - {number * 86_400_000_000})"


ENGAGEMENT_PERIODS = {
    f"last_{number}_{'day' if number == 1 else unit}": (number, unit)
    for numbers, unit in ((_DAYS, "days"), (_MONTHS, "months"))
    for number in numbers
}
"""What a period is called, and how long it is; months are those of the calendar."""

_STARTS = {name: _began(*period) for name, period in ENGAGEMENT_PERIODS.items()} | {
    "recently": _began(_STATUS_MONTHS, "months"),
    "new": _began(_NEW_DAYS, "days"),
}

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

_FIRST = {"send": "Sent", "open": "Open", "click": "Click", "optin": "Optin"}
_RECENT = {
    "send": "Sent",
    "delivery": "Delivered",
    "open": "Open",
    "click": "Click",
    "bounce": "Bounce",
    "unsubscribe": "Unsubscribe",
    "optin": "Optin",
    "optout": "Optout",
}

_TIME = "TIMESTAMP WITH TIME ZONE"


def _counts() -> Iterator[tuple[SqlColumn, str]]:
    """The columns that count, each with its SQL."""
    for name, event in _COUNTED.items():
        for period, (number, unit) in ENGAGEMENT_PERIODS.items():
            if name in _ENGAGED or period not in _ENGAGED_ONLY:
                text = f"{event} events in the {'day' if number == 1 else f'{number} {unit}'} before."
                yield SqlColumn(f"email_{name}_{period}", "BIGINT", text), _count(event, period)
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


def _count(event: str, period: str | None = None) -> str:
    since = f" AND event_datetime >= since_{period}" if period else ""
    return f"count(*) FILTER (WHERE event_type = '{event}'{since})"


def _rate(event: str) -> str:
    return f"{_count(event)} / nullif({_count('Sent')}, 0)"


_STATUS = f"""CASE
        WHEN {_count("Open", "recently")} + {_count("Click", "recently")} > 0 THEN 'Active'
        WHEN min(event_datetime) FILTER (WHERE event_type = 'Sent') >= max(since_new) THEN 'New'
        WHEN {_count("Sent", "recently")} > 0 THEN 'Inactive'
        ELSE 'Non-recipient' END"""

_FREQUENCY = f"""CASE
        WHEN {_count("Sent", "recently")} = 0 THEN 'Non-recipient'
        WHEN {_count("Sent", "recently")} < {_FEW_EMAILS} THEN 'New'
        WHEN 3 * {_count("Open", "recently")} < {_count("Sent", "recently")} THEN 'Low'
        WHEN 3 * {_count("Open", "recently")} < 2 * {_count("Sent", "recently")} THEN 'Medium'
        ELSE 'High' END"""

_COLUMNS: tuple[tuple[SqlColumn, str], ...] = (
    (
        SqlColumn("external_user_id", "VARCHAR", "The customer's external id in Braze."),
        "external_user_id",
    ),
    (
        SqlColumn("email", "VARCHAR", "The address of the customer's latest email event."),
        # A change of consent may come without one.
        "(max({'at': event_datetime, 'email': email}) FILTER (WHERE email IS NOT NULL)).email",
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
    starts = ",\n    ".join(f"{sql} AS since_{name}" for name, sql in _STARTS.items())
    return f"""WITH moment AS (
    SELECT as_of,
    {starts}
    FROM (SELECT {moment_sql(as_of)} AS as_of)
),
events AS (
    SELECT external_user_id, email, event_type, event_datetime, moment.*
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

"""SQL of the email engagement summary: one row a customer, as of a time.

The names are those of Amperity's Email_Engagement_Summary, by customer instead of by address.
"""

from datetime import datetime, timezone

from braze_assets.currents.email_events import SqlColumn
from braze_assets.errors import CurrentsError
from braze_assets.storage import quote_literal

__all__ = ["ENGAGEMENT_COLUMNS", "ENGAGEMENT_DAYS", "engagement_sql"]

ENGAGEMENT_DAYS = (7, 30, 90)
"""The periods, in days before `as_of`, that events are counted over."""

_COUNTED = {
    "sends": "Sent",
    "opens": "Open",
    "clicks": "Click",
    "bounces": "Bounce",
    "unsubscribes": "Unsubscribe",
}
_RECENT = {"send": "Sent", "open": "Open", "click": "Click", "unsubscribe": "Unsubscribe"}

ENGAGEMENT_COLUMNS = (
    SqlColumn("external_user_id", "VARCHAR", "The customer's external id in Braze."),
    SqlColumn("email", "VARCHAR", "The address of the customer's latest email event."),
    *(
        SqlColumn(f"email_{name}_last_{days}_days", "BIGINT", f"{event} events in the {days} days before.")
        for name, event in _COUNTED.items()
        for days in ENGAGEMENT_DAYS
    ),
    *(
        SqlColumn(f"email_{name}_lifetime", "BIGINT", f"{event} events since the feed began.")
        for name, event in _COUNTED.items()
    ),
    SqlColumn("first_email_send_datetime", "TIMESTAMP WITH TIME ZONE", "The first email sent."),
    *(
        SqlColumn(
            f"most_recent_email_{name}_datetime", "TIMESTAMP WITH TIME ZONE", f"The latest {event} event."
        )
        for name, event in _RECENT.items()
    ),
    SqlColumn(
        "engagement_status_last_15_months",
        "VARCHAR",
        "Active: opened or clicked in the 15 months before; New: did not, and the first email came in the"
        " last 30 days; Inactive: did not, though emails were sent; Non-recipient: no email was sent.",
    ),
)


def engagement_sql(events: str, *, as_of: datetime | None = None, exclude_automated: bool = True) -> str:
    """The SQL of the email engagement summary per `external_user_id`.

    Only events before `as_of` count, so a past day gives again what it gave then, late events aside. Events
    of users without an external id are left out.

    Args:
        events: The SQL expression of unified email events: a name or a subquery in parentheses.
        as_of: The time to look back from. When None the statement has the parameter `$as_of`.
        exclude_automated: Leave out machine opens and suspected bot clicks.

    Raises:
        CurrentsError: `as_of` has no time zone.
    """
    human = "WHERE NOT is_machine_open AND NOT is_suspected_bot_click" if exclude_automated else ""
    columns = ",\n    ".join(f"{_expression(column.name)} AS {column.name}" for column in ENGAGEMENT_COLUMNS)
    return f"""WITH moment AS (SELECT {_moment(as_of)} AS as_of),
events AS (
    SELECT external_user_id, email, event_type, event_datetime, as_of
    FROM (SELECT * FROM {events} {human}) CROSS JOIN moment
    WHERE external_user_id IS NOT NULL AND event_datetime < as_of
)
SELECT
    {columns}
FROM events
GROUP BY external_user_id"""


def _moment(as_of: datetime | None) -> str:
    if as_of is None:
        return "CAST($as_of AS TIMESTAMP WITH TIME ZONE)"
    if as_of.tzinfo is None:
        raise CurrentsError(
            "The time of the engagement summary has no time zone.",
            place=as_of.isoformat(),
            remedy="Give an aware UTC datetime.",
        )
    return f"CAST({quote_literal(as_of.astimezone(timezone.utc).isoformat())} AS TIMESTAMP WITH TIME ZONE)"


def _expression(column: str) -> str:
    if column == "external_user_id":
        return column
    if column == "email":
        return "max({'at': event_datetime, 'email': email}).email"
    if column == "first_email_send_datetime":
        return "min(event_datetime) FILTER (WHERE event_type = 'Sent')"
    if column == "engagement_status_last_15_months":
        return _STATUS
    if column.startswith("most_recent_email_"):
        event = _RECENT[column.removeprefix("most_recent_email_").removesuffix("_datetime")]
        return f"max(event_datetime) FILTER (WHERE event_type = '{event}')"
    name, _, period = column.removeprefix("email_").partition("_")
    if period == "lifetime":
        return f"count(*) FILTER (WHERE event_type = '{_COUNTED[name]}')"
    days = period.removeprefix("last_").removesuffix("_days")
    return (
        f"count(*) FILTER (WHERE event_type = '{_COUNTED[name]}'"
        f" AND event_datetime >= as_of - INTERVAL {days} DAY)"
    )


_STATUS = """CASE
        WHEN bool_or(event_type IN ('Open', 'Click') AND event_datetime >= as_of - INTERVAL 15 MONTH)
            THEN 'Active'
        WHEN min(event_datetime) FILTER (WHERE event_type = 'Sent') >= max(as_of) - INTERVAL 30 DAY THEN 'New'
        WHEN bool_or(event_type = 'Sent' AND event_datetime >= as_of - INTERVAL 15 MONTH) THEN 'Inactive'
        ELSE 'Non-recipient' END"""

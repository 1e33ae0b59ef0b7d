"""SQL of unified email events: one table over the email event types of Currents.

The names are those of Amperity's Unified_Email_Events, so that queries written for a Customer 360 read it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from braze_assets.currents.columns import documented_schema
from braze_assets.errors import CurrentsError
from braze_assets.storage import quote_literal

__all__ = [
    "CONSENT",
    "EMAIL_EVENTS_COLUMNS",
    "EMAIL_EVENT_NAMES",
    "FLAGS",
    "SqlColumn",
    "flag_sql",
    "unified_sql",
]

EMAIL_EVENT_NAMES = {
    "users.messages.email.Send": "Sent",
    "users.messages.email.Delivery": "Delivered",
    "users.messages.email.Open": "Open",
    "users.messages.email.Click": "Click",
    "users.messages.email.Bounce": "Bounce",
    "users.messages.email.SoftBounce": "SoftBounce",
    "users.messages.email.MarkAsSpam": "Spam",
    "users.messages.email.Unsubscribe": "Unsubscribe",
}
"""What an event type of Currents is called in `event_type` of the unified table."""

CONSENT = "users.behaviors.subscription.GlobalStateChange"
"""The event type that tells whether somebody may be written to, from wherever that was changed: a preference
center, an import, the API. Unsubscribing in an email is an event of the email, and a change of state too."""

_STATES = {"optedin": "Optin", "unsubscribed": "Optout"}
"""The states of email that were chosen, by letters alone; `Subscribed` is what Braze begins with (Braze
documentation, "Subscription status", September 2026)."""


@dataclass(frozen=True)
class SqlColumn:
    """A column that a SQL statement yields."""

    name: str
    type: str
    description: str


EMAIL_EVENTS_COLUMNS = (
    SqlColumn("pk", "VARCHAR", "The event's id in Braze; no two events share it."),
    SqlColumn("datasource", "VARCHAR", "Where the event comes from: Braze Currents."),
    SqlColumn("email", "VARCHAR", "The address the email went to, lower case."),
    SqlColumn("brand", "VARCHAR", "The brand, where the feed was given one."),
    SqlColumn("send_id", "VARCHAR", "Braze's send identifier, where the campaign has one."),
    SqlColumn(
        "event_type",
        "VARCHAR",
        "Sent, Open, Click, Bounce or Unsubscribe; Delivered, SoftBounce, Spam, Optin, Optout if fed.",
    ),
    SqlColumn("event_datetime", "TIMESTAMP WITH TIME ZONE", "When it happened (UTC)."),
    SqlColumn(
        "external_user_id", "VARCHAR", "The customer's external id in Braze; null for users without one."
    ),
    SqlColumn("braze_id", "VARCHAR", "The user's Braze id."),
    SqlColumn("campaign_id", "VARCHAR", "The campaign; null when the email is a step of a Canvas."),
    SqlColumn("canvas_id", "VARCHAR", "The Canvas; null when the email is a campaign."),
    SqlColumn("dispatch_id", "VARCHAR", "The dispatch, the same for a send and what follows from it."),
    SqlColumn("is_machine_open", "BOOLEAN", "An open that a mail provider made, not a person."),
    SqlColumn("is_suspected_bot_click", "BOOLEAN", "A click that Braze takes for a bot's."),
)

_EXPRESSIONS = {
    "pk": "CAST(id AS VARCHAR)",
    "datasource": "'Braze Currents'",
    "email": "lower(CAST(email_address AS VARCHAR))",
    "event_datetime": "event_time",
    "braze_id": "CAST(user_id AS VARCHAR)",
}

FLAGS = {
    "is_machine_open": ("Open", "machine_open"),
    "is_suspected_bot_click": ("Click", "is_suspected_bot_click"),
}
"""Columns that are true or false: of which events they tell something, and the field of those."""


def flag_sql(field: str) -> str:
    """SQL: the field says true. Braze writes `machine_open` as text; as text any type of it can be read."""
    return f"coalesce(lower(CAST({field} AS VARCHAR)) = 'true', false)"


def unified_sql(sources: Mapping[str, str], *, brand: str | None = None) -> str:
    """The SQL of unified email events.

    Args:
        sources: Event type of Currents to the SQL expression of its table, as made by `ingest_hour`: a name,
            `read_parquet(...)`, or a subquery in parentheses. A table made so has every documented column.
        brand: What to write into `brand`.

    Raises:
        CurrentsError: There is no source, or an event type that is no email event.
    """
    known = (*EMAIL_EVENT_NAMES, CONSENT)
    unknown = sorted(set(sources) - set(known))
    if unknown or not sources:
        raise CurrentsError(
            f"{unknown[0]} is not an email event."
            if unknown
            else "Unified email events need an event table.",
            place="unified email events",
            remedy=f"Give tables of these event types: {', '.join(known)}.",
        )
    ordered = [event_type for event_type in known if event_type in sources]
    return "\nUNION ALL\n".join(_select(event_type, sources[event_type], brand) for event_type in ordered)


def _select(event_type: str, table: str, brand: str | None) -> str:
    name = EMAIL_EVENT_NAMES.get(event_type)
    fields = documented_schema(event_type).names
    lines = []
    for column in EMAIL_EVENTS_COLUMNS:
        if column.name in FLAGS:
            event, flag = FLAGS[column.name]
            value = flag_sql(flag) if event == name else "false"
        elif column.name == "event_type":
            value = quote_literal(name) if name else _STATE
        elif column.name == "brand":
            value = f"CAST({quote_literal(brand) if brand else 'NULL'} AS VARCHAR)"
        else:
            field = column.name if column.name in fields else "NULL"
            value = _EXPRESSIONS.get(column.name, f"CAST({field} AS VARCHAR)")
        lines.append(f"    {value} AS {column.name}")
    chosen = "" if name else f"\nWHERE lower(CAST(channel AS VARCHAR)) = 'email' AND {_STATE} IS NOT NULL"
    return "SELECT\n" + ",\n".join(lines) + f"\nFROM {table}{chosen}"


_STATE = (
    "CASE regexp_replace(lower(CAST(subscription_status AS VARCHAR)), '[^a-z]', '', 'g') "
    + " ".join(f"WHEN '{state}' THEN '{word}'" for state, word in _STATES.items())
    + " END"
)

"""SQL of message engagement: one table over the message events of every channel."""

from collections.abc import Mapping

from braze_assets.currents.email_events import FLAGS, SqlColumn, flag_sql
from braze_assets.currents.messages import ACTIONS, MessageType, message_type
from braze_assets.errors import CurrentsError
from braze_assets.storage import quote_identifier, quote_literal

__all__ = ["MESSAGE_EVENTS_COLUMNS", "message_events_sql"]

_TIME = "TIMESTAMP WITH TIME ZONE"

MESSAGE_EVENTS_COLUMNS = (
    SqlColumn("pk", "VARCHAR", "The event's id in Braze; no two events share it."),
    SqlColumn(
        "channel",
        "VARCHAR",
        "email, push, sms, whatsapp, line, rcs, in_app_message, content_card, banner, feature_flag, "
        "live_activity, webhook; null for a conversion or an entry, which name none.",
    ),
    SqlColumn("action", "VARCHAR", f"What happened: {', '.join(ACTIONS)}."),
    SqlColumn("event_datetime", _TIME, "When it happened (UTC)."),
    SqlColumn(
        "external_user_id", "VARCHAR", "The customer's external id in Braze; null for users without one."
    ),
    SqlColumn("braze_id", "VARCHAR", "The user's Braze id."),
    SqlColumn("campaign_id", "VARCHAR", "The campaign; null when the message is a step of a Canvas."),
    SqlColumn("campaign_name", "VARCHAR", "Its name, as it was then."),
    SqlColumn("message_variation_id", "VARCHAR", "The variation of the campaign."),
    SqlColumn("message_variation_name", "VARCHAR", "Its name, as it was then."),
    SqlColumn("canvas_id", "VARCHAR", "The Canvas; null when the message is a campaign."),
    SqlColumn("canvas_name", "VARCHAR", "Its name, as it was then."),
    SqlColumn("canvas_variation_id", "VARCHAR", "The variation of the Canvas."),
    SqlColumn("canvas_variation_name", "VARCHAR", "Its name, as it was then."),
    SqlColumn("canvas_step_id", "VARCHAR", "The step of the Canvas."),
    SqlColumn("canvas_step_name", "VARCHAR", "Its name, as it was then."),
    SqlColumn("send_id", "VARCHAR", "Braze's send identifier, where there is one."),
    SqlColumn("dispatch_id", "VARCHAR", "The dispatch, the same for a send and what follows from it."),
    SqlColumn("is_machine_open", "BOOLEAN", "An open that a mail provider made, not a person. Email only."),
    SqlColumn(
        "is_suspected_bot_click", "BOOLEAN", "A click that Braze takes for a bot's. Email, SMS, RCS and LINE."
    ),
    SqlColumn(
        "conversion_behavior_index", "BIGINT", "Which conversion event it was, 0 the first; null for others."
    ),
    SqlColumn("currents_event_type", "VARCHAR", "The event type of Currents."),
)

_FROM = {"pk": "id", "event_datetime": "event_time", "braze_id": "user_id"}
"""Columns with another name in the event tables."""

_CONTROL = "in_control_group"


def message_events_sql(sources: Mapping[str, str]) -> str:
    """The SQL of message engagement.

    Columns that a table lacks are NULL: most channels have no `send_id` of their own, few have bot flags.

    Args:
        sources: Event type of Currents to the SQL expression of its table, as made by `ingest_hour`: a name,
            `read_parquet(...)`, or a subquery in parentheses.

    Raises:
        CurrentsError: There is no source, or an event type that is none of a message, campaign or Canvas.
    """
    types = {event_type: message_type(event_type) for event_type in sources}
    unknown = sorted(event_type for event_type, kind in types.items() if kind is None)
    if unknown or not sources:
        raise CurrentsError(
            f"{unknown[0]} is no event of a message."
            if unknown
            else "Message engagement needs an event table.",
            place="message engagement",
            remedy="Give tables of event types that begin with users.messages.",
        )
    return "\nUNION ALL\n".join(
        _select(kind, sources[name]) for name, kind in types.items() if kind is not None
    )


def _select(kind: MessageType, table: str) -> str:
    lines = []
    needed: dict[str, str] = {}
    for column in MESSAGE_EVENTS_COLUMNS:
        name = _FROM.get(column.name, column.name)
        if column.name in FLAGS:
            action, name = FLAGS[column.name]
            value = "false"
            if kind.action == action:
                needed[name] = "VARCHAR"
                value = flag_sql(name)
        elif column.name == "action" and kind.action == "Entered":
            needed[_CONTROL] = "VARCHAR"
            control = f"lower(CAST({_CONTROL} AS VARCHAR)) = 'true'"
            value = f"CASE WHEN {control} THEN 'EnteredControl' ELSE 'Entered' END"
        elif column.name in ("channel", "action", "currents_event_type"):
            said = {"channel": kind.channel, "action": kind.action}.get(column.name, kind.event_type)
            value = f"CAST({quote_literal(said) if said else 'NULL'} AS VARCHAR)"
        elif column.name == "conversion_behavior_index":
            value = "CAST(NULL AS BIGINT)"
            if kind.action == "Converted":
                needed[name] = "BIGINT"
                value = f"TRY_CAST({name} AS BIGINT)"
        else:
            needed[name] = column.type
            value = name if column.type == _TIME else f"CAST({name} AS VARCHAR)"
        lines.append(f"    {value} AS {column.name}")
    # By name, the table is widened by the columns it lacks; those nobody asks for are not read.
    nothing = ", ".join(f"CAST(NULL AS {kind}) AS {quote_identifier(name)}" for name, kind in needed.items())
    widened = f"(SELECT {nothing} WHERE false UNION ALL BY NAME SELECT * FROM {table})"
    return "SELECT\n" + ",\n".join(lines) + f"\nFROM {widened}"

"""The columns of campaign response: what is counted, of which events, and how rates are made of it."""

from braze_assets.currents.email_events import SqlColumn

__all__ = ["BITS", "CAMPAIGN_COLUMNS", "IDS", "RATES", "TOTALS", "UNIQUES"]

IDS = {
    "campaign_id": "The campaign; null for a Canvas.",
    "canvas_id": "The Canvas; null for a campaign.",
    "variation_id": "The variation of the campaign or Canvas; null at the level `total`.",
    "canvas_step_id": "The step of the Canvas; null at the levels `total` and `variation`.",
    "channel": "The channel, as in message_engagement; null at the levels `total` and `variation`.",
}
"""What tells one row from another, below its level."""

TOTALS = {
    "sends": ("action = 'Sent'", "Messages sent."),
    "deliveries": ("action = 'Delivered'", "Messages delivered, where the channel and the feed tell."),
    "impressions": ("action = 'Impression'", "Messages shown."),
    "opens": ("action = 'Open' AND NOT is_machine_open", "Opens by people."),
    "opens_including_machine": ("action = 'Open'", "Opens, machine opens included."),
    "clicks": ("action = 'Click' AND NOT is_suspected_bot_click", "Clicks by people."),
    "clicks_including_bots": ("action = 'Click'", "Clicks, suspected bot clicks included."),
    "dismissals": ("action = 'Dismiss'", "Messages closed or swiped away."),
    "bounces": ("action = 'Bounce'", "Messages that bounced for good."),
    "soft_bounces": ("action = 'SoftBounce'", "Messages that bounced for now."),
    "failures": ("action = 'Failed'", "Messages that a carrier, messenger or endpoint refused."),
    "unsubscribes": ("action = 'Unsubscribe'", "Unsubscribes in the message (email)."),
    "spam_reports": ("action = 'Spam'", "Messages marked as spam."),
    "replies": ("action = 'Inbound'", "Messages that users wrote back."),
    "entries": ("action = 'Entered'", "Users that entered the Canvas; null at the level `message`."),
    "control_entries": (
        "action = 'EnteredControl'",
        "Users that entered the control group; null at the level `message`.",
    ),
    "conversions": ("action = 'Converted'", "Conversions, of all conversion events."),
    "primary_conversions": (
        "action = 'Converted' AND conversion_behavior_index = 0",
        "Conversions, of the first conversion event.",
    ),
}
"""Counts of events: which, and what they are."""

BITS = {
    "reached": "action = 'Delivered' OR (action = 'Sent' AND NOT has_deliveries)"
    " OR (action = 'Impression' AND NOT has_deliveries AND NOT has_sends)",
    "opened": "action = 'Open' AND NOT is_machine_open",
    "opened_at_all": "action = 'Open'",
    "clicked": "action = 'Click' AND NOT is_suspected_bot_click",
    "clicked_at_all": "action = 'Click'",
    "converted": "action = 'Converted' AND counts_in_total",
    "converted_at_all": "action = 'Converted'",
}
"""What is noted of a user and a message, one bit each."""

UNIQUES = {
    "reached": (
        "reached",
        "Users it was delivered to; where no delivery is told of, those it was sent to; where neither is, "
        "those it was shown to. Rates are shares of them.",
    ),
    "unique_opens": ("opened", "Users that opened it."),
    "unique_opens_including_machine": ("opened_at_all", "The same, machine opens included."),
    "unique_clicks": ("clicked", "Users that clicked in it."),
    "unique_clicks_including_bots": ("clicked_at_all", "The same, suspected bot clicks included."),
    "unique_conversions": ("converted_at_all", "Users that converted."),
}
"""Counts of users: whose bit is set, and what they are."""

RATES = {
    "delivery_rate": ("deliveries", "sends", "Deliveries of the sends; null where no delivery is told of."),
    "open_rate": ("unique_opens", "reached", "Users that opened, of those reached."),
    "click_rate": ("unique_clicks", "reached", "Users that clicked, of those reached."),
    "click_to_open_rate": ("unique_clicks", "unique_opens", "Users that clicked, for each that opened."),
    "bounce_rate": ("bounces", "sends", "Bounces of the sends."),
    "unsubscribe_rate": ("unsubscribes", "reached", "Unsubscribes, of the users reached."),
    "spam_rate": ("spam_reports", "reached", "Spam reports, of the users reached."),
    "conversion_rate": (
        "unique_conversions",
        "reached",
        "Users that converted, of those reached; of a control group, of those that entered it.",
    ),
}
"""Rates: what of what. Null where there is nothing to divide by."""

_TIME = "TIMESTAMP WITH TIME ZONE"

CAMPAIGN_COLUMNS = (
    SqlColumn(
        "level",
        "VARCHAR",
        "What the row is about. total: a campaign or Canvas; variation: one of its variations; message: a "
        "channel of a variation or, in a Canvas, of a step. Unique counts are no sums of those below.",
    ),
    SqlColumn(
        "source", "VARCHAR", "campaign, canvas, or none: messages of neither, such as transactional ones."
    ),
    *(SqlColumn(name, "VARCHAR", text) for name, text in IDS.items()),
    SqlColumn("name", "VARCHAR", "The latest name of the campaign or Canvas."),
    SqlColumn("variation_name", "VARCHAR", "The latest name of the variation."),
    SqlColumn("canvas_step_name", "VARCHAR", "The latest name of the step."),
    SqlColumn("first_event_datetime", _TIME, "The first event."),
    SqlColumn("latest_event_datetime", _TIME, "The latest event."),
    *(SqlColumn(name, "BIGINT", text) for name, (_, text) in TOTALS.items()),
    *(SqlColumn(name, "BIGINT", text) for name, (_, text) in UNIQUES.items()),
    *(SqlColumn(name, "DOUBLE", text) for name, (_, _, text) in RATES.items()),
)

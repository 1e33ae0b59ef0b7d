"""What came of messages on every channel: events by day, and the response to campaigns and Canvases."""

from collections.abc import Sequence

import dagster as dg

from braze_assets.assets.currents.daily import as_of_asset, daily_asset
from braze_assets.currents.campaign_columns import CAMPAIGN_COLUMNS
from braze_assets.currents.campaign_response import campaign_response_sql
from braze_assets.currents.message_events import MESSAGE_EVENTS_COLUMNS, message_events_sql
from braze_assets.currents.messages import message_type

__all__ = ["CAMPAIGN_RESPONSE", "MESSAGE_ENGAGEMENT", "build_message_assets"]

MESSAGE_ENGAGEMENT = dg.AssetKey(["customer_360", "message_engagement"])
CAMPAIGN_RESPONSE = dg.AssetKey(["customer_360", "campaign_response"])


def build_message_assets(
    event_types: Sequence[str], partitions: dg.TimeWindowPartitionsDefinition
) -> list[dg.AssetsDefinition]:
    """Both assets, for the message event types of the feed, its conversions and entries.

    None where the feed has no message event types. One with email alone has them too: queries, and the
    response to campaigns, stay the same when a channel is added.
    """
    kinds = [kind for each in event_types if (kind := message_type(each))]
    if not any(kind.channel for kind in kinds):
        return []
    events = daily_asset(
        MESSAGE_ENGAGEMENT,
        [kind.event_type for kind in kinds],
        partitions,
        columns=MESSAGE_EVENTS_COLUMNS,
        sql=message_events_sql,
        description="Message events of every channel of one day (UTC, by the hour Braze queued them in), one "
        "row an event, with conversions and entries of campaigns and Canvases.",
    )
    response = as_of_asset(
        CAMPAIGN_RESPONSE,
        MESSAGE_ENGAGEMENT,
        partitions,
        columns=CAMPAIGN_COLUMNS,
        sql=lambda table, end: campaign_response_sql(table, as_of=end),
        description="What came of each campaign and Canvas, as of the end of the day: sends, deliveries, "
        "opens, clicks, conversions and their rates, in all, by variation, and by step and channel.",
    )
    return [events, response]

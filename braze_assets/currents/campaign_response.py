"""SQL of campaign response: what came of each campaign and Canvas, as of a time.

Two scans of the message events. The first counts events by message: a message is a channel of a variation
or step, and there are few of them, whatever the number of events. The second notes for each user and message
what the user did, a bit each, from which users are counted on every level.
"""

from collections.abc import Iterable
from datetime import datetime

from braze_assets.currents.campaign_columns import BITS, CAMPAIGN_COLUMNS, IDS, RATES, TOTALS, UNIQUES
from braze_assets.currents.engagement import moment_sql

__all__ = ["campaign_response_sql"]

_LEVELS = {"total": 2, "variation": 3, "message": len(IDS)}
"""Each level is a column of numbers below; and how many of the ids its rows have."""

_NAMES = ("name", "variation_name", "canvas_step_name")

# A message of a Canvas may name a variation of its own besides the Canvas's.
_VARIATION = "CASE WHEN canvas_id IS NULL THEN message_variation_{0} ELSE canvas_variation_{0} END"

_EVENTS = f"""SELECT
        campaign_id, canvas_id, {_VARIATION.format("id")} AS variation_id, canvas_step_id, channel,
        coalesce(campaign_name, canvas_name) AS name, {_VARIATION.format("name")} AS variation_name,
        canvas_step_name, action, event_datetime, coalesce(braze_id, external_user_id) AS user_id,
        is_machine_open, is_suspected_bot_click, conversion_behavior_index
    FROM {{events}}
    WHERE event_datetime < {{as_of}}"""


def campaign_response_sql(events: str, *, as_of: datetime | None = None) -> str:
    """The SQL of campaign response: rows on the levels `total`, `variation` and `message`.

    A conversion names a campaign or Canvas and mostly a variation, but no channel: it counts on the level
    `message` only where the variation, or step, has one channel. Conversions of a variation without messages
    are those of a control group, and no part of the total.

    Args:
        events: The SQL expression of message engagement: a name or a subquery in parentheses.
        as_of: The time to look back from. When None the statement has the parameter `$as_of`.

    Raises:
        CurrentsError: `as_of` has no time zone.
    """
    ids = ", ".join(IDS)
    names = ", ".join(_NAMES)
    same = " AND ".join(f"events.{each} IS NOT DISTINCT FROM messages.{each}" for each in IDS)
    bits = " | ".join(f"CASE WHEN {sql} THEN {1 << n} ELSE 0 END" for n, sql in enumerate(BITS.values()))
    users = _lines(f"count(*) FILTER (WHERE bits & {1 << n} > 0) AS {name}" for n, name in enumerate(BITS))
    counts = _lines(f"count(*) FILTER (WHERE {sql}) AS {name}" for name, (sql, _) in TOTALS.items())
    sums = _lines(f"CAST(sum({name}) AS BIGINT) AS {name}" for name in TOTALS)
    return f"""WITH events AS NOT MATERIALIZED (
    {_EVENTS.format(events=events, as_of=moment_sql(as_of))}
),
named AS (
    SELECT {ids}, {names},
        min(event_datetime) AS first_at, max(event_datetime) AS latest_at,
        {counts}
    FROM events GROUP BY {ids}, {names}
),
counted AS (
    SELECT {ids},
        {_latest_names()},
        min(first_at) AS first_at, max(latest_at) AS latest_at,
        {sums}
    FROM named GROUP BY {ids}
),
numbered AS (
    SELECT *,
        dense_rank() OVER (ORDER BY campaign_id, canvas_id) AS total,
        dense_rank() OVER (ORDER BY campaign_id, canvas_id, variation_id) AS variation,
        dense_rank() OVER (ORDER BY campaign_id, canvas_id, variation_id, canvas_step_id) AS place,
        dense_rank() OVER (ORDER BY {ids}) AS number
    FROM counted
),
messages AS MATERIALIZED (
    SELECT *,
        deliveries > 0 AS has_deliveries, sends > 0 AS has_sends,
        variation_id IS NULL OR count(channel) OVER (PARTITION BY variation) > 0 AS counts_in_total,
        CASE
            WHEN channel IS NOT NULL THEN number
            WHEN count(channel) OVER (PARTITION BY place) = 1
                THEN max(number) FILTER (WHERE channel IS NOT NULL) OVER (PARTITION BY place)
        END AS message
    FROM numbered
),
deeds AS (
    SELECT total, variation, message, user_id, bit_or({bits}) AS bits
    FROM events JOIN messages ON {same}
    WHERE action IN ('Sent', 'Delivered', 'Impression', 'Open', 'Click', 'Converted') AND user_id IS NOT NULL
    GROUP BY GROUPING SETS ((total, user_id), (variation, user_id), (message, user_id))
),
users AS MATERIALIZED (
    SELECT total, variation, message,
        {users}
    FROM deeds GROUP BY total, variation, message
),
levels AS (
    {" UNION ALL ".join(_level(level) for level in _LEVELS)}
)
SELECT
    {_lines(f"{_final(column.name)} AS {column.name}" for column in CAMPAIGN_COLUMNS)}
FROM levels
ORDER BY campaign_id, canvas_id, variation_id, canvas_step_id, channel, level"""


def _level(level: str) -> str:
    """The rows of a level: its messages together, and its users."""
    known = tuple(IDS)[: _LEVELS[level]]
    ids = _lines(f"{f'max({each})' if each in known else 'NULL'} AS {each}" for each in IDS)
    sums = _lines(f"{_sum(level, each)} AS {each}" for each in TOTALS)
    users = _lines(f"{_bit(level, bit)} AS {each}" for each, (bit, _) in UNIQUES.items())
    return f"""SELECT * FROM (
        SELECT '{level}' AS level, {level} AS key, {ids},
        {_latest_names()},
        min(first_at) AS first_at, max(latest_at) AS latest_at,
        sum(sends) FILTER (WHERE has_deliveries) AS sends_told_of, {sums}
        FROM messages WHERE {level} IS NOT NULL GROUP BY {level}
    ) LEFT JOIN (
        SELECT {level} AS key, {users}
        FROM users WHERE {level} IS NOT NULL
    ) USING (key)"""


def _latest_names() -> str:
    return _lines(
        f"max({{'at': latest_at, 'name': {each}}}) FILTER (WHERE {each} IS NOT NULL).name AS {each}"
        for each in _NAMES
    )


def _sum(level: str, total: str) -> str:
    if total in ("entries", "control_entries") and level == "message":
        return "CAST(NULL AS BIGINT)"
    counted = " FILTER (WHERE counts_in_total)" if total.endswith("conversions") and level == "total" else ""
    return f"CAST(coalesce(sum({total}){counted}, 0) AS BIGINT)"


def _bit(level: str, bit: str) -> str:
    return "converted" if bit == "converted_at_all" and level == "total" else bit


def _final(column: str) -> str:
    if column == "source":
        return (
            "CASE WHEN canvas_id IS NOT NULL THEN 'canvas' WHEN campaign_id IS NOT NULL THEN 'campaign' "
            "ELSE 'none' END"
        )
    if column in UNIQUES:
        return f"coalesce({column}, 0)"
    if column.endswith("_event_datetime"):
        return column.replace("_event_datetime", "_at")
    if column in RATES:
        part, whole, _ = RATES[column]
        if column == "delivery_rate":
            whole = "sends_told_of"
        if column == "conversion_rate":
            return f"coalesce({part}, 0) / coalesce(nullif({whole}, 0), nullif(control_entries, 0))"
        return f"coalesce({part}, 0) / nullif({whole}, 0)"
    return column


def _lines(parts: Iterable[str]) -> str:
    return ",\n        ".join(parts)

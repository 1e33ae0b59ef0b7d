"""Campaign response against a slow evaluation in plain Python (K42)."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_assets.currents.campaign_columns import CAMPAIGN_COLUMNS
from braze_assets.currents.campaign_response import campaign_response_sql
from braze_assets.currents.message_events import MESSAGE_EVENTS_COLUMNS
from braze_assets.storage import connect

AS_OF = datetime(2026, 3, 1, tzinfo=timezone.utc)
IDS = ("campaign_id", "canvas_id", "variation_id", "canvas_step_id", "channel")
DEPTH = {"total": 2, "variation": 3, "message": 5}
TYPES = {
    "VARCHAR": pa.string(),
    "BOOLEAN": pa.bool_(),
    "BIGINT": pa.int64(),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", tz="UTC"),
}
SCHEMA = pa.schema([(each.name, TYPES[each.type]) for each in MESSAGE_EVENTS_COLUMNS])
NO_CHANNEL = ("Converted", "Entered", "EnteredControl")

Event = dict[str, Any]


@st.composite
def event(draw: Any) -> Event:
    """A message event, or a conversion or entry, of a campaign, a Canvas or neither."""
    action = draw(
        st.sampled_from(["Sent", "Delivered", "Open", "Click", "Impression", "Bounce", *NO_CHANNEL])
    )
    source = draw(st.sampled_from(["campaign", "canvas", "none"]))
    made: Event = dict.fromkeys(SCHEMA.names)
    if source == "campaign":
        made["campaign_id"] = draw(st.sampled_from(["k1", "k2"]))
        made["message_variation_id"] = draw(st.sampled_from(["a", "b", None]))
        made["campaign_name"] = draw(st.sampled_from(["Old", "New", None]))
    elif source == "canvas":
        made["canvas_id"] = "v1"
        made["canvas_variation_id"] = draw(st.sampled_from(["a", "c"]))
        made["canvas_step_id"] = draw(st.sampled_from(["s1", "s2", None]))
        made["message_variation_id"] = draw(st.sampled_from(["of the step", None]))
    made["channel"] = None if action in NO_CHANNEL else draw(st.sampled_from(["email", "push"]))
    made["action"] = action
    made["braze_id"] = draw(st.sampled_from(["u1", "u2", None]))
    made["external_user_id"] = draw(st.sampled_from(["x1", None]))
    made["event_datetime"] = AS_OF - timedelta(microseconds=draw(st.integers(-1, 3)))
    made["is_machine_open"] = action == "Open" and draw(st.booleans())
    made["is_suspected_bot_click"] = action == "Click" and draw(st.booleans())
    made["conversion_behavior_index"] = draw(st.integers(0, 1)) if action == "Converted" else None
    return made


def ids_of(given_event: Event) -> tuple[str | None, ...]:
    kind = "message" if given_event["canvas_id"] is None else "canvas"
    named = {**given_event, "variation_id": given_event[f"{kind}_variation_id"]}
    return tuple(named[name] for name in IDS)


def slow(events: list[Event]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The rows by level and ids."""
    events = [each for each in events if each["event_datetime"] < AS_OF]
    messages = {ids_of(each) for each in events if each["channel"] is not None}
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for level, depth in DEPTH.items():
        members: dict[tuple[Any, ...], list[Event]] = {}
        for each in events:
            ids = ids_of(each)
            if level == "message" and each["channel"] is None:
                # A conversion belongs to the one message of its variation and step, if there is one.
                there = [one for one in messages if one[:4] == ids[:4]]
                if len(there) != 1:
                    continue
                ids = there[0]
            members.setdefault((level, *ids[:depth], *[None] * (5 - depth)), []).append(each)
        for key, mine in members.items():
            found[key] = row(level, mine, events, messages)
    return found


def row(level: str, mine: list[Event], events: list[Event], messages: set[Any]) -> dict[str, Any]:
    def some(test: Callable[[Event], bool]) -> list[Event]:
        return [each for each in mine if test(each)]

    def users(which: list[Event]) -> int:
        return len({each["braze_id"] or each["external_user_id"] for each in which} - {None})

    def told(action: str, each: Event) -> bool:
        return any(one["action"] == action and ids_of(one) == ids_of(each) for one in events)

    def reached(each: Event) -> bool:
        if each["action"] == "Delivered":
            return True
        if told("Delivered", each):
            return False
        return each["action"] == "Sent" or (each["action"] == "Impression" and not told("Sent", each))

    def treated(each: Event) -> bool:
        ids = ids_of(each)
        return level != "total" or ids[2] is None or any(one[:3] == ids[:3] for one in messages)

    opens, clicks = some(lambda e: e["action"] == "Open"), some(lambda e: e["action"] == "Click")
    human_opens = [each for each in opens if not each["is_machine_open"]]
    human_clicks = [each for each in clicks if not each["is_suspected_bot_click"]]
    converted = some(lambda e: e["action"] == "Converted" and treated(e))
    sends = len(some(lambda e: e["action"] == "Sent"))
    told_of = len(some(lambda e: e["action"] == "Sent" and told("Delivered", e)))
    deliveries = len(some(lambda e: e["action"] == "Delivered"))
    control = len(some(lambda e: e["action"] == "EnteredControl"))
    base = users(some(reached))
    divisor = base or (control if level != "message" else 0)
    return {
        "sends": sends,
        "deliveries": deliveries,
        "impressions": len(some(lambda e: e["action"] == "Impression")),
        "opens": len(human_opens),
        "opens_including_machine": len(opens),
        "clicks": len(human_clicks),
        "clicks_including_bots": len(clicks),
        "bounces": len(some(lambda e: e["action"] == "Bounce")),
        "entries": None if level == "message" else len(some(lambda e: e["action"] == "Entered")),
        "control_entries": None if level == "message" else control,
        "conversions": len(converted),
        "primary_conversions": len([e for e in converted if e["conversion_behavior_index"] == 0]),
        "reached": base,
        "unique_opens": users(human_opens),
        "unique_opens_including_machine": users(opens),
        "unique_clicks": users(human_clicks),
        "unique_clicks_including_bots": users(clicks),
        "unique_conversions": users(converted),
        "delivery_rate": deliveries / told_of if told_of else None,
        "open_rate": users(human_opens) / base if base else None,
        "conversion_rate": users(converted) / divisor if divisor else None,
        "first_event_datetime": min(each["event_datetime"] for each in mine),
        "latest_event_datetime": max(each["event_datetime"] for each in mine),
    }


def response(events: list[Event]) -> list[dict[str, Any]]:
    with connect() as connection:
        connection.register("given_events", pa.Table.from_pylist(events, SCHEMA))
        sql = campaign_response_sql("given_events", as_of=AS_OF)
        return list(connection.sql(sql).to_arrow_table().to_pylist())


@settings(deadline=None, max_examples=60)
@given(st.lists(event(), max_size=30))
def test_response_is_what_counting_event_by_event_gives(events: list[Event]) -> None:
    """K42: every level; users once; machines, bots, control groups and deliveries nobody tells of."""
    rows = response(events)
    expected = slow(events)
    by_key = {(each["level"], *(each[name] for name in IDS)): each for each in rows}
    assert len(by_key) == len(rows)
    assert set(by_key) == set(expected)
    for key, wanted in expected.items():
        assert {name: by_key[key][name] for name in wanted} == wanted, key


def test_names_are_the_latest() -> None:
    """K42: a campaign that was renamed has one row; names not known yet do not count."""
    base = {**dict.fromkeys(SCHEMA.names), "action": "Sent", "channel": "email", "campaign_id": "k"}
    flags = {"is_machine_open": False, "is_suspected_bot_click": False}
    ages = {"Old": 3, "New": 2, None: 1}
    events = [
        {**base, **flags, "campaign_name": name, "event_datetime": AS_OF - timedelta(hours=hours)}
        for name, hours in ages.items()
    ]
    rows = response(events)
    assert {(each["level"], each["source"], each["name"]) for each in rows} >= {("total", "campaign", "New")}
    assert len(rows) == 3


def test_a_conversion_counts_in_no_message_where_there_are_two_channels() -> None:
    """K42: of the variation it counts once; a message that was sent is not reached by being seen."""
    ids = {"canvas_id": "v", "canvas_variation_id": "a", "canvas_step_id": "s", "braze_id": "u"}
    flags = {"is_machine_open": False, "is_suspected_bot_click": False}
    base = {**dict.fromkeys(SCHEMA.names), **flags, **ids, "event_datetime": AS_OF - timedelta(hours=1)}
    email = {**base, "channel": "email", "action": "Sent"}
    card = {**base, "channel": "content_card", "action": "Sent"}
    shown = {**card, "action": "Impression", "braze_id": "another"}
    converted = {**base, "action": "Converted"}
    rows = {(each["level"], each["channel"]): each for each in response([email, card, shown, converted])}
    assert {key: each["conversions"] for key, each in rows.items()} == {
        ("total", None): 1,
        ("variation", None): 1,
        ("message", "email"): 0,
        ("message", "content_card"): 0,
    }
    assert rows["message", "content_card"]["reached"] == 1
    [message] = [each for each in response([email, converted]) if each["level"] == "message"]
    assert message["conversions"] == message["conversion_rate"] == 1


def test_the_declared_columns_are_the_columns() -> None:
    """Column schemas are declared, not guessed; the SQL is understood elsewhere."""
    sql = campaign_response_sql("given_events", as_of=AS_OF)
    with connect() as connection:
        connection.register("given_events", pa.Table.from_pylist([], SCHEMA))
        described = connection.sql(f"DESCRIBE {sql}").fetchall()
    assert [(each[0], each[1]) for each in described] == [(each.name, each.type) for each in CAMPAIGN_COLUMNS]
    assert all(column.description for column in CAMPAIGN_COLUMNS)
    sqlglot.parse_one(sql, dialect="duckdb")
    sqlglot.parse_one(campaign_response_sql("events"), dialect="duckdb")

"""Message events of every channel as one table (K42)."""

from datetime import datetime, timezone
from typing import Any

import pyarrow as pa
import pytest
import sqlglot

from braze_assets.currents.columns import ADDED, documented_schema
from braze_assets.currents.engagement_attributes import (
    ATTRIBUTES_COLUMNS,
    attributes_sql,
    require_customer_columns,
)
from braze_assets.currents.events import event_types, fields_of
from braze_assets.currents.message_events import MESSAGE_EVENTS_COLUMNS, message_events_sql
from braze_assets.currents.messages import ACTIONS, message_type
from braze_assets.errors import CurrentsError
from braze_assets.storage import connect

AT = datetime(2026, 7, 1, 12, tzinfo=timezone.utc)
MESSAGES = [each for each in event_types() if each.startswith("users.messages.")]
OUTCOMES = ["users.campaigns.Conversion", "users.canvas.Conversion", "users.campaigns.EnrollInControl"]
SAME = [
    "external_user_id", "campaign_id", "campaign_name", "message_variation_id", "message_variation_name",
    "canvas_id", "canvas_name", "canvas_variation_id", "canvas_variation_name", "canvas_step_id",
    "canvas_step_name", "send_id", "dispatch_id",
]  # fmt: skip


def table(event_type: str, **values: Any) -> pa.Table:
    """One event with every documented field of its type, texts being the name of the field."""
    schema = pa.schema([*documented_schema(event_type), *ADDED])
    samples = {pa.string(): str, pa.bool_(): lambda _: True}
    row = {field.name: samples.get(field.type, lambda _: None)(field.name) for field in schema}
    return pa.Table.from_pylist([{**row, "event_time": AT, **values}], schema)


def unified(tables: dict[str, pa.Table]) -> list[dict[str, Any]]:
    with connect() as connection:
        for name, each in tables.items():
            connection.register(name, each)
        sql = message_events_sql({name: f'"{name}"' for name in tables})
        sqlglot.parse_one(sql, dialect="duckdb")
        found = connection.sql(sql)
        described = list(zip(found.columns, map(str, found.types), strict=True))
        assert described == [(each.name, each.type) for each in MESSAGE_EVENTS_COLUMNS]
        return list(found.to_arrow_table().to_pylist())


def test_every_documented_message_type_is_read() -> None:
    """K42: each is one row with its channel and a word of the vocabulary; fields it has not are null."""
    rows = {row["currents_event_type"]: row for row in unified({each: table(each) for each in MESSAGES})}
    assert len(rows) == len(MESSAGES) == 65
    for event_type, row in rows.items():
        fields = {field.name for field in fields_of(event_type)}
        assert {name: row[name] for name in SAME} == {name: name if name in fields else None for name in SAME}
        assert (row["pk"], row["braze_id"], row["event_datetime"]) == ("id", "user_id", AT)
        assert row["action"] in ACTIONS
        bots = row["action"] == "Click" and "is_suspected_bot_click" in fields
        assert (row["is_machine_open"], row["is_suspected_bot_click"]) == (False, bots), event_type
    assert {row["channel"] for row in rows.values()} == {
        "email", "push", "sms", "whatsapp", "line", "rcs", "in_app_message", "content_card", "banner",
        "feature_flag", "live_activity", "webhook",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("event_type", "channel", "action"),
    [
        ("users.messages.pushnotification.Send", "push", "Sent"),
        ("users.messages.sms.ShortLinkClick", "sms", "Click"),
        ("users.messages.whatsapp.Read", "whatsapp", "Open"),
        ("users.messages.sms.Rejection", "sms", "Failed"),
        ("users.messages.inappmessage.Impression", "in_app_message", "Impression"),
        ("users.messages.kakaotalk.Send", "kakaotalk", "Sent"),
        ("users.messages.kakaotalk.Shared", "kakaotalk", "Shared"),
        ("users.canvas.Conversion", None, "Converted"),
    ],
)
def test_words_and_channels(event_type: str, channel: str | None, action: str) -> None:
    """K42: one vocabulary; a channel that is newer than the documentation is read by the same pattern."""
    kind = message_type(event_type)
    assert kind is not None
    assert (kind.channel, kind.action) == (channel, action)


@pytest.mark.parametrize(
    "event_type", ["users.behaviors.Purchase", "users.messages.email", "agentconsole.X.Y"]
)
def test_what_is_no_message_is_refused(event_type: str) -> None:
    assert message_type(event_type) is None
    with pytest.raises(CurrentsError, match="no event of a message"):
        message_events_sql({event_type: "a"})
    with pytest.raises(CurrentsError, match="needs an event table"):
        message_events_sql({})


def test_flags_conversions_and_entries() -> None:
    opened, clicked = "users.messages.email.Open", "users.messages.email.Click"
    entered = "users.canvas.Entry"
    events = {
        opened: [table(opened, machine_open="true"), table(opened, machine_open="false"), table(opened)],
        clicked: [table(clicked, is_suspected_bot_click=None)],
        entered: [table(entered, in_control_group=True), table(entered, in_control_group=False)],
        **{each: [table(each, conversion_behavior_index=1)] for each in OUTCOMES[:2]},
        OUTCOMES[2]: [table(OUTCOMES[2])],
    }
    rows = unified({name: pa.concat_tables(each) for name, each in events.items()})
    by_type: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_type.setdefault(row["currents_event_type"], []).append(row)
    assert sorted(row["is_machine_open"] for row in by_type[opened]) == [False, False, True]
    assert [row["is_suspected_bot_click"] for row in by_type[clicked]] == [False]
    assert sorted(row["action"] for row in by_type[entered]) == ["Entered", "EnteredControl"]
    for each in OUTCOMES[:2]:
        [row] = by_type[each]
        assert (row["channel"], row["action"], row["conversion_behavior_index"]) == (None, "Converted", 1)
    assert by_type[OUTCOMES[2]][0]["action"] == "EnteredControl"


def test_tables_that_lack_columns_or_have_others() -> None:
    """K42: an undocumented type, an older table, a flag that became a boolean, an id that is a number."""
    new = pa.table({"id": [7], "time": [1], "event_time": pa.array([AT], ADDED[0].type), "junk": [[1]]})
    opened = "users.messages.email.Open"
    older = (
        table(opened)
        .drop_columns(["send_id", "machine_open"])
        .append_column("machine_open", pa.array([True]))
    )
    rows = {row["channel"]: row for row in unified({"users.messages.carrierpigeon.Send": new, opened: older})}
    assert (rows["carrierpigeon"]["pk"], rows["carrierpigeon"]["braze_id"]) == ("7", None)
    assert (rows["email"]["send_id"], rows["email"]["is_machine_open"]) == (None, True)


def test_attributes_have_a_row_for_every_customer() -> None:
    """K42: zeros and Non-recipient where there was nothing; a shared external id shares its engagement."""
    people = pa.table({"AMPERITY_ID": ["1", "2", "3", "4"], "external_id": ["7", "7", "8", None]})
    known = {"external_user_id": "7", "email_opens_last_7_days": 2, "email": "a@example.com"}
    types = {"BIGINT": pa.int64(), "DOUBLE": pa.float64(), "VARCHAR": pa.string()}
    time = pa.timestamp("us", tz="UTC")
    schema = pa.schema([(each.name, types.get(each.type, time)) for each in ATTRIBUTES_COLUMNS[1:]])
    summary = pa.Table.from_pylist([{**known, "engagement_status_last_15_months": "Active"}], schema)
    with connect() as connection:
        connection.register("people", people)
        connection.register("engagement", summary)
        found = connection.sql(attributes_sql("people", "engagement"))
        described = list(zip(found.columns, map(str, found.types), strict=True))
        assert described == [(each.name, each.type) for each in ATTRIBUTES_COLUMNS]
        rows = {row["amperity_id"]: row for row in found.to_arrow_table().to_pylist()}
    assert {key: row["email_opens_last_7_days"] for key, row in rows.items()} == {
        "1": 2,
        "2": 2,
        "3": 0,
        "4": 0,
    }
    assert [rows[key]["engagement_status_last_15_months"] for key in "134"] == [
        "Active", "Non-recipient", "Non-recipient"
    ]  # fmt: skip
    assert (rows["3"]["external_user_id"], rows["3"]["email"]) == ("8", None)
    require_customer_columns(people.column_names, "customers")
    with pytest.raises(CurrentsError, match="no column external_id"):
        require_customer_columns(["amperity_id"], "customers")

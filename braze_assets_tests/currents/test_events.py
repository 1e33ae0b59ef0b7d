"""The documented event types and their schemas (K40)."""

import fastavro

from braze_assets.currents.events import EMAIL_EVENT_TYPES, EventField, avro_schema, event_types, fields_of


def test_ninety_four_event_types_with_their_fields() -> None:
    assert len(event_types()) == 94
    assert set(EMAIL_EVENT_TYPES) <= set(event_types())
    names = {field.name for event_type in event_types() for field in fields_of(event_type)}
    assert len(names) == 194
    kinds = {field.type for event_type in event_types() for field in fields_of(event_type)}
    assert kinds == {"string", "int", "long", "float", "boolean", "array<string>"}


def test_id_and_time_are_always_required() -> None:
    for event_type in event_types():
        required = {field.name for field in fields_of(event_type) if field.required}
        assert {"id", "time"} <= required, event_type


def test_the_email_click() -> None:
    fields = {field.name: field for field in fields_of("users.messages.email.Click")}
    assert len(fields) == 34
    assert fields["email_address"].required
    assert fields["time"] == EventField("time", "int", True)
    assert fields["suspected_bot_click_reason"] == EventField(
        "suspected_bot_click_reason", "array<string>", False
    )
    assert [name for name, field in fields.items() if field.required] == [
        "id",
        "user_id",
        "time",
        "email_address",
    ]


def test_schemas_are_avro_in_the_style_of_currents() -> None:
    for event_type in event_types():
        fastavro.parse_schema(avro_schema(event_type))
    schema = avro_schema("users.messages.email.Open")
    assert (schema["namespace"], schema["name"]) == ("dataexport.S3.inner.users.messages.email", "Open")
    assert {"name": "machine_open", "type": ["null", "string"], "default": None} in schema["fields"]
    assert {"name": "time", "type": "int"} in schema["fields"]


def test_an_unknown_event_type_has_no_documented_fields() -> None:
    assert fields_of("users.messages.pigeon.Send") == ()
    assert avro_schema("pigeon.Send")["fields"] == []

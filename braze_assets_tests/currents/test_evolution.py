"""Fields that change from hour to hour."""

import json
from datetime import timedelta
from typing import Any

import pytest

from braze_assets.currents.events import avro_schema
from braze_assets.errors import CurrentsError
from braze_assets.storage import StoredTable, connect
from braze_assets_tests.currents.conftest import HOUR, NEXT, OPEN, Feed, Write, event


def schema_with(name: str, kind: Any) -> dict[str, Any]:
    schema = avro_schema(OPEN)
    schema["fields"].append({"name": name, "type": kind})
    return schema


def test_fields_evolve_over_hours(feed: Feed, write: Write) -> None:
    """K40: added, removed, reordered, nullable and widened fields; the history reads as one table."""
    kinds: list[Any] = ["int", ["null", "long"], "float", ["double", "null"], None]
    hours = [HOUR + timedelta(hours=number) for number in range(len(kinds))]
    for number, (hour, kind) in enumerate(zip(hours, kinds, strict=True)):
        schema = schema_with("score", kind) if kind else avro_schema(OPEN)
        schema["fields"] = schema["fields"][::-1] if number % 2 else schema["fields"]
        write([event(number, score=number + 1)] if kind else [event(number)], hour=hour, schema=schema)
        feed.run(hour)
    whole = StoredTable(tuple(uri for hour in hours for uri in feed.table(hour).uris))
    expected = {"event-0": 1.0, "event-1": 2.0, "event-2": 3.0, "event-3": 4.0, "event-4": None}
    table = whole.dataset().to_table(columns=["id", "score"])
    assert dict(zip(*table.to_pydict().values(), strict=True)) == expected
    with connect() as con:
        assert dict(con.sql(f"SELECT id, score FROM {whole.sql(con)}").fetchall()) == expected


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (("long", 5), ("string", "five"), ("number", "text")),
        (("string", "five"), ("long", 5), ("text", "number")),
        (("boolean", True), ("string", "yes"), ("boolean", "text")),
        (("string", "a"), ({"type": "array", "items": "string"}, ["a", "b"]), ("text", "list of text")),
    ],
)
def test_a_type_that_does_not_fit_stops_the_event_type(
    old: Any, new: Any, words: tuple[str, str], feed: Feed, write: Write
) -> None:
    """K40: the message names field, types, file and way out; the setting makes the field text."""
    write([event(1, score=old[1])], schema=schema_with("score", old[0]))
    feed.run(HOUR)
    path = write([event(2, score=new[1])], hour=NEXT, schema=schema_with("score", new[0]))
    with pytest.raises(CurrentsError) as caught:
        feed.run(NEXT)
    assert f"score of {OPEN} is {words[0]} in the table and {words[1]}" in caught.value.cause
    assert path.name in (caught.value.place or "")
    assert "accept_type_changes: [score]" in (caught.value.remedy or "")
    assert not feed.table(NEXT).exists()
    feed.run(NEXT, accept_type_changes=("score",))
    text = json.dumps(new[1]) if isinstance(new[1], list) else str(new[1])
    assert feed.table(NEXT).dataset().to_table().column("score").to_pylist() == [text]
    if "list of text" in words:
        feed.run(HOUR, accept_type_changes=("score",))
    tables = StoredTable((*feed.table(HOUR).uris, *feed.table(NEXT).uris))
    was = "true" if old[1] is True else str(old[1])
    with connect() as con:
        assert set(con.sql(f"SELECT score FROM {tables.sql(con)}").fetchall()) == {(was,), (text,)}
    assert set(tables.dataset().to_table().column("score").to_pylist()) == {was, text}


def test_an_hour_without_files_has_the_types_of_the_others(feed: Feed, write: Write) -> None:
    """K40: what files hold counts for more than what is documented, in empty hours too."""
    schema = avro_schema(OPEN)
    for each in schema["fields"]:
        if each["name"] == "is_amp":
            each["type"] = ["null", "string"]
    write([event(1, is_amp="yes")], schema=schema)
    feed.run(HOUR)
    feed.run(NEXT)
    kinds = {str(feed.table(hour).schema.field("is_amp").type) for hour in (HOUR, NEXT)}
    assert kinds == {"string"}

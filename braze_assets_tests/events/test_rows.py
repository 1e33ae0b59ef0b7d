"""P06, K06, K12: what a table of events becomes, and what is left out rather than sent wrong."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_assets.errors import ConfigurationError, QueryError
from braze_assets.plan.events import EventGuardSettings
from braze_assets.rows import TableFile
from braze_assets.rows.events import EventColumns, EventsSpec
from braze_assets.storage import connect
from braze_assets_tests.events.world import Events, event

ROW = (
    "'id-1' AS event_id, 'u1' AS external_id, 'seen' AS name, "
    "TIMESTAMPTZ '2026-11-01 10:00:00.123456+02' AS time"
)
BUY = (
    "'id-1' AS event_id, 'u1' AS external_id, TIMESTAMP '2026-11-01 10:00:00' AS time, "
    "'sku-1' AS product_id, 'EUR' AS currency, CAST(9.90 AS DECIMAL(9,2)) AS price"
)


def errors(world: Events, sql: str) -> dict[str, int]:
    header, _ = world.rows(sql)
    return {reason: rows for reason, rows in header.counts.items() if reason != "rows"}


def objects(world: Events, sql: str) -> list[dict[str, Any]]:
    _, plan = world.plan(sql)
    texts = plan.dataset().to_table(columns=["object"]).column("object").to_pylist()
    return [json.loads(text) for text in texts if text is not None]


def raw(world: Events, sql: str) -> str:
    _, plan = world.plan(sql)
    return str(plan.dataset().to_table().column("object")[0].as_py())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("NULL AS event_id", "null_event_id"),
        ("'  ' AS event_id", "null_event_id"),
        ("NULL AS external_id", "null_identifier"),
        ("repeat('x', 1000) AS external_id", "identifier_too_long"),
        ("NULL::TIMESTAMP AS time", "bad_time"),
        ("'yesterday' AS time", "bad_time"),
        ("'infinity'::TIMESTAMPTZ AS time", "bad_time"),
        ("TIMESTAMP '2026-11-03 00:00:00.001' AS time", "time_in_future"),
        ("NULL::VARCHAR AS name", "bad_name"),
        ("repeat('é', 256) AS name", "bad_name"),
        ("repeat('x', 256) AS note", "bad_property"),
        ("'NaN'::DOUBLE AS note", "bad_property"),
    ],
)
def test_a_row_that_cannot_be_sent_says_why(world: Events, change: str, reason: str) -> None:
    name = change.rpartition(" AS ")[2]
    row = f"SELECT * REPLACE ({change}) FROM (SELECT {ROW}, 1 AS note)"
    if name == "external_id":
        row = row.replace("NULL AS", "NULL::VARCHAR AS")
    assert errors(world, row.replace("NULL AS event_id", "NULL::VARCHAR AS event_id")) == {reason: 1}
    _, plan = world.plan(row.replace("NULL AS", "NULL::VARCHAR AS"))
    [left_out] = plan.dataset().to_table().to_pylist()
    assert (left_out["n"], left_out["kind"], left_out["reason"]) == (None, "left_out", reason)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("NULL::VARCHAR AS product_id", "bad_product"),
        ("'eur' AS currency", "bad_currency"),
        ("'EURO' AS currency", "bad_currency"),
        ("NULL::VARCHAR AS currency", "bad_currency"),
        ("NULL::DOUBLE AS price", "bad_price"),
        ("'nine' AS price", "bad_price"),
        ("'NaN'::DOUBLE AS price", "bad_price"),
        ("0 AS quantity", "bad_quantity"),
        ("101 AS quantity", "bad_quantity"),
        ("'2.5' AS quantity", "bad_quantity"),
    ],
)
def test_a_purchase_braze_would_not_take(world: Events, change: str, reason: str) -> None:
    world.spec = replace(world.spec, kind="purchases", columns=EventColumns(quantity="quantity"))
    row = f"SELECT * REPLACE ({change}) FROM (SELECT {BUY}, 1 AS quantity)"
    assert errors(world, row) == {reason: 1}


def test_an_event_in_json(world: Events) -> None:
    """The time in UTC to the millisecond; NULL properties are left out; types as attributes have them."""
    made = raw(
        world,
        f"SELECT {ROW}, true AS a, NULL::VARCHAR AS b, CAST(1.50 AS DECIMAL(9,2)) AS c, "
        "DATE '2026-01-02' AS d, ['x', 'y'] AS e, 'say \"é\"' AS \"the note\"",
    )
    assert made == (
        '{"external_id":"u1","_update_existing_only":false,"name":"seen","time":"2026-11-01T08:00:00.123Z",'
        '"properties":{"a":true,"c":1.50,"d":"2026-01-02","e":["x","y"],"the note":"say \\"é\\""}}'
    )


def test_no_properties_no_key(world: Events) -> None:
    assert "properties" not in objects(world, f"SELECT {ROW}")[0]
    assert "properties" not in objects(world, f"SELECT {ROW}, NULL::VARCHAR AS note")[0]


def test_a_purchase_in_json(world: Events) -> None:
    world.spec = replace(world.spec, kind="purchases")
    assert raw(world, f"SELECT {BUY}") == (
        '{"external_id":"u1","_update_existing_only":false,"product_id":"sku-1","currency":"EUR","price":9.90,'
        '"time":"2026-11-01T10:00:00.000Z"}'
    )
    world.spec = replace(world.spec, columns=EventColumns(quantity="quantity"))
    assert '"price":9.90,"quantity":3,"time"' in raw(world, f"SELECT {BUY}, '3' AS quantity")
    assert "quantity" not in raw(world, f"SELECT {BUY}, NULL::INTEGER AS quantity")


def test_constant_name_app_and_chosen_properties(world: Events) -> None:
    world.spec = replace(
        world.spec,
        event_name="order placed",
        columns=EventColumns(event_id="id", time="at", properties=("kept", "name")),
    )
    world.settings = replace(world.settings, app_id='app "1"')
    [made] = objects(
        world,
        "SELECT 7 AS id, 'u1' AS external_id, DATE '2026-11-01' AS at, 1 AS kept, 2 AS dropped, 'n' AS name",
    )
    assert made == {
        "external_id": "u1",
        "_update_existing_only": False,
        "app_id": 'app "1"',
        "name": "order placed",
        "time": "2026-11-01T00:00:00.000Z",
        "properties": {"kept": 1, "name": "n"},
    }


def test_an_alias(world: Events) -> None:
    world.spec = replace(world.spec, identifier="user_alias")
    [made] = objects(
        world, f"SELECT * RENAME (external_id AS alias_name), 'crm' AS alias_label FROM (SELECT {ROW})"
    )
    assert made["user_alias"] == {"alias_name": "u1", "alias_label": "crm"}


def test_duplicates(world: Events) -> None:
    """The same row twice is one event; one id for two different events is a mistake of both."""
    same, first, second = event(1), event(2), event(2, user=3)
    header, _ = world.rows([same, dict(same), first, second, event(3)])
    assert header.counts == {"rows": 5, "duplicate_event_id": 2, "repeated_row": 1}
    _, plan = world.plan([same, dict(same), first, second, event(3)])
    sent = plan.dataset().to_table().filter(__import__("pyarrow.compute").compute.field("n").is_valid())
    assert sorted(sent.column("event_id").to_pylist()) == ["id-00001", "id-00003"]


def test_the_plan_is_in_the_order_of_the_times(world: Events) -> None:
    rows = [event(number) for number in (5, 1, 4, 2, 3)]
    _, plan = world.plan(rows)
    table = plan.dataset().to_table()
    assert table.column("n").to_pylist() == [0, 1, 2, 3, 4]
    assert table.column("event_id").to_pylist() == [f"id-0000{n}" for n in (1, 2, 3, 4, 5)]


def test_what_is_too_large_is_left_out(world: Events) -> None:
    wide = ", ".join(f"repeat('x', 250) AS p{n}" for n in range(8))
    world.settings = replace(world.settings, properties_bytes=2_000)
    header, _ = world.plan(f"SELECT {ROW}, {wide}")
    assert header.left_out == {"properties_too_large": 1}
    limits = replace(world.settings.limits, bytes_per_request=2_000)
    world.settings = replace(world.settings, properties_bytes=100_000, limits=limits)
    header, _ = world.plan(f"SELECT {ROW}, {wide}")
    assert header.left_out == {"object_too_large": 1}


def test_guards_of_ids_and_identifiers(world: Events) -> None:
    world.settings = replace(world.settings, guards=EventGuardSettings())
    rows = [event(number) for number in range(100)]
    rows += [{**event(200 + n), "event_id": None} for n in range(2)]
    rows += [{**event(300 + n), "external_id": None} for n in range(2)]
    header, _ = world.plan(rows)
    assert [verdict.guard for verdict in header.blocking] == ["event_ids", "identifier_present"]
    header, _ = world.plan(rows, allow={"event_ids", "identifier_present"})
    assert not header.blocked


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT 'x' AS external_id, 'n' AS name, now() AS time", "lacks the columns event_id"),
        (f"SELECT * REPLACE (1.5 AS event_id) FROM (SELECT {ROW})", "event_id has the type"),
        (f"SELECT * REPLACE ([1] AS name) FROM (SELECT {ROW})", "name has the type"),
        (f"SELECT * REPLACE (true AS time) FROM (SELECT {ROW})", "time has the type"),
        (f"SELECT {ROW}, INTERVAL 1 DAY AS wait", "INTERVAL"),
        (f'SELECT {ROW}, 1 AS "$total"', "name of a property"),
    ],
)
def test_a_table_that_is_none_of_events_is_explained(world: Events, sql: str, said: str) -> None:
    with pytest.raises(QueryError, match=said) as error:
        world.rows(sql)
    assert error.value.place
    assert error.value.remedy


def test_names_that_cannot_be(world: Events) -> None:
    with pytest.raises(ConfigurationError, match="no event name"):
        EventsSpec(name="x", kind="purchases", query=world.spec.query, event_name="bought")
    with pytest.raises(ConfigurationError, match="256 characters"):
        EventsSpec(name="x", kind="events", query=world.spec.query, event_name="b" * 256)


def test_a_csv_keeps_ids_as_they_are(world: Events, tmp_path: Any) -> None:
    path = tmp_path / "log.csv"
    path.write_text("event_id,external_id,name,time,items\n007,0123,1e5,2026-11-01T10:00:00Z,3\n")
    world.spec = replace(world.spec, query=TableFile(str(path)))
    _, rows = world.rows("SELECT 1")
    [row] = rows.dataset().to_table().to_pylist()
    assert (row["event_id"], row["external_id"], row["name"], row["properties"]) == (
        "007",
        "0123",
        "1e5",
        {"items": 3},
    )


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.text(max_size=8).filter(lambda text: "\x00" not in text),
            st.text(max_size=8).filter(lambda text: "\x00" not in text),
            st.text(max_size=40).filter(lambda text: "\x00" not in text),
        ),
        max_size=8,
    )
)
def test_every_row_is_sent_once_or_left_out_with_a_reason(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    with connect() as connection:
        world = Events(connection, str(tmp_path_factory.mktemp("rows")))
        table = [
            {**event(0), "event_id": event_id, "external_id": user, "note": note}
            for event_id, user, note in rows
        ]
        if not table:
            return
        header, plan = world.plan(table)
        shown = plan.dataset().to_table().to_pylist()
        assert len(shown) == len(table) == header.counts.objects + header.counts.left_out
        sent = [row for row in shown if row["n"] is not None]
        assert len({row["event_id"] for row in sent}) == len(sent)
        for row in sent:
            said = json.loads(row["object"])
            assert (said["external_id"], said["properties"]["note"]) in {(u, n) for _, u, n in rows}
        assert all(row["reason"] for row in shown if row["n"] is None)

"""The sample and Currents as assets, in a folder and on S3 (D2, D3, K40, K42)."""

from datetime import datetime, timedelta, timezone

import dagster as dg
import pytest

from braze_assets.currents.events import avro_schema
from braze_assets.currents.generator import GeneratorSettings, write_hours
from braze_assets.currents.refill import marked
from braze_assets.customer_360 import TABLES
from braze_assets.storage import Storage, StoredTable, open_path
from braze_assets_tests.currents.conftest import avro
from braze_assets_tests.projects import Project, failure, metadata

START = datetime(2026, 7, 1, tzinfo=timezone.utc)
EVENTS = [
    f"currents/users_messages_email_{name}" for name in ("send", "open", "click", "bounce", "unsubscribe")
]
SEND = "users.messages.email.Send"
EMAIL = ["customer_360/unified_email_events", "customer_360/email_engagement_summary"]


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory, storage_url: str) -> Project:
    made = Project(tmp_path_factory.mktemp("project"), storage_url)
    made.write("feed/defs.yaml", "type: braze_assets.CurrentsFeed\nattributes: {}\n")
    made.write("sample/defs.yaml", "type: braze_assets.SampleCustomer360\nattributes: {}\n")
    return made


def settings(**changes: object) -> GeneratorSettings:
    people = [f"{number:04}" for number in range(50)]
    return GeneratorSettings(external_ids=people, sends_per_hour=5, duplicate_share=0.2, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("storage_url", ["folder"], indirect=True)
def test_files_become_events_once_each_and_a_summary(project: Project) -> None:
    hours = [START + timedelta(hours=number) for number in range(24)]
    write_hours(f"{project.storage}/in", settings(), hours)
    events = project.run(EVENTS, first="2026-07-01-00:00", last="2026-07-01-23:00")
    assert events.success
    made = project.run(EMAIL, first="2026-07-01")
    assert made.success

    unified = Storage(project.storage).uri("tables", *EMAIL[0].split("/"), "date=2026-07-01", "data.parquet")
    ids = StoredTable.at(unified).dataset().to_table()["pk"].to_pylist()
    assert len(ids) == len(set(ids)) > 100
    records = sum(
        event.metadata["records"].value
        for name in EVENTS
        for event in {
            one.partition: one for one in events.asset_materializations_for_node(name.replace("/", "__"))
        }.values()
    )
    assert records > len(ids)
    summary = metadata(made, EMAIL[1].replace("/", "__"))
    assert 0 < summary["dagster/partition_row_count"] <= 50
    assert summary["days_of_events"] == 1


def test_a_file_cut_short_is_quarantined_and_the_rest_loads(project: Project) -> None:
    """BAD INPUT: the check names the file; the hour's other events are there."""
    cut = frozenset({("users.messages.email.Send", START)})
    write_hours(f"{project.storage}/in", settings(truncated=cut, files_per_hour=2), [START])
    result = project.run(EVENTS[:1], first="2026-07-01-00:00")
    assert result.success
    checks = {each.check_name: each for each in result.get_asset_check_evaluations()}
    assert not checks["every_file_readable"].passed
    assert checks["every_file_readable"].severity is dg.AssetCheckSeverity.WARN
    assert checks["counts_add_up"].passed
    facts = metadata(result, "currents__users_messages_email_send")
    assert facts["quarantined_files"] == 1
    assert facts["rows"] > 0
    assert facts["quarantine"].endswith("currents_quarantine/users.messages.email.Send/2026-07-01-00")


def test_a_field_of_another_type_stops_its_event_type_alone(project: Project) -> None:
    """K40: the other assets of the run are made; the setting is the way out."""
    write_hours(f"{project.storage}/in", settings(), [START])
    assert project.run(EVENTS[:2], first="2026-07-01-00:00").success
    write_hours(f"{project.storage}/in", settings(), [START + timedelta(hours=1)])
    schema = avro_schema(SEND)
    for field in schema["fields"]:
        field["type"] = ["null", "long"] if field["name"] == "ip_pool" else field["type"]
    sent = {"id": "x", "user_id": "u", "time": 1, "email_address": "a", "ip_pool": 7}
    place = f"in/any/event_type={SEND}/date=2026-07-01-01/1/x/late.avro"
    path = open_path(f"{project.storage}/{place}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(avro(schema, [sent]))
    result = project.run(EVENTS[:2], first="2026-07-01-01:00")
    assert "accept_type_changes: [ip_pool]" in failure(result, "currents__users_messages_email_send")
    assert result.asset_materializations_for_node("currents__users_messages_email_open")
    project.write(
        "feed/defs.yaml",
        "type: braze_assets.CurrentsFeed\nattributes:\n  accept_type_changes: [ip_pool]\n",
    )
    again = project.run(EVENTS[:2], first="2026-07-01-01:00")
    assert again.success
    assert metadata(again, "currents__users_messages_email_send")["fields_as_text"] == ["ip_pool"]


def test_a_late_file_is_counted_and_marks_later_hours(project: Project) -> None:
    """D6: what is shown of an hour with a late file; the hours it concerns are asked for."""
    write_hours(f"{project.storage}/in", settings(), [START, START + timedelta(hours=1)])
    assert project.run(EVENTS[:1], first="2026-07-01-00:00", last="2026-07-01-01:00").success
    uri = Storage(project.storage).uri("tables", EVENTS[0], "date=2026-07-01", "hour=01", "data.parquet")
    one = StoredTable.at(uri).dataset().to_table().slice(0, 1).to_pylist()[0]
    path = open_path(f"{project.storage}/in/any/event_type={SEND}/date=2026-07-01-00/1/x/late.avro")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        avro(avro_schema(SEND), [{name: one[name] for name in ("id", "user_id", "time", "email_address")}])
    )
    late = project.run(EVENTS[:1], first="2026-07-01-00:00")
    assert late.success
    assert metadata(late, "currents__users_messages_email_send")["late_files"] == 1
    storage = Storage(project.storage)
    assert marked(storage, [SEND]) == {SEND: [START + timedelta(hours=1)]}
    assert project.run(EVENTS[:1], first="2026-07-01-01:00").success
    assert marked(storage, [SEND]) == {}
    assert one["id"] not in StoredTable.at(uri).dataset().to_table()["id"].to_pylist()


def test_a_missing_hour_is_named_not_skipped(project: Project) -> None:
    write_hours(f"{project.storage}/in", settings(), [START])
    assert project.run(EVENTS, first="2026-07-01-00:00").success
    result = project.run(EMAIL[:1], first="2026-07-01")
    text = failure(result, "customer_360__unified_email_events")
    assert "of partition 2026-07-01-01:00 was never materialized" in text


def test_an_hour_without_files_is_an_empty_table(project: Project) -> None:
    write_hours(f"{project.storage}/in", settings(), [START])
    result = project.run(EVENTS[:1], first="2026-07-01-05:00")
    assert result.success
    facts = metadata(result, "currents__users_messages_email_send")
    assert (facts["files"], facts["dagster/partition_row_count"]) == (0, 0)


def test_the_sample_has_columns_described_and_checked(project: Project) -> None:
    result = project.run([f"customer_360/{name}" for name in TABLES], first="2026-07-02")
    assert result.success
    for name, table in TABLES.items():
        schema = metadata(result, f"customer_360__{name}")["dagster/column_schema"]
        assert [(each.name, each.type) for each in schema.columns] == [each[:2] for each in table.columns]
        assert all(each.description for each in schema.columns)
    checks = {
        (check.asset_key.path[-1], check.check_name): check for check in result.get_asset_check_evaluations()
    }
    assert checks["merged_customers", "key_is_unique"].passed
    errors = [
        key
        for key, each in checks.items()
        if not each.passed and each.severity is dg.AssetCheckSeverity.ERROR
    ]
    assert errors == []
    assert any(not each.passed for each in checks.values()), "the sample's dirt is seen"

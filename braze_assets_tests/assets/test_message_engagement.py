"""Messages and campaigns back in the Customer 360, through real materializations (K42)."""

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from braze_assets.currents.email_events import CONSENT
from braze_assets.currents.events import avro_schema
from braze_assets.currents.paths import hour_name
from braze_assets.errors import ConfigurationError
from braze_assets.storage import StoredTable, connect
from braze_assets_tests.currents.conftest import avro
from braze_assets_tests.docs.documents import blocks
from braze_assets_tests.projects import Project, daily_source, failure, metadata

DAY = datetime(2026, 7, 1, tzinfo=timezone.utc)
EMAIL, PUSH, CARD = (f"users.messages.{each}" for each in ("email", "pushnotification", "contentcard"))
CONVERSION, CONTROL = "users.campaigns.Conversion", "users.campaigns.EnrollInControl"
TYPES = [
    f"{EMAIL}.Send",
    f"{EMAIL}.Open",
    f"{EMAIL}.Click",
    f"{PUSH}.Send",
    f"{PUSH}.Open",
    f"{CARD}.Click",
    CONVERSION,
    CONTROL,
    CONSENT,
]
FEED = f"""\
type: braze_assets.CurrentsFeed
attributes:
  event_types: [{", ".join(TYPES)}]
  customers: customer_360/people
"""
MESSAGES, RESPONSE = "customer_360/message_engagement", "customer_360/campaign_response"
BACK = [
    MESSAGES, RESPONSE, "customer_360/unified_email_events", "customer_360/email_engagement_summary",
    "customer_360/email_engagement_attributes",
]  # fmt: skip
PEOPLE = [{"amperity_id": f"A{n}", "external_id": f"C{n}"} for n in range(3)]
DAYS = {f"2026-07-0{n}": PEOPLE for n in (1, 2)}
SOURCES = [
    daily_source("people", DAYS, pa.schema([("amperity_id", pa.string()), ("external_id", pa.string())]))
]


def started(folder: Path) -> Project:
    made = Project(folder, str(folder / "storage"))
    made.write("feed/defs.yaml", FEED)
    return made


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return started(tmp_path)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose hours of the day are all read."""
    project = started(tmp_path_factory.mktemp("loaded"))
    events(project)
    load(project)
    return project


def put(project: Project, event_type: str, hour: int, *events: dict[str, Any]) -> None:
    """Write a file of events into an hour."""
    at = DAY + timedelta(hours=hour)
    path = Path(project.storage, f"in/d/event_type={event_type}/date={hour_name(at)}/f.avro")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(avro(avro_schema(event_type), [made(at, each) for each in events]))


def made(at: datetime, given: dict[str, Any]) -> dict[str, Any]:
    """An event with what is required."""
    person = given.pop("who", "C1")
    return {
        **dict.fromkeys(("app_id", "content_card_id", "platform", "device_id", "ad_id"), "x"),
        "email_address": f"{person}@example.com",
        "user_id": f"braze-{person}",
        "external_user_id": person,
        "campaign_id": "k1",
        "message_variation_id": "a",
        "time": int(at.timestamp()) + 60,
        **given,
    }


def events(project: Project) -> None:
    """Two messages on two channels, with a duplicate in the next hour, and what came of them."""
    put(project, f"{EMAIL}.Send", 1, {"id": "1"}, {"id": "2", "who": "C2"})
    put(project, f"{EMAIL}.Send", 2, {"id": "1"})
    put(project, f"{EMAIL}.Open", 3, {"id": "3", "machine_open": "true"}, {"id": "4", "who": "C2"})
    put(project, f"{PUSH}.Send", 4, {"id": "5", "message_variation_id": "b"})
    put(project, f"{PUSH}.Open", 5, {"id": "6", "message_variation_id": "b"})
    put(
        project,
        f"{CARD}.Click",
        6,
        {"id": "7", "campaign_id": None, "canvas_id": "v", "canvas_variation_id": "x"},
    )
    put(project, CONVERSION, 7, {"id": "8"}, {"id": "9", "message_variation_id": "control", "who": "C3"})
    put(project, CONTROL, 8, {"id": "10", "message_variation_id": "control", "who": "C3"})
    put(project, f"{EMAIL}.Click", 9, {"id": "11", "is_suspected_bot_click": True}, {"id": "12", "who": "C2"})
    put(
        project, CONSENT, 10, {"id": "13", "who": "C0", "subscription_status": "Opted-In", "channel": "email"}
    )


def rows(project: Project, table: str, day: str = "2026-07-01") -> list[dict[str, Any]]:
    uri = f"{project.storage}/tables/{table}/date={day}/data.parquet"
    return list(StoredTable.at(uri).dataset().to_table().to_pylist())


def load(project: Project, first: int = 0, hours: int = 24) -> None:
    begin, end = (f"{DAY + timedelta(hours=each):%Y-%m-%d-%H:%M}" for each in (first, first + hours - 1))
    names = [f"currents/{each.replace('.', '_').lower()}" for each in TYPES]
    assert project.run(names, first=begin, last=end, assets=SOURCES).success


def test_events_come_back_as_messages_campaigns_and_customers(loaded: Project) -> None:
    """K42: every channel in one table, each event once; response; attributes by Amperity ID."""
    project = loaded
    result = project.run(["customer_360/people", *BACK], first="2026-07-01", assets=SOURCES)
    assert result.success
    found = {row["pk"]: row for row in rows(project, MESSAGES)}
    assert len(found) == len(rows(project, MESSAGES)) == 12
    assert [found[pk]["channel"] for pk in "13567"] == ["email", "email", "push", "push", "content_card"]
    assert [found[pk]["action"] for pk in "1345678"] == [
        "Sent", "Open", "Open", "Sent", "Open", "Click", "Converted"
    ]  # fmt: skip
    assert [pk for pk, row in found.items() if row["is_machine_open"]] == ["3"]
    assert found["1"]["event_datetime"] == DAY + timedelta(hours=1, minutes=1)

    ids = ("level", "campaign_id", "variation_id", "channel")
    response = {tuple(row[name] for name in ids): row for row in rows(project, RESPONSE)}
    campaign = response["total", "k1", None, None]
    figures = ("sends", "reached", "unique_opens", "unique_opens_including_machine", "conversions")
    assert [campaign[name] for name in figures] == [3, 2, 2, 2, 1]
    assert (campaign["open_rate"], campaign["conversion_rate"]) == (1.0, 0.5)
    assert response["message", "k1", "a", "email"]["unique_opens"] == 1
    assert response["variation", "k1", "control", None]["conversions"] == 1
    assert metadata(result, "customer_360__campaign_response")["days_missing"] == 0

    people = {row["amperity_id"]: row for row in rows(project, BACK[4])}
    assert {key: row["email_sends_last_1_day"] for key, row in people.items()} == {"A0": 0, "A1": 1, "A2": 1}
    assert {key: row["email_opens_last_1_day"] for key, row in people.items()} == {"A0": 0, "A1": 0, "A2": 1}
    optins = [people[f"A{n}"]["most_recent_email_optin_datetime"] for n in range(3)]
    assert optins == [DAY + timedelta(hours=10, minutes=1), None, None]


def test_a_day_lacks_no_hour_in_silence(project: Project) -> None:
    """K42: an hour that was never loaded is named; one without files is there, and empty."""
    events(project)
    load(project, hours=23)
    result = project.run([MESSAGES], first="2026-07-01", assets=SOURCES)
    assert "2026-07-01-23:00 was never materialized" in failure(result, "customer_360__message_engagement")
    load(project, first=23, hours=1)
    assert project.run([MESSAGES], first="2026-07-01", assets=SOURCES).success


def test_days_that_are_not_there_are_counted(loaded: Project) -> None:
    """K42: response and summaries say what they were made of; a range is one run."""
    project = loaded
    assert project.run([MESSAGES], first="2026-07-01", assets=SOURCES).success
    result = project.run([RESPONSE], first="2026-07-01", last="2026-07-02", assets=SOURCES)
    assert result.success
    facts = metadata(result, "customer_360__campaign_response")
    assert (facts["days_of_events"], facts["days_missing"]) == (1, 1)
    assert rows(project, RESPONSE, "2026-07-02") == rows(project, RESPONSE, "2026-07-01")


def test_a_sync_reads_the_attributes(loaded: Project) -> None:
    """K42: usable as attributes: a sync's SQL names the table, and nothing else."""
    project = loaded
    project.write(
        "engaged/defs.yaml",
        "type: braze_assets.AttributeSync\nattributes: {name: engaged, table: {sql: q.sql}}\n",
    )
    project.write("engaged/q.sql", blocks("sql", "engagement.md")[0].text)
    names = ["customer_360/people", *BACK[2:], "engaged", "engaged_findings"]
    result = project.run(names, first="2026-07-01", assets=SOURCES)
    assert result.success
    found = {row["external_id"]: row for row in rows(project, "engaged")}
    assert {key: row["clicked_email_last_14_days"] for key, row in found.items()} == {
        "C0": False, "C1": False, "C2": True
    }  # fmt: skip
    assert [found[key]["email_engagement_status"] for key in sorted(found)] == [
        "Non-recipient",
        "New",
        "Active",
    ]


def test_the_documented_query_of_campaigns(loaded: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """K42: what a campaign adds to its control group."""
    assert loaded.run([MESSAGES, RESPONSE], first="2026-07-01", assets=SOURCES).success
    monkeypatch.chdir(loaded.storage)
    with connect() as connection:
        found = connection.sql(blocks("sql", "engagement.md")[1].text).to_arrow_table().to_pylist()
    assert [(row["reached"], row["control_entries"], row["converted_percent"]) for row in found] == [
        (2, 0, 50.0),
        (1, 0, 0.0),
        (0, 1, 100.0),
    ]


def test_who_makes_these_tables(project: Project, tmp_path: Path) -> None:
    """K42: the feed without a name; only what its event types give; wrong `customers` are refused."""

    def keys() -> set[str]:
        found = project.definitions(assets=SOURCES).resolve_all_asset_keys()
        return {key.path[-1] for key in found if key.path[0] == "customer_360"} - {"people"}

    assert keys() == {each.rpartition("/")[2] for each in BACK}
    project.write("feed/defs.yaml", FEED.replace("  customers: customer_360/people\n", ""))
    assert "email_engagement_attributes" not in keys()
    project.write("feed/defs.yaml", FEED.replace("  customers: customer_360/people\n", "  name: eu\n"))
    assert keys() == set()
    head = "type: braze_assets.CurrentsFeed\nattributes:\n"
    project.write("feed/defs.yaml", head + "  event_types: [users.messages.sms.Send]\n")
    assert keys() == {"message_engagement", "campaign_response"}
    project.write("feed/defs.yaml", head + f"  event_types: [{CONVERSION}]\n")
    assert keys() == set()
    project.write("feed/defs.yaml", FEED + "  name: eu\n")
    with pytest.raises(ConfigurationError, match="makes no email tables"):
        project.load()
    project.write("feed/defs.yaml", FEED.replace("/people", "/persons"))
    with pytest.raises(ConfigurationError, match="customer_360/persons"):
        project.definitions(assets=SOURCES)


def test_customers_without_the_columns_are_refused(loaded: Project) -> None:
    days = {"2026-07-01": [{"id": "1"}]}
    wrong: list[dg.AssetsDefinition] = [daily_source("people", days, pa.schema([("id", pa.string())]))]
    result = loaded.run(["customer_360/people", *BACK[2:]], first="2026-07-01", assets=wrong)
    text = failure(result, "customer_360__email_engagement_attributes")
    assert "no column amperity_id and no column external_id" in text

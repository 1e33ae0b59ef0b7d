"""Made-up Currents files: whatever they hold is found again (K40, D2)."""

from datetime import timedelta
from pathlib import Path

import pytest

from braze_assets.currents.email_events import unified_sql
from braze_assets.currents.events import EMAIL_EVENT_TYPES
from braze_assets.currents.generator import EXTRA_FIELD, GeneratorSettings, write_hours
from braze_assets.currents.ingest import ingest_hour
from braze_assets.currents.listing import CurrentsSource
from braze_assets.currents.profile_updates import PROFILE_UPDATE, profile_update
from braze_assets.currents.timeline import Timeline
from braze_assets.storage import connect
from braze_assets_tests.currents.conftest import HOUR, OPEN

HOURS = [HOUR + timedelta(hours=number) for number in range(4)]
PEOPLE = tuple(f"customer-{number}" for number in range(50))


def settings(**changes: object) -> GeneratorSettings:
    return GeneratorSettings(external_ids=PEOPLE, sends_per_hour=80, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("layout", "codec", "place"),
    [("version", "null", "folder"), ("schema", "snappy", "folder"), ("2017", "deflate", "s3")],
)
def test_every_event_is_loaded_once(
    layout: str, codec: str, place: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """X10: duplicates within files, across files and across hours; every layout; a folder and S3."""
    storage_url = str(tmp_path) if place == "folder" else f"s3://{request.getfixturevalue('s3_bucket')}"
    made = settings(duplicate_share=0.2, layout=layout, codec=codec)
    written = write_hours(f"{storage_url}/feed", made, HOURS)
    source = CurrentsSource(f"{storage_url}/feed")
    timeline = Timeline(made.seed, PEOPLE, made.sends_per_hour)
    for event_type in EMAIL_EVENT_TYPES[:2]:
        found: list[str] = []
        records = 0
        for hour in HOURS:
            ingested = ingest_hour(source, event_type, hour)
            found += ingested.table().column("id").to_pylist()
            records += ingested.report.records
        expected = {event["id"] for hour in HOURS for event in timeline.events(event_type, hour)}
        before = {event["id"] for event in timeline.events(event_type, HOUR - timedelta(hours=1))}
        assert len(found) == len(set(found))
        assert set(found) - before == expected
        assert records == sum(file.records for file in written if file.event_type == event_type)
        assert records > len(found)


def test_the_same_settings_write_the_same_bytes(tmp_path: Path) -> None:
    made = settings(truncated=frozenset({(OPEN, HOUR)}))
    for name in ("one", "two"):
        write_hours(str(tmp_path / name), made, HOURS)
    # Any hour can be made on its own.
    write_hours(str(tmp_path / "three"), made, HOURS[2:])
    one, two, three = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.avro")}
        for name in ("one", "two", "three")
    )
    assert one == two
    assert 0 < len(three) < len(one)
    assert three.items() <= one.items()
    other = GeneratorSettings(external_ids=PEOPLE, sends_per_hour=80, seed=8)
    write_hours(str(tmp_path / "four"), other, HOURS)
    assert {path.read_bytes() for path in (tmp_path / "four").rglob("*.avro")}.isdisjoint(one.values())


def test_an_extra_field_and_a_file_cut_short(tmp_path: Path) -> None:
    made = settings(extra_field_from=HOURS[2], truncated=frozenset({(OPEN, HOURS[1])}))
    written = write_hours(str(tmp_path), made, HOURS)
    source = CurrentsSource(str(tmp_path))
    assert [file.hour for file in written if file.truncated] == [HOURS[1]]
    reports = [ingest_hour(source, OPEN, hour).report for hour in HOURS]
    assert [len(report.quarantined) for report in reports] == [0, 1, 0, 0]
    assert [report.unknown_fields for report in reports] == [(), (), (EXTRA_FIELD.name,), (EXTRA_FIELD.name,)]


def test_who_opens_was_sent_something(tmp_path: Path) -> None:
    """K42: the story holds together, from files to unified events."""
    write_hours(str(tmp_path), settings(), HOURS)
    source = CurrentsSource(str(tmp_path))
    with connect() as con:
        sources = {}
        for number, event_type in enumerate(EMAIL_EVENT_TYPES):
            for hour in HOURS:
                con.register("hour", ingest_hour(source, event_type, hour).table())
                con.execute(f"CREATE TABLE IF NOT EXISTS t{number} AS SELECT * FROM hour LIMIT 0")
                con.execute(f"INSERT INTO t{number} BY NAME SELECT * FROM hour")
            sources[event_type] = f"t{number}"
        con.execute(f"CREATE TABLE events AS {unified_sql(sources)}")
        kinds = dict(con.sql("SELECT event_type, count(DISTINCT pk) FROM events GROUP BY ALL").fetchall())
        assert kinds["Sent"] > kinds["Open"] > kinds["Click"] > kinds["Bounce"] > 0
        orphans = con.sql(
            "SELECT count(*) FROM events AS later"
            " ANTI JOIN (SELECT * FROM events WHERE event_type = 'Sent') AS sent"
            " ON later.dispatch_id = sent.dispatch_id AND later.event_datetime >= sent.event_datetime"
            f" WHERE later.event_datetime >= TIMESTAMPTZ '{HOUR + timedelta(hours=1)}'"
        ).fetchall()
        assert orphans == [(0,)]


def test_profile_updates_are_written_and_found_again(tmp_path: Path) -> None:
    """K42: drawn ones, whose users are those of the emails, and given ones as they are."""
    given = profile_update(1, HOUR, {"email": "new@example.com", "tier": None}, external_id="customer-7")
    made = settings(event_types=(PROFILE_UPDATE,), given={(PROFILE_UPDATE, HOUR): [given]})
    write_hours(str(tmp_path / "feed"), made, HOURS)
    source = CurrentsSource(str(tmp_path / "feed"))
    found = [row for hour in HOURS for row in ingest_hour(source, PROFILE_UPDATE, hour).table().to_pylist()]
    drawn = [row for row in found if row["id"] != given["id"]]
    assert drawn
    assert all(row["language"] and row["external_user_id"] in {None, *PEOPLE} for row in drawn)
    [mine] = [row for row in found if row["id"] == given["id"]]
    assert {name: mine[name] for name in given} == given
    assert mine["custom_attributes"] == '{"tier": null}'

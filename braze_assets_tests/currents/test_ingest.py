"""One event type and hour as a table, every event once (K40, X10)."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pytest

from braze_assets.currents.columns import documented_schema
from braze_assets.currents.events import EventField, avro_schema
from braze_assets.currents.ingest import IngestedHour, IngestSettings, ingest_hour
from braze_assets.currents.listing import CurrentsSource
from braze_assets.errors import CurrentsError
from braze_assets.storage import StoredTable, open_path, write_parquet
from braze_assets_tests.currents.conftest import HOUR, INTEGRATION, OPEN, Write, avro, event, record

NEXT = HOUR + timedelta(hours=1)


@pytest.fixture
def source(tmp_path: Path) -> CurrentsSource:
    (tmp_path / "currents").mkdir(exist_ok=True)
    return CurrentsSource(str(tmp_path / "currents"))


def ids(hour: IngestedHour) -> list[str]:
    return sorted(hour.table().column("id").to_pylist())


def store(hour: IngestedHour, path: Path) -> StoredTable:
    return StoredTable.at(write_parquet(open_path(str(path)), hour.reader()).uri)


def test_an_hour_is_a_table_with_its_report(write: Write, source: CurrentsSource) -> None:
    """K40: columns, event time and provenance."""
    write([event(1), event(2, machine_open="true")], offset=1)
    write([event(3)], offset=2)
    hour = ingest_hour(source, OPEN, HOUR)
    table = hour.table()
    assert table.schema.names == [*documented_schema(OPEN).names, "event_time", "_file"]
    assert table.column("event_time").to_pylist()[0] == HOUR + timedelta(seconds=1)
    assert table.column("_file").to_pylist()[2].endswith("+0+2.avro")
    assert table.column("machine_open").to_pylist() == [None, "true", None]
    report = hour.report
    assert (report.files, report.records, report.rows, report.slow_files) == (2, 3, 3, 0)
    assert (report.times.first, report.times.last) == (
        HOUR + timedelta(seconds=1),
        HOUR + timedelta(seconds=3),
    )
    assert report.versions == (10,)
    assert report.unknown_fields == report.absent_fields == report.quarantined == ()
    assert report.metadata()["rows"] == 3
    assert hour.reader().read_all().equals(table)


def test_an_empty_hour_has_the_documented_columns(source: CurrentsSource) -> None:
    """Currents writes no empty files: an hour without files is an hour without events."""
    for event_type in (OPEN, "agentconsole.AgentExecuted", "not.documented.Yet"):
        hour = ingest_hour(source, event_type, HOUR)
        table = hour.table()
        assert table.num_rows == hour.report.files == 0
        assert table.schema.field("time").type == pa.int64()
        assert table.schema.field("event_time").type == pa.timestamp("us", tz="UTC")


def test_duplicates_in_an_hour_leave_the_first_by_file_and_place(
    write: Write, source: CurrentsSource
) -> None:
    """X10: the winner does not depend on the order in which files are read."""
    write([event(1, browser="a"), event(2, browser="a"), event(1, browser="b")], offset=1)
    write([event(2, browser="c"), event(3, browser="c")], offset=2)
    for workers in (1, 4):
        hour = ingest_hour(source, OPEN, HOUR, settings=IngestSettings(workers=workers))
        rows = hour.table().select(["id", "browser"]).to_pylist()
        assert rows == [
            {"id": "event-1", "browser": "a"},
            {"id": "event-2", "browser": "a"},
            {"id": "event-3", "browser": "c"},
        ]
        assert (hour.report.records, hour.report.rows, hour.report.duplicates_in_hour) == (5, 3, 2)


def test_duplicates_of_earlier_hours(write: Write, source: CurrentsSource) -> None:
    """X10: across hours the earlier keeps the event; a re-run of either changes nothing."""
    write([event(1), event(2)])
    write([event(2), event(3), event(3)], hour=NEXT)
    second = ingest_hour(source, OPEN, NEXT)
    assert ids(second) == ["event-3"]
    assert (second.report.duplicates_of_earlier_hours, second.report.duplicates_in_hour) == (1, 1)
    assert ids(ingest_hour(source, OPEN, HOUR)) == ["event-1", "event-2"]
    assert ids(ingest_hour(source, OPEN, NEXT)) == ["event-3"]


def test_the_window(write: Write, source: CurrentsSource) -> None:
    """Hours outside the window are not asked; the standard one is a day."""
    write([event(1)])
    late = HOUR + timedelta(hours=24)
    write([event(1)], hour=late)
    assert ids(ingest_hour(source, OPEN, late)) == []
    short = IngestSettings(window_hours=23)
    assert ids(ingest_hour(source, OPEN, late, settings=short)) == ["event-1"]


def test_a_late_file_is_part_of_the_next_run(write: Write, source: CurrentsSource) -> None:
    """X10: an hour is re-read whole."""
    write([event(1)], offset=1)
    assert ids(ingest_hour(source, OPEN, HOUR)) == ["event-1"]
    write([event(0), event(1)], offset=0)
    assert ids(ingest_hour(source, OPEN, HOUR)) == ["event-0", "event-1"]


def schema_with(*changes: tuple[str, Any]) -> dict[str, Any]:
    """The documented schema with fields changed or, with None, removed."""
    schema = avro_schema(OPEN)
    for name, kind in changes:
        schema["fields"] = [field for field in schema["fields"] if field["name"] != name]
        if kind is not None:
            schema["fields"].append({"name": name, "type": kind})
    return schema


def test_schema_evolution(write: Write, source: CurrentsSource) -> None:
    """K40: added, removed, retyped and nullable fields in one hour."""
    write([event(1)], offset=1)
    write([event(2, inbox="spam")], offset=2, schema=schema_with(("inbox", ["null", "string"])))
    removed = schema_with(("dispatch_id", None), ("esp", None))
    write([event(3)], offset=3, schema=removed)
    retyped = schema_with(("time", "long"), ("user_id", ["null", "string"]), ("is_amp", ["null", "string"]))
    write([event(4, time=2**33, user_id=None, is_amp="maybe")], offset=4, schema=retyped)
    write([event(5, time=1.5e9)], offset=5, schema=schema_with(("time", "double")))
    with pytest.raises(CurrentsError, match="is_amp"):
        ingest_hour(source, OPEN, HOUR)
    hour = ingest_hour(source, OPEN, HOUR, settings=IngestSettings(accept_type_changes=("is_amp",)))
    rows = {row["id"]: row for row in hour.table().to_pylist()}
    assert len(rows) == 5
    assert rows["event-2"]["inbox"] == "spam"
    assert rows["event-1"]["inbox"] is None
    assert rows["event-4"]["user_id"] is None
    assert rows["event-4"]["is_amp"] == "maybe"
    assert rows["event-4"]["event_time"] == datetime(2242, 3, 16, 12, 56, 32, tzinfo=timezone.utc)
    assert rows["event-5"]["event_time"] == datetime(2017, 7, 14, 2, 40, tzinfo=timezone.utc)
    assert hour.report.unknown_fields == ("inbox",)
    assert hour.report.absent_fields == ()


def test_a_field_removed_everywhere_is_null_and_reported(write: Write, source: CurrentsSource) -> None:
    write([event(1)], schema=schema_with(("dispatch_id", None)))
    hour = ingest_hour(source, OPEN, HOUR)
    assert hour.report.absent_fields == ("dispatch_id",)
    assert hour.table().column("dispatch_id").to_pylist() == [None]


def test_an_event_type_nobody_knows(write: Write, source: CurrentsSource) -> None:
    """K40: event types not known today; `time` that is no number; columns with our own names."""
    schema = record(("key", "string"), ("time", "string"), ("_file", "string"), ("event_time", "int"))
    content = [{"key": "a", "time": "noon", "_file": "theirs", "event_time": 5}] * 2
    write(content, event_type="new.Thing", schema=schema)
    hour = ingest_hour(source, "new.Thing", HOUR)
    row = hour.table().to_pylist()[0]
    assert (row["id"], row["key"], row["time"], row["event_time"]) == (None, "a", "noon", None)
    assert (row["_file_"], row["event_time_"]) == ("theirs", 5)
    assert (hour.report.rows, hour.report.without_id) == (2, 2)


def test_ids_of_another_type_are_still_ids(write: Write, source: CurrentsSource) -> None:
    write([event(1, id="5")], offset=1)
    write([event(1, id=5)], offset=2, schema=schema_with(("id", "long")))
    hour = ingest_hour(source, OPEN, HOUR, settings=IngestSettings(accept_type_changes=("id",)))
    assert (ids(hour), hour.report.duplicates_in_hour) == (["5"], 1)


def test_times_that_cannot_be(write: Write, source: CurrentsSource) -> None:
    """A time that is none, or is before 1970, is kept in `time` and has no `event_time`."""
    schema = schema_with(("time", ["null", "long"]))
    write([event(n, time=time) for n, time in enumerate([-1, 2**62, None, 0])], schema=schema)
    table = ingest_hour(source, OPEN, HOUR).table()
    assert table.column("time").to_pylist() == [-1, 2**62, None, 0]
    assert table.column("event_time").to_pylist() == [
        None,
        None,
        None,
        datetime(1970, 1, 1, tzinfo=timezone.utc),
    ]


def test_a_file_cut_short_is_quarantined_and_the_rest_loads(write: Write, source: CurrentsSource) -> None:
    """K40, BAD INPUT: an Avro file that is cut short."""
    data = avro(avro_schema(OPEN), [event(n) for n in range(100)], sync_interval=500)
    whole = write([event(200)], offset=1)
    broken = write(data[: len(data) // 2], offset=2)
    hour = ingest_hour(source, OPEN, HOUR)
    (quarantined,) = hour.report.quarantined
    assert quarantined.uri == str(broken)
    assert "cut short" in quarantined.reason
    assert 0 < quarantined.records_recovered < 60
    assert hour.table().num_rows == quarantined.records_recovered + 1
    assert whole.exists()
    broken.write_bytes(data)
    assert ingest_hour(source, OPEN, HOUR).report.rows == 101


@pytest.mark.parametrize(
    ("contents", "threshold", "fine"),
    [
        ([b"junk", None], 0.1, True),
        ([b"junk", None], 0.0, False),
        ([b"junk"], 0.1, False),
        ([b"", b"junk"], 0.1, False),
        ([b"junk", b"junk", None], 0.1, False),
        ([b"junk", b"junk", None], 0.7, True),
        ([b"junk"], 1.0, True),
    ],
)
def test_the_error_threshold(
    contents: Sequence[bytes | None], threshold: float, fine: bool, write: Write, source: CurrentsSource
) -> None:
    """K41: over the threshold nothing of the hour is replaced, and the error says what to do."""
    for offset, content in enumerate(contents):
        write([event(1)] if content is None else content, offset=offset)
    settings = IngestSettings(error_threshold=threshold)
    if fine:
        hour = ingest_hour(source, OPEN, HOUR, settings=settings)
        assert len(hour.report.quarantined) == sum(content is not None for content in contents)
        return
    with pytest.raises(CurrentsError) as caught:
        ingest_hour(source, OPEN, HOUR, settings=settings)
    assert "cannot be read whole" in caught.value.cause
    assert caught.value.place is not None
    assert ".avro: " in caught.value.place
    assert caught.value.remedy is not None


def test_s3_with_a_client_that_is_handed_over(s3_bucket: str) -> None:
    """K40: the client of the caller is used, for listing and for reading."""
    client = boto3.client("s3")
    for offset in range(3):
        key = (
            f"feed/{INTEGRATION}/event_type={OPEN}/date=2026-11-20-07/42/us-01/{INTEGRATION}+0+{offset}.avro"
        )
        client.put_object(Bucket=s3_bucket, Key=key, Body=avro(avro_schema(OPEN), [event(offset), event(9)]))
    hour = ingest_hour(CurrentsSource(f"s3://{s3_bucket}/feed", client), OPEN, HOUR)
    assert (hour.report.files, hour.report.rows, hour.report.versions) == (3, 4, (42,))
    table = hour.table()
    assert ids(hour) == ["event-0", "event-1", "event-2", "event-9"]
    assert table.column("_file").to_pylist()[0].startswith(INTEGRATION)
    stored = write_parquet(open_path(f"s3://{s3_bucket}/tables/hour.parquet"), hour.reader())
    assert stored.rows == 4
    client.put_object(
        Bucket=s3_bucket,
        Key=f"feed/{INTEGRATION}/event_type={OPEN}/date=2026-11-20-08/42/us-01/x.avro",
        Body=avro(avro_schema(OPEN), [event(9), event(10)]),
    )
    later = ingest_hour(CurrentsSource(f"s3://{s3_bucket}/feed", client), OPEN, NEXT)
    assert ids(later) == ["event-10"]


def test_temporary_files_go_with_the_hour(write: Write, source: CurrentsSource, tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    write([event(1)])
    hour = ingest_hour(source, OPEN, HOUR, settings=IngestSettings(temp_directory=str(folder)))
    reader = hour.reader()
    del hour
    assert reader.read_all().num_rows == 1
    del reader
    assert list(folder.iterdir()) == []


def test_a_list_field_nobody_knows_goes_through_parquet(
    write: Write, source: CurrentsSource, tmp_path: Path
) -> None:
    extra = (EventField("scores", "array<string>", False),)
    write([event(1, scores=["a", "b"])], schema=avro_schema(OPEN, extra))
    stored = store(ingest_hour(source, OPEN, HOUR), tmp_path / "hour.parquet")
    assert stored.dataset().to_table().column("scores").to_pylist() == [["a", "b"]]

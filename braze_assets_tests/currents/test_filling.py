"""The run of an hour: what it stores and says."""

from datetime import timedelta

from braze_assets.currents.events import avro_schema
from braze_assets.currents.manifest import loaded
from braze_assets_tests.currents.conftest import HOUR, NOW, OPEN, Feed, Write, event


def test_a_manifest_says_what_is_loaded(feed: Feed, write: Write) -> None:
    """K41: files, counts and loads are kept in the table's own metadata; a listing is held against them."""
    assert loaded(feed.table(HOUR)) is None
    first = write([event(1), event(1), event(2)], offset=1)
    feed.run(HOUR)
    manifest = feed.manifest(HOUR)
    (file,) = manifest.files
    assert (file.key, file.records, file.late) == (first.relative_to(feed.source.url).as_posix(), 3, False)
    assert (manifest.read, manifest.rows, manifest.duplicates_in_hour) == (3, 2, 1)
    assert manifest.differences(feed.source.files(OPEN, HOUR)) == ([], [])
    second = write([event(3)], offset=2)
    new, gone = manifest.differences(feed.source.files(OPEN, HOUR))
    assert ([each.uri for each in new], gone) == ([str(second)], [])
    filled = feed.run(HOUR)
    assert (filled.report.late_files, filled.report.files_gone) == (1, 0)
    assert [file.late for file in feed.manifest(HOUR).files] == [False, True]
    assert feed.manifest(HOUR).first_loaded_at == manifest.first_loaded_at
    first.unlink()
    assert feed.run(HOUR).report.files_gone == 1
    assert feed.ids(HOUR) == ["event-3"]


def test_times_and_ids_that_are_missing_or_wrong_are_counted(feed: Feed, write: Write) -> None:
    """BAD INPUT: records without id or time are kept; milliseconds are understood, the future is reported."""
    schema = avro_schema(OPEN)
    for each in schema["fields"]:
        if each["name"] in ("id", "time"):
            each["type"] = ["null", "string" if each["name"] == "id" else "long"]
    seconds = int(HOUR.timestamp())
    times = [None, seconds, seconds * 1000 + 5, int((NOW + timedelta(days=3)).timestamp())]
    write(
        [event(number, time=time) for number, time in enumerate(times)] + [event(9, id=None)], schema=schema
    )
    metadata = feed.run(HOUR).report.metadata()
    assert (metadata["without_id"], metadata["without_time"]) == (1, 1)
    assert (metadata["time_in_milliseconds"], metadata["time_in_future"]) == (1, 1)
    rows = {row["id"]: row["event_time"] for row in feed.table(HOUR).dataset().to_table().to_pylist()}
    assert rows["event-2"] == HOUR + timedelta(milliseconds=5)
    assert len(rows) == 5

"""The run of an hour: late files, files that go, quarantine, evolution over hours (X10, K40, K41)."""

import json
import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from braze_assets.currents.events import avro_schema
from braze_assets.currents.filling import FilledHour, Filling
from braze_assets.currents.ingest import IngestSettings
from braze_assets.currents.listing import CurrentsSource, FileRef
from braze_assets.currents.manifest import Manifest, loaded
from braze_assets.currents.paths import hour_name
from braze_assets.currents.progress import Progress
from braze_assets.currents.quarantine import expire, quarantined
from braze_assets.currents.refill import mark, marked
from braze_assets.currents.spool import Reading, SpooledFile, spool_files
from braze_assets.errors import CurrentsError, StorageError
from braze_assets.storage import Storage, StoredTable, connect, write_parquet
from braze_assets_tests.currents.conftest import HOUR, OPEN, Write, avro, event

NEXT = HOUR + timedelta(hours=1)
NOW = HOUR + timedelta(hours=30)


class Feed:
    """A folder of files, a storage, and runs of hours."""

    def __init__(self, place: Path) -> None:
        self.place = place
        (place / "currents").mkdir()
        self.source = CurrentsSource(str(place / "currents"))
        self.storage = Storage(str(place / "storage"))
        self.now = NOW

    def run(self, hour: datetime, meanwhile: Callable[[], Any] = lambda: None, **settings: Any) -> FilledHour:
        made = IngestSettings(**settings)
        filling = Filling(
            CurrentsSource(self.source.url), self.storage, OPEN, self.table, made, lambda: self.now
        )
        with filling.hour(hour) as filled:
            meanwhile()
            path = self.storage.path("tables", f"{hour:%d-%H}.parquet")
            write_parquet(path, filled.ingested.reader(), metadata=filled.documents())
        filling.expire()
        assert filled.report.differences(filled.stored_rows or 0) == []
        return filled

    def table(self, hour: datetime) -> StoredTable:
        return StoredTable.at(self.storage.uri("tables", f"{hour:%d-%H}.parquet"))

    def ids(self, hour: datetime) -> list[str]:
        return sorted(self.table(hour).dataset().to_table().column("id").to_pylist())

    def manifest(self, hour: datetime) -> Manifest:
        found = loaded(self.table(hour))
        assert found is not None
        return found

    def marks(self) -> list[datetime]:
        return marked(self.storage, [OPEN]).get(OPEN, [])


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    return Feed(tmp_path)


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


def test_a_late_file_marks_the_hours_it_concerns(feed: Feed, write: Write) -> None:
    """X10: only the later hours that hold a copy; when the file goes, those made while it was there."""
    hours = [HOUR + timedelta(hours=number) for number in range(4)]
    for number, hour in enumerate(hours):
        write([event(number), event(10 + number)], hour=hour, offset=1)
        feed.run(hour)
    late = write([event(2), event(99)], hour=HOUR, offset=2)
    feed.run(HOUR)
    assert feed.marks() == [hours[2]]
    feed.run(hours[2])
    assert feed.marks() == []
    assert feed.ids(hours[2]) == ["event-12"]
    feed.run(HOUR)
    assert feed.marks() == []
    late.unlink()
    feed.run(HOUR)
    assert feed.marks() == [hours[2]]
    feed.run(hours[2])
    assert feed.ids(hours[2]) == ["event-12", "event-2"]
    assert feed.marks() == []


def test_what_comes_while_an_hour_runs_is_not_lost(feed: Feed, write: Write) -> None:
    """X10: a run that stores what another one has overtaken marks itself."""
    write([event(1)], hour=NEXT)

    def late() -> None:
        write([event(1)], hour=HOUR)
        feed.run(HOUR)

    feed.run(NEXT, late)
    assert feed.marks() == [NEXT]
    feed.run(NEXT)
    assert (feed.ids(NEXT), feed.marks()) == ([], [])


def test_ids_of_earlier_hours_are_read_once(
    feed: Feed, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X10: hours never run count too; their files are read for it once, and again when they changed."""
    for number in range(3):
        write([event(number)], hour=HOUR + timedelta(hours=number))
    read: list[str] = []
    real = CurrentsSource.read

    def counting(self: CurrentsSource, file: FileRef) -> bytes:
        read.append(file.key.split("date=")[1][:13])
        return real(self, file)

    monkeypatch.setattr(CurrentsSource, "read", counting)
    last = HOUR + timedelta(hours=2)
    feed.run(last)
    assert sorted(read) == ["2026-11-20-07", "2026-11-20-08", "2026-11-20-09"]
    read.clear()
    feed.run(last)
    assert read == ["2026-11-20-09"]
    write([event(2), event(3)], hour=HOUR, offset=5)
    read.clear()
    feed.run(last)
    assert sorted(read) == ["2026-11-20-07", "2026-11-20-07", "2026-11-20-09"]
    assert feed.ids(last) == []


@pytest.mark.parametrize("place", ["folder", "s3"])
def test_ids_are_not_kept_for_ever(
    place: str, feed: Feed, write: Write, request: pytest.FixtureRequest
) -> None:
    """What was written a month ago goes; without it, an hour is what it was."""
    if place == "s3":
        feed.storage = Storage(f"s3://{request.getfixturevalue('s3_bucket')}/root")
    feed.now = datetime.now(timezone.utc)
    write([event(1)])
    feed.run(HOUR)
    kept = feed.storage.path("currents_ids", OPEN, "2026-11-20-07.parquet")
    feed.run(HOUR)
    assert kept.exists()
    feed.now += timedelta(days=31)
    feed.run(HOUR)
    assert not kept.exists()
    write([event(1), event(2)], hour=NEXT)
    feed.run(NEXT)
    assert feed.ids(NEXT) == ["event-2"]


def test_a_file_that_vanishes_between_listing_and_reading(
    feed: Feed, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BAD INPUT: the hour is listed again, and is what is there then; a file that stays unreadable fails."""
    write([event(1)], offset=1)
    vanishing = write([event(2)], offset=2)
    real = CurrentsSource.read

    def reading(self: CurrentsSource, file: FileRef) -> bytes:
        if file.uri == str(vanishing):
            vanishing.unlink(missing_ok=True)
        return real(self, file)

    monkeypatch.setattr(CurrentsSource, "read", reading)
    feed.run(HOUR)
    assert feed.ids(HOUR) == ["event-1"]

    def failing(self: CurrentsSource, file: FileRef) -> bytes:
        raise StorageError("no permission", place=file.uri, remedy="Allow it.")

    monkeypatch.setattr(CurrentsSource, "read", failing)
    with pytest.raises(StorageError, match="no permission"):
        feed.run(HOUR)
    assert feed.ids(HOUR) == ["event-1"]


def test_an_hour_whose_files_are_all_gone_is_kept(feed: Feed, write: Write) -> None:
    """A bucket that drops old files must not empty the tables, not even through marks."""
    path = write([event(1)])
    feed.run(HOUR)
    path.unlink()
    mark(feed.storage, OPEN, [HOUR])
    with pytest.raises(CurrentsError, match="no longer has any file") as caught:
        feed.run(HOUR)
    assert "empty_when_files_are_gone" in (caught.value.remedy or "")
    assert (feed.ids(HOUR), feed.marks()) == (["event-1"], [])
    feed.run(HOUR, empty_when_files_are_gone=True)
    assert feed.ids(HOUR) == []


def test_quarantine(feed: Feed, write: Write, caplog: pytest.LogCaptureFixture) -> None:
    """K41: bytes, reason and what was saved are kept apart until the file reads well."""
    data = avro(avro_schema(OPEN), [event(n) for n in range(100)], sync_interval=500)
    broken = write(data[: len(data) // 2], offset=1)
    write([event(200)], offset=2)
    with caplog.at_level(logging.WARNING):
        feed.run(HOUR)
    assert "In quarantine" in caplog.text
    (row,) = quarantined(feed.storage, OPEN)
    folder = feed.place / "storage" / "currents_quarantine" / OPEN / "2026-11-20-07"
    assert (folder / row["copy"]).read_bytes() == data[: len(data) // 2]
    assert row["uri"] == str(broken)
    assert "cut short" in row["reason"]
    assert 0 < row["records_recovered"] < 60
    assert row["quarantined_at"] == NOW.isoformat()
    with connect() as con:
        logs = f"{feed.place}/storage/currents_quarantine/*/*/log.jsonl"
        assert con.sql(f"SELECT file FROM read_json('{logs}')").fetchall() == [(row["file"],)]
    feed.now += timedelta(days=2)
    feed.run(HOUR)
    (again,) = quarantined(feed.storage, OPEN)
    assert again == row
    broken.write_bytes(data)
    feed.run(HOUR)
    assert list(quarantined(feed.storage, OPEN)) == []
    assert not folder.exists()
    assert len(feed.ids(HOUR)) == 101


def test_over_the_threshold_only_the_quarantine_is_written(feed: Feed, write: Write) -> None:
    """K41: nothing of the hour is replaced, and what is wrong with its files is there to look at."""
    write([event(1)])
    feed.run(HOUR)
    for offset in (2, 3, 4):
        write(b"junk", offset=offset)
    with pytest.raises(CurrentsError, match="cannot be read whole"):
        feed.run(HOUR)
    assert feed.ids(HOUR) == ["event-1"]
    assert len(list(quarantined(feed.storage, OPEN))) == 3
    assert feed.manifest(HOUR).rows == 1


def test_ids_of_damaged_blocks_do_not_count(feed: Feed, write: Write) -> None:
    """X10: what could not be saved of an earlier hour's file is no reason to leave its copy out."""
    data = avro(avro_schema(OPEN), [event(n) for n in range(40)], sync_interval=500)
    place = data.rindex(b"a@example.com")
    write(data[:place] + b"\xff" * 13 + data[place + 13 :], offset=1)
    write([event(1000)], offset=2)
    write([event(n) for n in range(40)], hour=NEXT)
    feed.run(NEXT)
    before = feed.ids(NEXT)
    assert "event-39" in before
    feed.run(HOUR)
    feed.run(NEXT)
    assert feed.ids(NEXT) == before
    assert sorted(feed.ids(HOUR) + before) == sorted(f"event-{n}" for n in [*range(40), 1000])


def test_quarantine_expires(feed: Feed, write: Write) -> None:
    """Files leave quarantine by age, whole hours at a time."""
    write(b"junk", offset=1)
    write([event(1)], offset=2)
    feed.run(HOUR, quarantine_days=10)
    assert expire(feed.storage, OPEN, 10, NOW + timedelta(days=10)) == 0
    feed.now = NOW + timedelta(days=11)
    write([event(2)], hour=NEXT)
    feed.run(NEXT, quarantine_days=10)
    assert list(quarantined(feed.storage, OPEN)) == []


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


def test_many_small_files_wait_for_the_server_together(
    feed: Feed, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More files are requested at a time than are decoded, and the memory they take is bounded."""
    for offset in range(96):
        write([event(offset)], offset=offset)
    real = CurrentsSource.read
    there, most = 0, 0

    def slow(self: CurrentsSource, file: FileRef) -> bytes:
        nonlocal there, most
        there += 1
        most = max(most, there)
        time.sleep(0.05)
        there -= 1
        return real(self, file)

    monkeypatch.setattr(CurrentsSource, "read", slow)
    files = feed.source.files(OPEN, HOUR)
    began = time.monotonic()
    spooled = list(spool_files(feed.source, files, feed.place, Reading(workers=2, readers=16)))
    assert time.monotonic() - began < 96 * 0.05 / 2
    assert [file.file for file in spooled] == files
    assert 8 < most <= 16
    monkeypatch.setattr("braze_assets.currents.spool._BYTES_AHEAD", 3 * files[0].size)
    most = 0
    list(spool_files(feed.source, files[:10], feed.place, Reading(workers=2, readers=16)))
    assert most <= 3


def test_progress_is_told_with_what_is_left(caplog: pytest.LogCaptureFixture) -> None:
    """K41: a long hour says how far it is and how long it will take."""
    ticks = iter(range(0, 1000, 3))
    ref = FileRef("uri", "key", 100, NOW)
    files = [SpooledFile(ref, None, pa.schema([]), 10, 0, False, None) for _ in range(10)]
    progress = Progress(logging.getLogger("test"), "Open 07", 10, 1000, lambda: float(next(ticks)))
    with caplog.at_level(logging.INFO):
        assert list(progress.following(files)) == files
        progress.finish()
    assert "Open 07: 2 of 10 files (20 %), 20 records, 3 a second, about 24 s left" in caplog.text
    assert "Open 07: read 10 files" in caplog.text
    assert len(caplog.records) == 5


def test_progress_of_a_range_counts_its_hours_and_grows_quieter(caplog: pytest.LogCaptureFixture) -> None:
    """D7: a month of hours says how far it is, and how long the rest takes, in lines that a person reads."""
    at = 0.0
    ref = FileRef("uri", "key", 1 << 20, NOW)
    file = SpooledFile(ref, None, pa.schema([]), 10, 0, False, None)
    progress = Progress(logging.getLogger("test"), "Open", 1440, 1440 << 20, lambda: at, hours=720)
    with caplog.at_level(logging.INFO):
        for number in range(720):
            name = hour_name(HOUR + number * timedelta(hours=1))
            for _ in progress.following([file, file], name):
                at += 1.5
            at += 2.0
            progress.hour_done(name)
        progress.finish()
    first, *_, last = [record.getMessage() for record in caplog.records]
    assert first == (
        "Open: 2 of 1,440 files (0 %), hour 2026-11-20-07: 1 of 720 hours, 20 records, 4 a second, "
        "about 60 min left"
    )
    assert last == "Open: read 1,440 files of 720 hours (1,509.9 MB), 14,400 records in 3600.0 s, 4 a second"
    assert 100 < len(caplog.records) < 250


def test_stopped_between_files_it_leaves_nothing_running(
    feed: Feed, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is cancelled ends its threads and begins no further file."""
    for offset in range(60):
        write([event(offset)], offset=offset)
    read: list[str] = []
    real = CurrentsSource.read

    def stopping(self: CurrentsSource, file: FileRef) -> bytes:
        read.append(file.key)
        if len(read) == 5:
            raise KeyboardInterrupt
        return real(self, file)

    monkeypatch.setattr(CurrentsSource, "read", stopping)
    with pytest.raises(KeyboardInterrupt):
        feed.run(HOUR, workers=1, readers=1)
    assert len(read) < 10
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("currents")]
    assert not feed.table(HOUR).exists()

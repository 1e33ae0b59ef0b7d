"""Many files at a time, and what is told of it."""

import logging
import threading
import time
from datetime import timedelta

import pyarrow as pa
import pytest

from braze_assets.currents.ingest import IngestSettings, ingest_hour
from braze_assets.currents.listing import CurrentsSource, FileRef
from braze_assets.currents.paths import hour_name
from braze_assets.currents.progress import Progress
from braze_assets.currents.spool import Reading, SpooledFile, spool_files
from braze_assets_tests.currents.conftest import HOUR, NOW, OPEN, Feed, Write, event


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


def test_what_has_no_room_in_memory_is_on_disk(feed: Feed, write: Write) -> None:
    """X10: the same hour wherever its decoded files are kept meanwhile."""
    for offset in range(12):
        write([event(each) for each in range(offset * 5, offset * 5 + 7)], offset=offset)
    files = feed.source.files(OPEN, HOUR)
    whole = next(spool_files(feed.source, files, feed.place, Reading()))
    size = whole.table().nbytes
    tables = []
    for number, (in_memory, on_disk) in enumerate(((1 << 20, 0), (4 * size, 8), (0, 12))):
        place = feed.place / str(number)
        place.mkdir()
        spooled = list(spool_files(feed.source, files, place, Reading(in_memory=in_memory)))
        assert abs(len(list(place.glob("*.arrow"))) - on_disk) <= 1
        hour = ingest_hour(feed.source, OPEN, HOUR, settings=IngestSettings(in_memory=in_memory))
        tables.append((pa.concat_tables(file.table() for file in spooled), hour.reader().read_all()))
    assert tables[0] == tables[1] == tables[2]
    assert tables[0][1].num_rows == 62


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

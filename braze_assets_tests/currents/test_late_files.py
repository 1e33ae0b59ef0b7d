"""Files that come late, go away, or come while an hour is made."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from braze_assets.currents.filling import Filling
from braze_assets.currents.ingest import IngestSettings
from braze_assets.currents.listing import CurrentsSource, FileRef
from braze_assets.currents.refill import mark
from braze_assets.errors import CurrentsError, StorageError
from braze_assets.storage import Storage, write_parquet
from braze_assets_tests.currents.conftest import HOUR, NEXT, OPEN, Feed, Write, event


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


def test_what_comes_between_the_hours_of_a_run_is_not_lost(
    feed: Feed, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """K41: a run of hours lists the bucket once an hour; a file that comes in between is asked for again."""
    listed: list[int] = []
    hours = CurrentsSource.hours

    def counted(source: CurrentsSource, event_type: str, wanted: Sequence[datetime]) -> Any:
        listed.append(len(wanted))
        return hours(source, event_type, wanted)

    monkeypatch.setattr(CurrentsSource, "hours", counted)
    write([event(1)], hour=HOUR)
    write([event(1), event(2)], hour=NEXT, offset=1)
    filling = Filling(
        CurrentsSource(feed.source.url), feed.storage, OPEN, feed.table, IngestSettings(), lambda: feed.now
    )
    for hour in (HOUR, NEXT, NEXT + timedelta(hours=1)):
        with filling.hour(hour) as filled:
            path = feed.storage.path("tables", f"{hour:%d-%H}.parquet")
            write_parquet(path, filled.ingested.reader(), metadata=filled.documents())
        if hour == HOUR:
            write([event(3)], hour=NEXT, offset=2)
    assert len(listed) == 4
    assert feed.ids(NEXT) == ["event-2"]
    assert feed.marks() == [NEXT]
    feed.run(NEXT)
    assert feed.ids(NEXT) == ["event-2", "event-3"]
    assert feed.marks() == []

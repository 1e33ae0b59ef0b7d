"""Files that cannot be read, through the run of an hour."""

import logging
from datetime import timedelta

import pytest

from braze_assets.currents.events import avro_schema
from braze_assets.currents.quarantine import expire, quarantined
from braze_assets.errors import CurrentsError
from braze_assets.storage import connect
from braze_assets_tests.currents.conftest import HOUR, NEXT, NOW, OPEN, Feed, Write, avro, event


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

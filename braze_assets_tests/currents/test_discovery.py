"""Which hours are asked for (K41): no file is lost, no hour asked for twice without a reason."""

import os
import shutil
import tempfile
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from braze_assets.currents.asks import HOUR, asks_for
from braze_assets.currents.cursor import Cursor
from braze_assets.currents.discovery import DiscoverySettings, Look, discover
from braze_assets.currents.listing import CurrentsSource
from braze_assets.currents.paths import hour_name
from braze_assets.errors import CurrentsError

START = datetime(2026, 7, 1, tzinfo=timezone.utc)
TYPES = ("users.messages.email.Open", "agentconsole.ToolInvocation")
FOLDERS = ("dataexport.S3.integration.1", "x/dataexport.prod-01.S3.integration.2")
SETTINGS = DiscoverySettings(look_back_hours=12, hours_per_run=6, runs_per_look=3, workers=2)
Slot = tuple[str, datetime]


class _Folder:
    """Files with a time of change that stays within one second."""

    def __init__(self) -> None:
        self.url = tempfile.mkdtemp()
        self._writes = 0

    def write(self, key: str, content: bytes) -> None:
        path = Path(self.url, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self._writes += 1
        os.utime(path, ns=(0, 1_782_864_000_000_000_000 + 1_000 * self._writes))

    def delete(self, key: str) -> None:
        Path(self.url, key).unlink()

    def close(self) -> None:
        shutil.rmtree(self.url)


class _Bucket:
    client: Any = None
    bucket = ""

    def __init__(self) -> None:
        self.prefix = uuid.uuid4().hex
        self.url = f"s3://{self.bucket}/{self.prefix}"
        self.client.put_object(Bucket=self.bucket, Key=f"{self.prefix}/", Body=b"")

    def write(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=f"{self.prefix}/{key}", Body=content)

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=f"{self.prefix}/{key}")

    def close(self) -> None:
        pass


class _Sensor(RuleBasedStateMachine):
    """A bucket that changes, and a sensor that is looked at now and then."""

    make: Any = _Folder

    def __init__(self) -> None:
        super().__init__()
        self.place = self.make()
        self.now = START + timedelta(hours=30, minutes=17)
        self.files: dict[Slot, dict[str, int]] = {}
        self.marks: dict[str, dict[datetime, str]] = {}
        self.cursor: str | None = None
        self.asked: dict[Slot, tuple[dict[str, int], str | None]] = {}
        self.keys: set[str] = set()
        self.writes = 0

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            self.place.close()

    @rule(
        event_type=st.sampled_from(TYPES),
        back=st.integers(0, SETTINGS.look_back_hours),
        folder=st.sampled_from(FOLDERS),
        number=st.integers(0, 2),
    )
    def write(self, event_type: str, back: int, folder: str, number: int) -> None:
        """A file comes, late or not, or is written anew with another content of the same size."""
        hour = self.now.replace(minute=0) - back * HOUR
        key = f"{folder}/event_type={event_type}/date={hour_name(hour)}/{number}.avro"
        self.writes += 1
        self.place.write(key, b"%06d" % self.writes)
        self.files.setdefault((event_type, hour), {})[key] = self.writes

    @precondition(lambda self: self._within())
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        slot, key = data.draw(st.sampled_from(self._within()))
        self.place.delete(key)
        del self.files[slot][key]

    def _within(self) -> list[tuple[Slot, str]]:
        """The files within the look-back."""
        floor = self.now - (SETTINGS.look_back_hours + 1) * HOUR
        return [(slot, key) for slot, keys in self.files.items() if slot[1] > floor for key in sorted(keys)]

    @rule(hours=st.sampled_from([1, 1, 1, 2, 7, 168]), minutes=st.integers(0, 59))
    def wait(self, hours: int, minutes: int) -> None:
        """The sensor is down meanwhile, for up to a week."""
        self.now += timedelta(hours=hours)
        self.now = self.now.replace(minute=minutes)

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def mark(self, data: st.DataObject) -> None:
        event_type, hour = data.draw(st.sampled_from(sorted(self.asked)))
        self.marks.setdefault(event_type, {})[hour] = uuid.uuid4().hex[:8]

    @rule(data=st.data())
    def clear(self, data: st.DataObject) -> None:
        """A run takes the marks of an hour away."""
        marks = [(name, hour) for name, hours in self.marks.items() for hour in sorted(hours)]
        if marks:
            name, hour = data.draw(st.sampled_from(marks))
            if self.asked.get((name, hour), ({}, None))[1] == self.marks[name][hour]:
                del self.marks[name][hour]

    def look(self) -> Look:
        return discover(
            CurrentsSource(self.place.url, getattr(self.place, "client", None)),
            TYPES,
            None if self.cursor is None else Cursor.loads(self.cursor),
            start=START,
            now=self.now,
            settings=SETTINGS,
            marks=self.marks,
        )

    @rule()
    def tick(self) -> None:
        self._tick()

    def _tick(self) -> Look:
        look = self.look()
        assert len(look.asks) <= SETTINGS.runs_per_look
        if look.cursor is None:
            assert not any(
                keys for (_, hour), keys in self.files.items() if hour <= self.now - timedelta(minutes=100)
            )
            return look
        again = self.look()
        assert [look.key(ask) for ask in look.asks] == [again.key(ask) for ask in again.asks]
        for ask in look.asks:
            assert look.key(ask) not in self.keys
            self.keys.add(look.key(ask))
            assert 1 <= len(ask.hours) <= SETTINGS.hours_per_run
            for hour in ask.hours:
                assert START <= hour <= self.now - timedelta(minutes=60 + SETTINGS.lag_minutes)
                for name in ask.event_types:
                    state = (dict(self.files.get((name, hour), {})), self.marks.get(name, {}).get(hour))
                    before = self.asked.get((name, hour))
                    assert before is None or before[0] != state[0] or state[1] not in (None, before[1])
                    self.asked[name, hour] = state
        self.cursor = look.cursor.dumps()
        return look

    @invariant()
    def the_cursor_is_small(self) -> None:
        marks = sum(map(len, self.marks.values()))
        assert len(self.cursor or "") <= 200 + len(TYPES) * (60 + 24 * SETTINGS.look_back_hours) + 32 * marks

    def settle(self) -> None:
        """After enough looks every closed hour was asked for as its files are now."""
        for _ in range(200):
            look = self._tick()
            if not look.asks:
                break
        else:
            raise AssertionError("it never comes to rest")
        assert look.waiting == look.behind == 0
        closed = self.now - timedelta(minutes=60 + SETTINGS.lag_minutes)
        for (name, hour), keys in self.files.items():
            if hour <= closed and (keys or (name, hour) in self.asked):
                assert self.asked[name, hour][0] == keys
        for name, hours in self.marks.items():
            for hour, token in hours.items():
                assert self.asked[name, hour][1] == token
        if look.cursor is not None:
            for name in TYPES:
                hour = look.cursor.since
                while hour <= closed:
                    assert (name, hour) in self.asked
                    hour += HOUR


def test_no_file_is_lost_in_a_folder() -> None:
    """K41: added, rewritten, deleted, late, in the same second; the sensor down for a week; marks."""
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        _Sensor, settings=settings(max_examples=60, stateful_step_count=30, deadline=None)
    )


def test_no_file_is_lost_on_s3(s3_bucket: str) -> None:
    """K41: the same on S3, where a rewritten file is known by its ETag."""
    _Bucket.client, _Bucket.bucket = boto3.client("s3"), s3_bucket
    machine = type("_S3Sensor", (_Sensor,), {"make": _Bucket})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine, settings=settings(max_examples=8, stateful_step_count=20, deadline=None)
    )


def test_hours_are_grouped_into_ranges() -> None:
    """Consecutive hours in one run, event types with the same hours together, nothing else besides."""
    day = [START + number * HOUR for number in range(24)]
    wanted = {
        "a": dict.fromkeys(day[:5], "x"),
        "b": dict.fromkeys(day[:5], "y"),
        "c": dict.fromkeys([day[0], day[2]], "z"),
    }
    found = [(ask.first.hour, ask.last.hour, ask.event_types) for ask in asks_for(wanted, 3)]
    assert found == [
        (0, 0, ("c",)),
        (0, 2, ("a", "b")),
        (2, 2, ("c",)),
        (3, 4, ("a", "b")),
    ]


def test_the_tables_may_begin_later_than_they_did(tmp_path: Path) -> None:
    place = _Folder()
    for number in range(3):
        place.write(f"event_type={TYPES[0]}/date={hour_name(START + number * HOUR)}/f.avro", b"1")
    source = CurrentsSource(place.url)
    first = discover(source, TYPES[:1], None, start=START, now=START + 5 * HOUR)
    later = START + 100 * HOUR
    look = discover(source, TYPES, first.cursor, start=later, now=later + 3 * HOUR)
    assert [(ask.first, ask.last, ask.event_types) for ask in look.asks] == [
        (later, later + HOUR, tuple(sorted(TYPES)))
    ]
    place.close()


@pytest.mark.parametrize("text", ["", "2026-07-01", "[]", "{}", '{"version":9}', '{"version":1,"types":3}'])
def test_a_cursor_that_is_none(text: str) -> None:
    with pytest.raises(CurrentsError, match="cannot be read") as caught:
        Cursor.loads(text)
    assert "Reset" in str(caught.value.remedy)

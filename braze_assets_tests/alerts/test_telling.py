"""Every channel is told once: when another fails, when the process dies, when it took days (X14)."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from braze_assets.alerts import Change, Channel, Memory, Message, Outbox, Told, tell
from braze_assets.errors import AlertError, StorageError
from braze_assets.storage import Storage

NOW = datetime(2026, 7, 2, tzinfo=timezone.utc)


class Phone(Channel):
    """Somebody who takes calls, or does not."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.works = True

    def tell(self, message: Message) -> None:
        if not self.works:
            raise AlertError("Nobody answers.")
        self.heard += [each.id for each in message.changes]


def changes(*ids: str) -> list[Change]:
    return [Change(id=each, flow="vip", status="failing", previous="ok", since=NOW) for each in ids]


class Desk:
    """Two channels, and what waits for them."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.a, self.b = Phone(), Phone()
        self.outbox = Outbox()
        self.now = NOW

    def put(self, *ids: str) -> None:
        self.outbox = self.outbox.put(["a", "b"], changes(*ids), self.now)

    def tell(self, *, keep: bool = True) -> Told:
        channels = {"a": self.a, "b": self.b}
        told = tell(self.outbox, channels, storage=self.storage, name="alerts", now=self.now)
        if keep:
            text = Memory(outbox=told.outbox).dumps()
            self.outbox = Memory.loads(text).outbox
            assert self.outbox == told.outbox
        return told


@pytest.fixture
def desk(storage_url: str) -> Desk:
    return Desk(Storage(storage_url))


def test_a_channel_that_fails_is_tried_again_alone(desk: Desk) -> None:
    desk.put("x")
    desk.b.works = False
    told = desk.tell()
    assert (dict(told.messages), len(told.problems)) == ({"a": 1}, 1)
    desk.b.works = True
    desk.tell()
    assert desk.b.heard == []  # Not before a minute has passed.
    desk.now += timedelta(minutes=1)
    desk.put("y")
    desk.tell()
    assert (desk.a.heard, desk.b.heard) == (["x", "y"], ["x", "y"])
    assert desk.outbox == Outbox()


def test_a_look_that_is_made_again_tells_nobody_twice(desk: Desk) -> None:
    """The process died after the message, before Dagster kept the cursor."""
    desk.put("x")
    desk.b.works = False
    desk.tell(keep=False)
    desk.b.works = True
    desk.tell()
    assert (desk.a.heard, desk.b.heard) == (["x"], ["x"])


def test_a_channel_is_given_up_after_a_day(tmp_path: Path) -> None:
    """Bounded tries: their pauses grow to an hour."""
    desk = Desk(Storage(str(tmp_path)))
    desk.put("x")
    desk.b.works = False
    tries = 0
    for _ in range(60 * 30):
        tries += bool(desk.tell().problems)
        desk.now += timedelta(minutes=1)
    assert 24 <= tries <= 35
    assert desk.outbox == Outbox()
    desk.b.works = True
    desk.put("y")
    desk.tell()
    assert desk.b.heard == ["y"]


def test_only_what_is_old_is_given_up(tmp_path: Path) -> None:
    """A change of the last hour is not lost because the channel failed for a day."""
    desk = Desk(Storage(str(tmp_path)))
    desk.put("x")
    desk.b.works = False
    desk.tell()
    desk.now += timedelta(hours=23)
    desk.put("y")
    desk.now += timedelta(hours=2)
    desk.tell()
    desk.now += timedelta(hours=1)
    desk.b.works = True
    desk.tell()
    assert desk.b.heard == ["y"]


def test_what_waits_is_bounded(tmp_path: Path) -> None:
    desk = Desk(Storage(str(tmp_path)))
    desk.b.works = False
    desk.put(*(f"{number}" for number in range(300)))
    desk.tell()
    assert len(desk.outbox.changes) == 100
    assert desk.a.heard[-1] == "299"


def test_a_channel_that_is_no_more_is_forgotten(tmp_path: Path) -> None:
    desk = Desk(Storage(str(tmp_path)))
    desk.put("x")
    assert desk.outbox.put(["a"], [], NOW).waiting.keys() == {"a"}
    assert desk.outbox.put([], [], NOW) == Outbox()


def test_nothing_is_told_that_cannot_be_written_down(tmp_path: Path) -> None:
    """A storage that cannot be written ends the look before the first message: each look would repeat it."""
    desk = Desk(Storage(str(tmp_path)))
    (tmp_path / "alerts").write_text("a file where the folder should be")
    desk.put("x")
    with pytest.raises(StorageError):
        desk.tell()
    assert desk.a.heard == []


def test_a_storage_that_breaks_after_the_message_repeats_nothing(tmp_path: Path) -> None:
    """What was told is in the cursor too."""
    desk = Desk(Storage(str(tmp_path)))

    class Breaking(Phone):
        def tell(self, message: Message) -> None:
            super().tell(message)
            (tmp_path / "alerts" / "alerts" / "told.json").unlink()
            (tmp_path / "alerts" / "alerts").rmdir()
            (tmp_path / "alerts" / "alerts").write_text("a file now")

    desk.a = Breaking()
    desk.put("x")
    assert any("could not be written down" in each for each in desk.tell().problems)
    (tmp_path / "alerts" / "alerts").unlink()
    desk.a = Phone()
    desk.tell()
    assert desk.a.heard == []


@pytest.mark.parametrize("text", [None, "", "null", "[]", "7", "{", '{"version": 1}', '{"version": 9}'])
def test_a_cursor_that_is_not_ours_is_a_first_look(text: str | None) -> None:
    assert Memory.loads(text) == Memory()

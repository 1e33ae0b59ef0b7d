"""P06: nothing leaves that is not reserved, and what was reserved stays so."""

import random
import threading
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
import pytest

from braze_assets.delivery.batches import Batch
from braze_assets.delivery.reservations import Reservations
from braze_assets.errors import LedgerMovedError
from braze_assets.ledger.events.reserved import Reserved
from braze_assets.storage import Storage

NOW = datetime(2026, 11, 1, tzinfo=timezone.utc)


def batch(last: int) -> Batch:
    return Batch(pa.record_batch({"n": pa.array([last], pa.int64())}), [b"{}"])


@pytest.mark.parametrize("seed", range(5))
def test_marks_only_grow_and_are_durable_before_anything_leaves(seed: int) -> None:
    """Whatever the speed: fast, slow, in fits and starts."""
    chance, clock, marks = random.Random(seed), [0.0], [0]
    reservations = Reservations(marks.append, total=1_000_000, clock=lambda: clock[0])
    woken = threading.Event()
    reservations.start(woken.set)
    n = 0
    while n < 1_000_000:
        woken.clear()
        while not reservations.allows(batch(n)):
            assert woken.wait(5)
            woken.clear()
        assert n < marks[-1], "it left before it was reserved"
        clock[0] += chance.choice([1e-6, 1e-4, 0.05, 3.0])
        n += chance.randint(1, 3_000)
    reservations.close()
    assert marks == sorted(marks)
    assert marks[-1] <= 1_000_000
    assert reservations.failure is None


def test_a_failure_lets_nothing_more_leave() -> None:
    def refuse(mark: int) -> None:
        raise LedgerMovedError("taken over")

    reservations = Reservations(refuse, total=100)
    woken = threading.Event()
    reservations.start(woken.set)
    assert not reservations.allows(batch(0))
    assert woken.wait(5)
    assert isinstance(reservations.failure, LedgerMovedError)
    assert not reservations.allows(batch(0))
    reservations.close()


def test_little_is_reserved_ahead_of_a_slow_send() -> None:
    marks: list[int] = []
    clock = [0.0]
    reservations = Reservations(marks.append, total=1_000_000, clock=lambda: clock[0])
    woken = threading.Event()
    reservations.start(woken.set)
    for n in range(74, 15_000, 75):
        woken.clear()
        while not reservations.allows(batch(n)):
            assert woken.wait(5)
            woken.clear()
        clock[0] += 0.5  # 150 objects a second
    reservations.close()
    assert marks[-1] - 15_000 <= 700


def test_a_mark_in_the_ledger_never_goes_back_and_ends_with_the_takeover(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    mine, other = (Reserved(storage, storage.uri("reserved")) for _ in range(2))
    mine.open(3, NOW)
    mine.move(3, NOW, mark=100)
    mine.move(3, NOW, mark=50)
    assert mine.read().mark == 100
    assert other.close(3, NOW).doubtful == 100
    for step in (lambda: mine.move(3, NOW, mark=200), lambda: mine.move(3, NOW), lambda: mine.open(3, NOW)):
        with pytest.raises(LedgerMovedError):
            step()
    assert other.close(3, NOW).doubtful == 100
    other.open(5, NOW)
    with pytest.raises(LedgerMovedError):
        mine.close(3, NOW)
    other.move(5, NOW, mark=70)
    other.move(5, NOW)
    assert mine.close(5, NOW).doubtful == 0

"""L05, L10, L11: what the sensor asks for next, and when again."""

from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest

from braze_assets.csv_files.looks import Look, Looks, look
from braze_assets.csv_files.place import FileVersion, takes
from braze_assets.csv_files.progress import State
from braze_assets.errors import CsvError

NOW = datetime(2026, 11, 23, 8, tzinfo=timezone.utc)
A = FileVersion("a.csv", "/drop/a.csv", 3, NOW - timedelta(hours=2), "1")
B = FileVersion("b.csv", "/drop/b.csv", 3, NOW - timedelta(hours=1), "2")


def ask(
    files: list[FileVersion],
    states: dict[str, State],
    before: Looks,
    *,
    atomic: bool = True,
    busy: bool = False,
    mode: str = "live",
    minutes: float = 0,
) -> Look:
    now = NOW + timedelta(minutes=minutes)
    found = look(files, states, before, atomic=atomic, busy=busy, mode=mode, now=now)  # type: ignore[arg-type]
    assert Looks.loads(found.looks.dumps()) == found.looks
    return found


def test_one_at_a_time_in_the_order_they_came() -> None:
    found = ask([A, B], {}, Looks.new())
    assert (found.next, found.waiting) == (A, 1)
    assert ask([A, B], {}, found.looks, busy=True).next is None
    assert ask([A, B], {A.partition: "done"}, found.looks).next == B
    assert ask([A, B], {A.partition: "done", B.partition: "failed"}, found.looks).next is None


def test_what_was_begun_comes_before_an_older_file_that_came_later() -> None:
    found = ask([B], {}, Looks.new())
    again = ask([A, B], {B.partition: "continue"}, found.looks)
    assert (again.next, again.state) == (B, "continue")
    assert again.run_key != found.run_key


def test_a_failed_attempt_waits_longer_each_time() -> None:
    looks, asked, minute = Looks.new(), [], 0.0
    while minute < 600:
        found = ask([A, B], {}, looks, minutes=minute)
        looks = found.looks
        assert found.next in (A, None)  # B does not take A's turn.
        asked += [minute] if found.next else []
        minute += 1
    waits = [after - before for before, after in pairwise(asked)]
    assert waits[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert max(waits) == 60


def test_a_file_of_a_folder_is_taken_when_two_looks_agree() -> None:
    first = ask([A], {}, Looks.new(), atomic=False)
    assert (first.next, first.writing) == (None, 1)
    grown = FileVersion("a.csv", "/drop/a.csv", 9, NOW, "3")
    second = ask([grown], {}, first.looks, atomic=False)
    assert second.next is None
    assert ask([grown], {}, second.looks, atomic=False).next == grown


@pytest.mark.parametrize(
    ("state", "mode", "again"),
    [
        ("previewed", "preview", False),
        ("previewed", "test", True),
        ("previewed", "live", True),
        ("tested", "test", False),
        ("tested", "live", True),
        ("replaced", "live", False),
    ],
)
def test_going_further_asks_again(state: State, mode: str, again: bool) -> None:
    assert (ask([A], {A.partition: state}, Looks.new(), mode=mode).next == A) is again


def test_partitions_are_readable_and_differ_by_content() -> None:
    odd = FileVersion("Zoë's list, 100%/..é.v2.csv", "x", 1, NOW, "1")
    assert odd.partition.startswith("Zo_s_list_100_v2-20261123T080000-")
    assert len({A.partition, FileVersion("a.csv", "x", 3, A.last_modified, "2").partition}) == 2


def test_only_csv_files_that_are_not_hidden_are_taken() -> None:
    assert [takes(name) for name in ("a.csv", "A.CSV", ".a.csv", "_a.csv", "a.csv.part", "done/a.csv")] == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]


def test_a_cursor_that_is_none_says_what_to_do() -> None:
    with pytest.raises(CsvError, match="Reset the cursor"):
        Looks.loads("{}")

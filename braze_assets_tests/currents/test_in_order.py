"""Things done at a time."""

import threading

import pytest

from braze_assets.currents.in_order import in_order


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    """K41: which of several events is the first depends on the files, never on which is decoded first."""
    assert list(in_order(lambda number: number * 2, range(20), workers)) == list(range(0, 40, 2))
    assert list(in_order(str, [], workers)) == []


def test_a_failure_begins_nothing_more() -> None:
    """K41: what fails ends the work, with its own error; what has not begun never begins."""
    begun: list[int] = []
    lock = threading.Lock()

    def use(number: int) -> int:
        with lock:
            begun.append(number)
        return 1 // (3 - number)

    with pytest.raises(ZeroDivisionError):
        list(in_order(use, range(1_000), 2))
    assert max(begun) <= 6

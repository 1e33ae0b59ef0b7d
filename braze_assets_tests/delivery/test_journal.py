"""When receipts are written."""

import pytest

from braze_assets.delivery.journal import pace


@pytest.mark.parametrize(
    ("passed", "settled", "expected"),
    [
        (0.0, 0, 1.0),
        (9.0, 900, 1.0),  # a short send: a write more would be one file more for nothing
        (50.0, 500, 1.0),
        (90.0, 900, 1.0),
        (99.0, 990, 0.5),
        (99.7, 997, 0.2),
        (100.0, 1_000, 0.2),
        (100.0, 1_200, 0.2),  # more than was foretold
    ],
)
def test_writes_come_closer_together_as_a_long_send_ends(
    passed: float, settled: int, expected: float
) -> None:
    assert pace(1.0, passed=passed, settled=settled, total=1_000) == pytest.approx(expected)

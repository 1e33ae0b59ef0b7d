"""X1, X3: refused now, but perhaps taken before: what Braze holds is not known, and not assumed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from braze_assets.emulator.process import LocalBraze
from braze_assets.storage import connect
from braze_assets_tests.delivery.test_send import OPEN, held, send
from braze_assets_tests.plan.world import World

TYPES = {"tier": "VARCHAR"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with connect() as connection:
        yield World(connection, str(tmp_path), settings=OPEN)


def sync(world: World, braze: LocalBraze, tier: str, users: int = 3) -> Any:
    table = world.rows([{"external_id": f"u{n}", "tier": tier} for n in range(users)], TYPES)
    _, plan = world.plan(table)
    return send(world, plan, braze)


@pytest.mark.parametrize("refusal", ["400", "201 with errors"])
def test_taken_unheard_then_refused_then_wanted_back(world: World, braze: LocalBraze, refusal: str) -> None:
    """The second attempt is refused, the first one came through: wanted back, the old value must be sent."""
    sync(world, braze, "old")
    braze.control.fault(effect="reset", when="after", nth=(2,))  # the first asks whether Braze answers
    if refusal == "400":
        braze.control.fault(status=400, identifier="u1", nth=tuple(range(2, 50)))
    else:
        document = {
            "attributes_processed": 2,
            "errors": [{"index": 1, "input_array": "attributes", "type": "no"}],
            "message": "success",
        }
        braze.control.fault(status=201, document=document, nth=(3,))
    report = sync(world, braze, "new")
    assert (report.accepted, report.rejected, report.unknown) == (2, 0, 1)
    assert "an earlier attempt may have been taken" in report.reasons[0].reason
    assert held(braze)["u1"] == {"tier": "new"}
    braze.control.clear_faults()
    assert sync(world, braze, "old").accepted == 3
    assert held(braze)["u1"] == {"tier": "old"}


def test_sent_by_a_run_that_died_then_refused_then_wanted_back(world: World, braze: LocalBraze) -> None:
    """The run that was killed told nobody that Braze had taken the object."""
    sync(world, braze, "old")
    header, plan = world.plan(world.rows([{"external_id": "u1", "tier": "new"}], TYPES))
    world.begin(header, plan)
    braze.control.seed([{"external_id": "u1", "attributes": {"tier": "new"}}])  # it came through
    braze.control.fault(status=400, identifier="u1")
    report = send(world, plan, braze)
    assert (report.rejected, report.unknown) == (0, 1)
    braze.control.clear_faults()
    sync(world, braze, "old")
    assert held(braze)["u1"] == {"tier": "old"}


def test_what_was_never_taken_is_plainly_rejected(world: World, braze: LocalBraze) -> None:
    sync(world, braze, "old")
    braze.control.fault(status=400, identifier="u1")
    report = sync(world, braze, "new")
    assert (report.accepted, report.rejected, report.unknown) == (2, 1, 0)
    braze.control.clear_faults()
    report = sync(world, braze, "old")
    assert report.objects == 2, "u1 never got the new value: nothing to send"

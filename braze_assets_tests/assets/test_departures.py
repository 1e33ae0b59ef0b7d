"""Users that Braze deleted or merged leave the ledger, once an event (X13)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from braze_assets.assets.currents import CurrentsFeedDefinition, build_feed
from braze_assets.currents.departures import DELETED, MERGED
from braze_assets.errors import ConfigurationError
from braze_assets.io_managers import ParquetIOManager
from braze_assets.resources.currents import CurrentsResource
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import connect
from braze_assets_tests.currents.conftest import OPEN, Write, write  # noqa: F401
from braze_assets_tests.plan.world import World

HOUR, NEXT = datetime(2026, 11, 20, 7, tzinfo=timezone.utc), datetime(2026, 11, 20, 8, tzinfo=timezone.utc)
TYPES = {"a": "BIGINT"}
SECONDS = int(HOUR.timestamp())


def deletion(number: int, braze_id: str) -> dict[str, Any]:
    return {"id": f"deletion-{number}", "user_id": braze_id, "time": SECONDS}


def orphan(number: int, braze_id: str, survivor: str, external_id: str | None = None) -> dict[str, Any]:
    return {
        "id": f"orphan-{number}",
        "user_id": braze_id,
        "external_user_id": external_id,
        "orphaned_by_id": survivor,
        "time": SECONDS,
    }


def opened(number: int, braze_id: str, external_id: str) -> dict[str, Any]:
    return {
        "id": f"open-{number}",
        "user_id": braze_id,
        "external_user_id": external_id,
        "email_address": "a@example.com",
        "time": SECONDS,
    }


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with connect() as connection:
        yield World(connection, str(tmp_path / "storage"))


def run(world: World, tmp_path: Path, hour: datetime, identifier: Any = "external_id") -> dict[str, Any]:
    """The whole hour, from the bucket to the ledger; what the asset's page shows."""
    feed = CurrentsFeedDefinition(event_types=(OPEN, DELETED, MERGED), departures={"crm": identifier})
    storage = StorageResource(url=world.storage.url)
    definitions = dg.Definitions.merge(
        build_feed(feed),
        dg.Definitions(
            resources={
                "storage": storage,
                "currents": CurrentsResource(url=str(tmp_path / "currents")),
                "io_manager": ParquetIOManager(storage=storage),
            }
        ),
    )
    with dg.DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def("currents_hour").execute_in_process(
            partition_key=f"{hour:%Y-%m-%d-%H:%M}", instance=instance
        )
        assert result.success
        [event] = result.asset_materializations_for_node("currents__crm_departures")
        return {name: value.value for name, value in event.metadata.items()}


def test_deleted_and_merged_users_leave_and_survivors_go_again(
    world: World,
    tmp_path: Path,
    write: Write,  # noqa: F811
) -> None:
    table = world.rows([{"external_id": f"u{n}", "a": n} for n in range(5)], TYPES)
    world.sync_rows(table)
    write([opened(1, "b1", "u1"), opened(2, "b4", "u4")])
    write(
        [deletion(1, "b1"), deletion(2, "nobody's"), deletion(1, "b1")],
        event_type=DELETED,
        hour=HOUR,
        offset=1,
    )
    write([orphan(1, "b2", "b4", "u2")], event_type=MERGED, hour=HOUR, offset=2)
    figures = run(world, tmp_path, HOUR)
    assert {
        name: figures[name] for name in ("events", "new_events", "users_released", "users_marked_unknown")
    } == {
        "events": 3,
        "new_events": 3,
        "users_released": 2,
        "users_marked_unknown": 1,
    }
    assert (figures["released"], figures["not_held"], figures["not_identified"]) == (2, 0, 1)
    assert set(world.held()) == {"u0", "u3", "u4"}
    assert {each["external_id"] for each in world.sync_rows(table)} == {"u1", "u2", "u4"}
    # Again: the events are known, so the users that came back stay.
    again = run(world, tmp_path, HOUR)
    assert (again["events"], again["new_events"], again["users_released"]) == (3, 0, 0)
    assert len(world.held()) == 5
    assert world.sync_rows(table) == []


def test_a_late_event_of_the_hour_counts_and_the_earlier_ones_do_not(
    world: World,
    tmp_path: Path,
    write: Write,  # noqa: F811
) -> None:
    world = World(world.connection, world.storage.url, identifier="braze_id")
    table = world.rows([{"braze_id": f"b{n}", "a": n} for n in range(3)], TYPES)
    world.sync_rows(table)
    write([deletion(1, "b1")], event_type=DELETED)
    assert run(world, tmp_path, HOUR, "braze_id")["users_released"] == 1
    world.sync_rows(table)
    write([deletion(2, "b2")], event_type=DELETED, offset=9)
    assert run(world, tmp_path, HOUR, "braze_id")["users_released"] == 1
    assert set(world.held()) == {"b0", "b1"}


def test_a_feed_without_the_events_cannot_have_departures() -> None:
    with pytest.raises(ConfigurationError, match="no events that tell"):
        build_feed(CurrentsFeedDefinition(departures={"crm": "external_id"}))

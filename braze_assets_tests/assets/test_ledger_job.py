"""Operations from the launchpad: without the code the size is shown, with it the operation is done (K18)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from braze_assets.assets.syncs import SyncDefinition
from braze_assets.assets.syncs.operations import build_ledger_job
from braze_assets.resources.storage import StorageResource
from braze_assets.rows import RowsSpec, TableFile
from braze_assets.storage import connect
from braze_assets_tests.plan.world import World

TYPES = {"a": "BIGINT", "b": "VARCHAR"}


def launch(world: World, operation: dict[str, Any], confirm: str = "", *, ok: bool = True) -> Any:
    sync = SyncDefinition(rows=RowsSpec(name="crm", query=TableFile("none.csv"), identifier="external_id"))
    result = build_ledger_job(sync).execute_in_process(
        run_config={
            "ops": {"crm_ledger_operation": {"config": {"operation": operation, "confirm": confirm}}}
        },
        resources={"storage": StorageResource(url=world.storage.url)},
        raise_on_error=False,
    )
    assert result.success is ok
    if not ok:
        [event] = [each for each in result.all_events if each.is_step_failure]
        return event.step_failure_data.user_failure_data.description
    [output] = [each for each in result.all_events if each.is_successful_output]
    metadata = output.step_output_data.metadata
    return {name: value.value for name, value in metadata.items()}


@pytest.fixture
def world(tmp_path: Path) -> Any:
    with connect() as connection:
        made = World(connection, str(tmp_path / "storage"))
        made.sync_rows(made.rows([{"external_id": f"user-{n}", "a": n, "b": "x"} for n in range(3)], TYPES))
        yield made


def test_each_operation_asks_first_and_is_done_then(world: World, tmp_path: Path) -> None:
    gone, held = tmp_path / "gone.csv", tmp_path / "held.csv"
    gone.write_text("external_id\nuser-2\n")
    held.write_text("external_id,a\nuser-9,9\n")
    operations: list[dict[str, Any]] = [
        {"resync": {}},
        {"release": {"users_url": str(gone), "reason": "deleted"}},
        {"restore": {"version": 1}},
        {"forget_users": {"users_url": str(gone)}},
        {"forget_attributes": {"attributes": ["b"]}},
        {"compact": {"history_days": 1}},
        {"adopt": {"url": str(held), "existing": "merge"}},
        {"forget_everything": {}},
    ]
    for operation in operations:
        before = world.held()
        asked = launch(world, operation)
        assert asked["done"] == "false", operation
        assert world.held() == before
        done = launch(world, operation, asked["code"])
        assert done["done"] == "true", operation
        assert "user-" not in str([asked, done])
    assert world.held() == {}


def test_a_code_of_another_state_fails_with_the_new_size(world: World) -> None:
    asked = launch(world, {"resync": {}})
    world.sync_rows(world.rows([{"external_id": "user-0", "a": 7}], TYPES))
    said = launch(world, {"resync": {}}, asked["code"], ok=False)
    assert "Its size now: users 3, values 6" in said
    assert "confirm it with resync-" in said


def test_the_job_shares_the_pool_of_the_sync() -> None:
    sync = SyncDefinition(rows=RowsSpec(name="crm", query=TableFile("none.csv"), identifier="external_id"))
    job = build_ledger_job(sync)
    assert [node.definition.pool for node in job.nodes] == ["crm"]
    assert isinstance(job, dg.JobDefinition)

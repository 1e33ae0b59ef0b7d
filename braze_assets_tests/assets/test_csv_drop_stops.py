"""Imports that stop half-way: what was sent is not sent again, what was not is, and nothing comes between."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import boto3
import dagster as dg
import pytest

from braze_assets.csv_files.place import open_place
from braze_assets.errors import CsvError
from braze_assets.ledger import Ledger
from braze_assets.storage import connect
from braze_assets_tests.assets.drop import ANYWHERE, SEED, Drop
from braze_assets_tests.projects import failure, metadata

ROWS = 190


def many(points: int = 1) -> str:
    return "external_id,points\n" + "".join(f"{number:04},{points}\n" for number in range(ROWS))


def test_a_time_budget_is_continued_from_where_it_stopped(drop: Drop) -> None:
    """L10: another run goes on; every row is sent once; the file is not read again."""
    drop.project.braze = {"objects_per_request": 1, "requests_per_window": 20, "window_seconds": 0.1}
    drop.settings("time_budget_minutes: 0.005\nwhen_done: move")
    drop.put("many.csv", many())
    drop.look()
    runs = []
    while found := drop.look().run_requests:
        runs.append(drop.run(found[0]))
        assert runs[-1].success
        if len(runs) == 1:
            assert "not sent" in {row["outcome"] for row in drop.results(runs[0])}
    drop.braze.control.wait_until_applied()
    assert len(runs) > 1
    assert "another run sends the rest" in metadata(runs[0], "loyalty_sync")["note"]
    assert not runs[1].asset_materializations_for_node("loyalty_delta")
    assert drop.objects == ROWS
    assert {row["outcome"] for row in drop.results(runs[-1])} == {"sent"}
    assert drop.names() == []


def test_a_fatal_error_leaves_a_checkpoint(drop: Drop) -> None:
    """L11: the key is refused half-way; once it is right again only the rest is sent."""
    drop.project.braze = {"objects_per_request": 10}
    drop.settings()
    drop.put("many.csv", many())
    drop.braze.control.fault(status=401, document={"message": "Invalid API key"}, nth=tuple(range(8, 60)))
    [result, *_] = drop.imports()
    assert not result.success
    assert "401" in failure(result, "loyalty_sync") or "key" in failure(result, "loyalty_sync")
    sent = drop.objects
    assert 0 < sent < ROWS
    # It is not asked for again at once, and no other file takes its turn.
    drop.put("next.csv", SEED)
    assert not drop.look().run_requests
    assert not drop.look().run_requests

    drop.braze.control.clear_faults()
    drop.cursor = None
    resumed, following = drop.imports()
    assert resumed.success
    assert following.success
    assert metadata(resumed, "loyalty_sync")["accepted"] == ROWS - sent
    assert drop.objects == ROWS + 1
    assert {row["outcome"] for row in drop.results(resumed)} == {"sent"}


def test_the_next_file_is_not_planned_over_what_is_left(drop: Drop) -> None:
    """L11: not by hand either, unless somebody says so."""
    drop.project.braze = {"objects_per_request": 10}
    drop.settings()
    drop.put("many.csv", many())
    drop.braze.control.fault(status=401, nth=tuple(range(4, 60)))
    [result, *_] = drop.imports()
    assert not result.success
    drop.put("next.csv", SEED)
    file = next(each for each in open_place(drop.url).files() if each.name == "next.csv")
    drop.instance.add_dynamic_partitions("loyalty_files", [file.partition])
    keys = [dg.AssetKey("loyalty_delta")]
    request = dg.RunRequest(partition_key=file.partition, asset_selection=keys)
    said = failure(drop.run(request), "loyalty_delta")
    assert "was sent in part" in said
    assert "loyalty_sync for many-" in said
    assert drop.run(request, loyalty_delta={"leave_behind": True}).success


KILLED = """
    import json, os, signal, sys, threading, time
    from pathlib import Path
    from dagster import DagsterInstance, RunRequest, AssetKey
    from braze_assets.emulator.client import Control
    from braze_assets_tests.projects import Project

    said = json.loads(sys.argv[1])
    project = Project(Path(said["folder"]), said["storage"], said["braze"])
    project.braze = {"objects_per_request": 5}
    job = project.definitions().resolve_implicit_global_asset_job_def()

    def kill() -> None:
        control = Control(said["braze"])
        while control.counters()["objects"] < 20:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()
    instance = DagsterInstance.ephemeral()
    instance.add_dynamic_partitions("loyalty_files", [said["partition"]])
    keys = {AssetKey(f"loyalty_{each}") for each in ("delta", "sync", "results")}
    job = job.get_subset(asset_selection=keys)
    job.execute_in_process(partition_key=said["partition"], instance=instance)
"""


@ANYWHERE
def test_a_killed_import_goes_on_and_sends_no_row_twice_that_was_answered(drop: Drop, tmp_path: Path) -> None:
    """L10, L11: kill -9 in mid-send; the receipts say what is left."""
    drop.put("many.csv", many())
    request = drop.asked()
    drop.braze.control.settings(latency_ms=150, latency_jitter_ms=300, seed=1)
    said = {
        "folder": str(tmp_path),
        "storage": drop.project.storage,
        "braze": drop.braze.url,
        "partition": request.partition_key,
    }
    process = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), json.dumps(said)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()[-2000:]
    time.sleep(1)  # What was in flight lands.
    drop.braze.control.settings(latency_ms=0, latency_jitter_ms=0)
    answered = _answered(drop)
    before = drop.objects
    resumed = drop.run(request)
    assert resumed.success
    assert metadata(resumed, "loyalty_sync")["objects"] == ROWS - answered
    assert drop.objects - before == ROWS - answered
    drop.braze.control.wait_until_applied()
    assert all(drop.held(f"{number:04}") == {"points": 1} for number in range(ROWS))
    assert {row["outcome"] for row in drop.results(resumed)} == {"sent"}


def _answered(drop: Drop) -> int:
    """Objects of the plan begun last that Braze accepted."""
    ledger = Ledger(drop.storage, "loyalty", "external_id")
    begun = ledger.journal.read().begun
    assert begun is not None
    with connect() as connection:
        receipts = ledger.receipts.of_plan(connection, begun.plan_id)
        if receipts is None:
            return 0
        accepted = f"SELECT count(DISTINCT n) FROM {receipts} WHERE outcome = 'accepted'"
        return int(connection.sql(accepted).fetchall()[0][0])


@pytest.mark.parametrize("place", ["s3"], indirect=True)
def test_a_file_replaced_while_it_is_read_stops_cleanly(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bad input: every part is asked for by its version (If-Match); the new content is another one."""
    from braze_assets.csv_files import s3_place

    monkeypatch.setattr(s3_place, "_PART", 16)
    drop.settings("when_done: move")
    drop.put("many.csv", many())
    request = drop.asked()
    place = open_place(drop.url)
    [file] = place.files()
    parts = place.parts(file)
    next(parts)
    drop.put("many.csv", many(2))
    with pytest.raises(CsvError, match="was replaced while it was being imported"):
        list(parts)

    result = drop.run(request)
    assert not result.success
    assert "replaced" in failure(result, "loyalty_delta")
    assert drop.names() == ["many.csv"]
    assert drop.braze.control.counters()["requests"] == 0
    [result] = drop.imports()
    assert result.success
    assert drop.held("0000") == {"points": 2}


def test_a_file_replaced_before_its_send_is_not_sent(drop: Drop) -> None:
    """Bad input: planned, then replaced."""
    drop.put("many.csv", many())
    request = drop.asked()
    keys = [dg.AssetKey("loyalty_delta")]
    assert drop.run(request._replace(asset_selection=keys)).success
    drop.put("many.csv", many(2))
    keys = [dg.AssetKey("loyalty_sync")]
    said = failure(drop.run(request._replace(asset_selection=keys)), "loyalty_sync")
    assert "before its import began: nothing of it was sent" in said
    assert drop.objects == 0


@pytest.mark.parametrize("place", ["s3"], indirect=True)
def test_done_files_are_tagged(drop: Drop) -> None:
    """Other tags stay."""
    drop.settings("when_done: tag")
    drop.put("a.csv", SEED)
    drop.put("b.csv", "wrong,header\n")
    bucket, _, prefix = drop.url.removeprefix("s3://").partition("/")
    client = boto3.client("s3")
    mine = {"TagSet": [{"Key": "team", "Value": "crm"}]}
    client.put_object_tagging(Bucket=bucket, Key=f"{prefix}/a.csv", Tagging=mine)
    assert len(drop.imports()) == 2
    tags = {
        name: {
            each["Key"]: each["Value"]
            for each in client.get_object_tagging(Bucket=bucket, Key=f"{prefix}/{name}")["TagSet"]
        }
        for name in ("a.csv", "b.csv")
    }
    assert tags == {"a.csv": {"team": "crm", "braze_assets": "done"}, "b.csv": {"braze_assets": "failed"}}

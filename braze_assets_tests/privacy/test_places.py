"""K01, X15 on S3, in a process of its own, and where values are asked for."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from braze_assets.emulator.process import LocalBraze
from braze_assets_tests.privacy.allowed import is_data
from braze_assets_tests.privacy.marks import KEY, MARKS, S3_SECRET, SECRETS, person
from braze_assets_tests.privacy.scan import Find, scan
from braze_assets_tests.privacy.world import CLUB, PARTS, World, command_lines

MEMBERS = "customer_360/members"


@pytest.fixture
def braze(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalBraze]:
    monkeypatch.setenv("BRAZE_API_KEY", KEY)
    with LocalBraze(api_key=KEY) as started:
        started.control.seed([{"external_id": person(n)["external_id"], "attributes": {}} for n in range(12)])
        yield started


def leaks(finds: list[Find]) -> list[Find]:
    return [find for find in finds if not is_data(find)]


def test_values_are_shown_where_they_are_asked_for_and_only_there(tmp_path: Path, braze: LocalBraze) -> None:
    """`show_values` puts values into the preview of the plan; no other switch does."""
    world = World(tmp_path, str(tmp_path / "storage"), braze.url)
    key = world.day(1)
    assert world.go([MEMBERS, *PARTS], key, club_sync={"mode": "preview"}).success
    assert not leaks(scan(MARKS, world.places()))

    world.write("club/defs.yaml", f"{CLUB}  show_values: true\n")
    assert world.go(PARTS, key, club_sync={"mode": "preview"}).success
    shown = leaks(scan(MARKS, world.places()))
    assert {find.mark for find in shown} >= {"e-mail", "name", "identifier", "phone", "word"}
    assert not [find for find in shown if find.mark in SECRETS]
    events = {find.where.rpartition(" of ")[2] for find in shown if find.kind == "instance"}
    assert events == {"club_delta"}


@pytest.fixture
def secret_bucket(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    import s3fs

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", S3_SECRET)
    s3fs.S3FileSystem.clear_instance_cache()
    yield f"s3://{s3_bucket}/prefix"
    s3fs.S3FileSystem.clear_instance_cache()


def test_on_s3(
    tmp_path: Path, braze: LocalBraze, secret_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables and ledger in a bucket; then no such bucket."""
    world = World(tmp_path, secret_bucket, braze.url)
    for number in (1, 2):
        assert world.go([MEMBERS, *PARTS], world.day(number)).success
    told = {"message": f"Invalid API key: {KEY}"}
    braze.control.fault(effect="status", status=401, document=told)
    assert not world.go([MEMBERS, *PARTS], world.day(3)).success
    world.storage = ""
    monkeypatch.setenv("BRAZE_ASSETS_STORAGE", "s3://no-such-bucket-at-all/x")
    assert not world.go([MEMBERS], world.day(4)).success
    world.storage = secret_bucket
    finds = scan(MARKS, world.places())
    assert not leaks(finds)
    assert any(find.where.startswith("ledger/") for find in finds)


MODULE = """\
from pathlib import Path
from braze_assets_tests.privacy.world import World

world = World(Path({folder!r}), {storage!r}, {url!r})
world.day(1)
defs = world.definitions()
"""


def test_processes_of_their_own(tmp_path: Path, braze: LocalBraze) -> None:
    """Arguments, output, compute logs and event log of `dagster`, when Braze gossips and when it does not."""
    world = World(tmp_path, str(tmp_path / "storage"), braze.url)
    module = tmp_path / "a_project.py"
    module.write_text(MODULE.format(folder=str(tmp_path), storage=world.storage, url=braze.url))
    environment = {**os.environ, "DAGSTER_HOME": str(world.home), "PYTHONPATH": str(Path.cwd())}
    braze.control.fault(
        effect="status", status=403, nth=(2,), document={"message": f"{person(3, 1)} and {KEY}"}
    )
    selected = ",".join([MEMBERS, *PARTS[:4]])
    command = [sys.executable, "-m", "dagster", "asset", "materialize", "-f", str(module)]
    command += ["--select", selected, "--partition", "2026-07-01"]
    process = subprocess.Popen(
        command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    seen: set[str] = set()
    while process.poll() is None:
        seen |= command_lines()
        try:
            process.wait(0.2)
        except subprocess.TimeoutExpired:
            continue
    assert process.stdout is not None
    output = process.stdout.read()
    assert process.returncode != 0
    assert "Braze denied access" in output
    world.texts |= {"output": output, "command lines": "\n".join(seen)}
    assert not leaks(scan(MARKS, world.places()))
    logs = [path for path in world.home.rglob("*.err") if path.stat().st_size]
    assert logs


def test_what_the_definitions_say(tmp_path: Path, braze: LocalBraze) -> None:
    """All that a code location tells the webserver."""
    from dagster._core.remote_representation.external_data import RepositorySnap
    from dagster_shared.serdes import serialize_value

    world = World(tmp_path, str(tmp_path / "storage"), braze.url)
    snapshot = RepositorySnap.from_def(world.definitions().get_repository_def())
    world.texts["definitions"] = serialize_value(snapshot)
    assert "club_sync" in world.texts["definitions"]
    assert not scan(MARKS, world.places())

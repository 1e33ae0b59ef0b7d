"""The file that processes change in turn: one at a time, whole after a kill, never blocked for long."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from braze_assets.braze.limits import Limits
from braze_assets.delivery import shared
from braze_assets.delivery.client import BrazeClient
from braze_assets.delivery.limiter import Permit, RateLimiter
from braze_assets.delivery.shared import FOLDER_VARIABLE, limiter_for
from braze_assets.delivery.shared_limiter import SharedLimiter
from braze_assets.delivery.slot_file import SlotFile
from braze_assets_tests.delivery.harness import KEY

if not SlotFile.supported():  # pragma: no cover
    pytest.skip("this system has no such locks", allow_module_level=True)


def add_one(content: bytes | None) -> tuple[bytes, int]:
    count = int(content or b"0") + 1
    return b"%d" % count, count


_ADDER = """
import sys, time
from pathlib import Path
from braze_assets.delivery.slot_file import SlotFile

def add_one(content):
    return b"%d" % (int(content or b"0") + 1), 1

file, done = SlotFile(Path(sys.argv[1]), sys.argv[2]), 0
while done < 100:
    done += file.change(add_one, now=time.monotonic()) is not None
    time.sleep(0.0005)
"""


def test_changes_of_several_processes_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "count"
    adders = [subprocess.Popen([sys.executable, "-c", _ADDER, str(path), f"p{i}"]) for i in range(3)]
    assert [adder.wait(60) for adder in adders] == [0, 0, 0]
    assert path.read_bytes() == b"300"


_HOLDER = """
import fcntl, os, signal, sys
lock = os.open(sys.argv[1] + ".lock", os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
"""


def test_a_process_that_was_stopped_with_the_lock_in_its_hand_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "count"
    holder = subprocess.Popen([sys.executable, "-c", _HOLDER, str(path)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        file = SlotFile(path, "me")
        assert file.change(add_one, now=0.0) is None
        assert file.change(add_one, now=0.9) is None
        assert file.change(add_one, now=1.1) is None, "this one breaks the lock"
        assert file.change(add_one, now=1.2) == 1
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()


def test_a_process_whose_lock_was_broken_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "count"
    file, other = SlotFile(path, "me"), SlotFile(path, "other")

    def slow(content: bytes | None) -> tuple[bytes, int]:
        assert other.change(add_one, now=0.0) is None
        assert other.change(add_one, now=5.0) is None
        assert other.change(add_one, now=5.0) == 1
        return b"stale", 0

    assert file.change(slow, now=0.0) is None
    assert path.read_bytes() == b"1"


def test_a_look_is_cheap(tmp_path: Path) -> None:
    """Four a second for one alone, ten among others, fifty while there is too little."""
    limiter = SharedLimiter(SlotFile(tmp_path / "t", "p"), "p", requests=3_000, seconds=3.0, reach=40.0)
    start = time.process_time()
    for beat in range(200):
        assert isinstance(limiter.acquire("a", now=beat * 0.26, wall=0.0), Permit)
    assert (time.process_time() - start) / 200 < 0.001


def client() -> BrazeClient:
    return BrazeClient(endpoint="http://127.0.0.1:9", api_key=KEY)


@pytest.fixture(autouse=True)
def _own_limiters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "_limiters", {})


def test_the_folder_tells_nothing_about_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """K01."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "new" / "folder"))
    limiter = limiter_for(client(), Limits())
    assert isinstance(limiter, SharedLimiter)
    assert limiter is limiter_for(client(), Limits())
    assert limiter is not limiter_for(client(), Limits(), endpoint="export")
    now = time.monotonic()
    assert isinstance(limiter.acquire("a", now=now, wall=0.0), Permit)
    files = list((tmp_path / "new" / "folder").iterdir())
    assert len(files) == 1 + 2 * 2
    for file in files:
        assert KEY not in file.name
        assert KEY.encode() not in file.read_bytes()
        assert file.stat().st_mode & 0o077 == 0


def test_two_keys_two_instances_two_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    limiter_for(client(), Limits())
    limiter_for(BrazeClient(endpoint="http://127.0.0.1:9", api_key="another"), Limits())
    limiter_for(BrazeClient(endpoint="http://127.0.0.1:10", api_key=KEY), Limits())
    assert len(list(tmp_path.glob("*.json"))) == 3


def test_without_a_folder_every_process_has_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "file" / "folder"))
    limiter = limiter_for(client(), Limits())
    assert type(limiter) is RateLimiter
    assert FOLDER_VARIABLE in caplog.text


def test_somebody_elses_folder_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared.tempfile, "gettempdir", lambda: str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"braze-assets-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    assert type(limiter_for(client(), Limits())) is RateLimiter
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_disk_that_fails_half_way_leaves_each_its_part(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "gone" / "table"
    path.parent.mkdir()
    first = SharedLimiter(SlotFile(path, "a"), "a", requests=10, seconds=1.0, reach=1.0)
    second = SharedLimiter(SlotFile(path, "b"), "b", requests=10, seconds=1.0, reach=1.0)
    for step in range(5):
        for limiter in (first, second):
            limiter.acquire("s", now=0.2 * step, wall=0.0)
    for file in path.parent.iterdir():
        file.unlink()
    path.parent.rmdir()
    granted = 0
    for step in range(100):
        for limiter in (first, second):
            granted += isinstance(limiter.acquire("s", now=20 + 0.001 * step, wall=0.0), Permit)
    assert 1 <= granted <= 10
    assert caplog.text.count("no longer shared") == 2

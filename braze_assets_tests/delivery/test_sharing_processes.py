"""Real processes that send to one workspace: no 429, equal parts, and what a killed one held comes back."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from braze_assets.delivery.shared import FOLDER_VARIABLE
from braze_assets.delivery.slot_file import SlotFile
from braze_assets.emulator.process import LocalBraze
from braze_assets_tests.delivery.harness import KEY

if not SlotFile.supported():  # pragma: no cover
    pytest.skip("this system has no such locks", allow_module_level=True)

REQUESTS, WINDOW = 60, 0.5

_SENDER = f"""
import random, sys
from dataclasses import replace
from pathlib import Path
from braze_assets.braze.limits import Limits
from braze_assets.delivery.client import BrazeClient
from braze_assets.delivery.pipeline import Pipeline
from braze_assets.delivery.shared import limiter_for
from braze_assets_tests.delivery.harness import FAST, KEY, Remembered, objects, stream

url, count, place = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
limits = Limits(objects_per_request=1, requests_per_window={REQUESTS}, window_seconds={WINDOW})
settings = replace(FAST, connect_timeout=0.5, read_timeout=1.0)
texts = objects(count)
print("ready", flush=True)
sys.stdin.readline()
with BrazeClient(endpoint=url, api_key=KEY, settings=settings) as client:
    Pipeline(
        client=client, limiter=limiter_for(client, limits), journal=Remembered(), plan_id="p",
        total=count, limits=limits, settings=settings, chance=random.Random(1),
        cancelled=Path(sys.argv[4]).exists,
        progress=lambda progress: place.write_text(str(progress.done)),
    ).run(stream(texts))
"""


class Sender:
    """A process that sends once it is told to."""

    def __init__(self, url: str, count: int, folder: Path, name: str) -> None:
        self._place, self._last = folder / name, 0
        command = [sys.executable, "-c", _SENDER, url, str(count), str(self._place), str(folder / "stop")]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    @property
    def accepted(self) -> int:
        said = self._place.read_text() if self._place.exists() else ""
        self._last = int(said or self._last)  # empty for an instant while it is written
        return self._last

    def wait_until_ready(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def go(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def wait(self) -> int:
        return self._process.wait(timeout=60)


def wait_until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_three_processes_keep_to_one_limit_and_one_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "limits"))
    with LocalBraze(
        run="process", api_key=KEY, requests_per_window=REQUESTS, window_seconds=WINDOW, latency_ms=20
    ) as braze:
        senders = [Sender(braze.url, 5_000, tmp_path, f"sender-{number}") for number in range(3)]
        small = Sender(braze.url, 40, tmp_path, "small")
        for sender in (*senders, small):
            sender.wait_until_ready()
        for sender in senders:
            sender.go()
        wait_until(lambda: all(sender.accepted > 5 for sender in senders))
        time.sleep(0.5)
        # A busy machine may keep one of them waiting for a while: then look again.
        for _ in range(4):
            begin, before = time.monotonic(), [sender.accepted for sender in senders]
            time.sleep(3.0)
            parts = [sender.accepted - start for sender, start in zip(senders, before, strict=True)]
            rate = sum(parts) / (time.monotonic() - begin)
            if min(parts) >= 0.75 * max(parts):
                break
        senders[0].kill()
        small.go()
        assert small.wait() == 0
        time.sleep(3.0)
        begin, before = time.monotonic(), [sender.accepted for sender in senders[1:]]
        time.sleep(2.0)
        rest = [sender.accepted - start for sender, start in zip(senders[1:], before, strict=True)]
        later = sum(rest) / (time.monotonic() - begin)
        (tmp_path / "stop").touch()
        assert [sender.wait() for sender in senders[1:]] == [0, 0]
        counters = braze.control.counters()
    assert counters["rate_limited"] == 0
    assert small.accepted == 40
    assert min(parts) >= 0.75 * max(parts), parts
    assert min(rest) >= 0.75 * max(rest), rest
    # A busy machine may be the limit; what the dead one held must not be lost.
    assert rate >= 0.6 * REQUESTS / WINDOW
    assert later >= 0.6 * REQUESTS / WINDOW

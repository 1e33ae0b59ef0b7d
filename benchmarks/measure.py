"""Runs one step in a process of its own, so that its time and its peak memory are its own."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Step", "best", "fastest", "fresh_environment", "measured"]

_POLL = 0.05
_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Step:
    """What a step took. Times in seconds, sizes in megabytes (10^6 bytes)."""

    seconds: float
    cpu: float
    """User and system time of all its threads."""
    peak: float
    """Resident memory at its highest."""
    spilled: float
    """What DuckDB had on disk at most."""
    result: Any


def measured(target: str, **arguments: Any) -> Step:
    """Call a function in a new interpreter.

    Args:
        target: `module:function` in this package. Its module is imported before the clock starts.
        arguments: What it is called with; plain JSON values.

    Raises:
        RuntimeError: It failed.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark-spill-") as spill:
        environment = {**fresh_environment(), "BRAZE_ASSETS_TEMP_DIRECTORY": spill}
        command = [sys.executable, "-m", "benchmarks.child", f"benchmarks.{target}", json.dumps(arguments)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=environment, cwd=_ROOT
        ) as process:
            watch = _Watch(Path(spill), process)
            watch.start()
            output, _ = process.communicate()
            watch.join()
    if process.returncode:
        raise RuntimeError(f"{target} ended with status {process.returncode}")
    # A step may print; the last line is the measurement.
    return Step(**json.loads(output.strip().splitlines()[-1]), spilled=watch.most / 1e6)


def fresh_environment() -> dict[str, str]:
    """The environment in which new interpreters keep compiled modules, as they do unless told otherwise.

    They keep them in a folder of the benchmarks' own: nothing is written into the virtual environment.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    user = os.getuid() if hasattr(os, "getuid") else 0
    return {**environment, "PYTHONPYCACHEPREFIX": f"{tempfile.gettempdir()}/braze-assets-benchmarks-{user}"}


def best(repeats: int, *steps: Callable[[], Step]) -> list[Step]:
    """Run the steps in turn, several times; the fastest of each.

    In turn, so that what else the machine does hits all of them alike.
    """
    rounds = [[step() for step in steps] for _ in range(repeats)]
    return [fastest([each[place] for each in rounds]) for place in range(len(steps))]


def fastest(steps: list[Step]) -> Step:
    """The step that took least time, with the highest memory and spill of all."""
    chosen = min(steps, key=lambda step: step.seconds)
    return Step(
        chosen.seconds,
        chosen.cpu,
        max(step.peak for step in steps),
        max(step.spilled for step in steps),
        chosen.result,
    )


class _Watch(threading.Thread):
    """Looks how much a folder holds, for as long as a process runs."""

    def __init__(self, folder: Path, process: "subprocess.Popen[str]") -> None:
        super().__init__(daemon=True)
        self.most = 0
        self._folder = folder
        self._process = process

    def run(self) -> None:
        """Until the process ends."""
        while True:
            self.most = max(self.most, sum(_size(file) for file in self._folder.rglob("*")))
            try:
                self._process.wait(timeout=_POLL)
            except subprocess.TimeoutExpired:
                continue
            return


def _size(file: Path) -> int:
    try:
        # DuckDB's files can have holes: what counts is what they take on the disk.
        return file.stat().st_blocks * 512 if file.is_file() else 0
    except OSError:
        return 0

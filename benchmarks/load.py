"""Loading the code location in a fresh process, beside a bare `import dagster`."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.measure import fresh_environment
from benchmarks.scale import Scale

__all__ = ["run"]

LOCATION = """
from braze_assets.definitions import defs
loaded = defs() if callable(defs) else defs
loaded.get_repository_def()
"""
BARE = "import dagster"
ROOT = Path(__file__).parent.parent


def run(scale: Scale, work: Path) -> list[Figure]:
    """Both in turn, so that what else the machine does hits both."""
    took: dict[str, list[tuple[float, float]]] = {LOCATION: [], BARE: []}
    for code in took:
        start(code)  # the modules are compiled the first time
    for _ in range(scale.starts):
        for code, times in took.items():
            times.append(start(code))
    wall = {code: sorted(seconds for seconds, _ in times) for code, times in took.items()}
    cpu = {code: min(seconds for _, seconds in times) for code, times in took.items()}
    common = {"case": "load", "unit": "s", "beside": "`import dagster`", "goal": "3 s"}
    note = f"CPU {cpu[LOCATION]:.1f} s and {cpu[BARE]:.1f} s"
    what = f"import and build the code location, fresh process, {{}} of {scale.starts}"
    return [
        Figure(
            **common,
            what=what.format(name),
            value=choose(wall[LOCATION]),
            baseline=choose(wall[BARE]),
            met=choose(wall[LOCATION]) <= 3,
            note=note,
        )
        for name, choose in (("best", min), ("median", statistics.median))
    ]


def start(code: str) -> tuple[float, float]:
    """Wall and CPU seconds of an interpreter that runs the code."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-W", "ignore", "-c", code]
        begun = time.perf_counter()
        process = subprocess.Popen(command, env={**fresh_environment(), "DAGSTER_HOME": home}, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{code!r} ended with status {process.returncode}")
    return seconds, usage.ru_utime + usage.ru_stime

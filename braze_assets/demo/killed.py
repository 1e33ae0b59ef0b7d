"""A CSV file whose import is killed half-way, and gone on with."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from braze_assets.csv_files.place import open_place
from braze_assets.demo.chapter import Chapter, DemoFailedError, must
from braze_assets.demo.runs import Run, Runner
from braze_assets.emulator.client import Control

__all__ = ["KilledImport", "killed_chapter"]

_DROP = "loyalty_drop"
_COLUMNS = ("Loyalty Points", "Last Brand Purchased", "Perks")
_ENOUGH = 0.5
"""Of the objects: when so many have come, the import is killed."""
_LATENCY = 300
"""Milliseconds the local Braze takes for a reply meanwhile."""
_TIMEOUT = 120.0


def _cells(number: int) -> dict[str, object]:
    """What Braze has to hold of a line; a list is written as Python writes it."""
    brand = ("Solomon", "Lumen", "0815")[number % 3]
    return dict(zip(_COLUMNS, (1_000 + number, brand, ["Early access", "Repairs"]), strict=True))


@dataclass(frozen=True)
class KilledImport:
    """The import of one file, in a process of its own that is killed, and then in this one.

    Args:
        runner: Executes assets here.
        braze: The local Braze's control.
        folder: Where files are dropped.
    """

    runner: Runner
    braze: Control
    folder: Path

    def drop(self, external_ids: Sequence[str]) -> str:
        """Drop a file with a line for each; returns the partition of its content."""
        with (self.folder / "loyalty.csv").open("w", newline="", encoding="utf-8") as file:
            lines = csv.writer(file)
            lines.writerow(["external_id", *_COLUMNS])
            for number, external_id in enumerate(external_ids):
                lines.writerow([external_id, *_cells(number).values()])
        [file_version] = open_place(str(self.folder)).files()
        self.runner.instance.add_dynamic_partitions(f"{_DROP}_files", [file_version.partition])
        return file_version.partition

    def kill(self, partition: str, objects: int) -> bool:
        """Begin the import with Dagster's own command, and kill it with all its children.

        Returns:
            Whether it was still at work then.
        """
        command = [
            *(sys.executable, "-m", "dagster", "asset", "materialize"),
            *("-m", "braze_assets.demo.definitions"),
            *("--select", f"{_DROP}_delta,{_DROP}_sync", "--partition", partition),
        ]
        before = self._objects()
        self.braze.settings(latency_ms=_LATENCY)
        child = subprocess.Popen(  # noqa: S603
            command,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + _TIMEOUT
        while child.poll() is None and self._objects() - before < objects * _ENOUGH:
            if time.monotonic() > end:
                break
            time.sleep(0.01)
        alive = child.poll() is None
        if alive:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        self.braze.settings(latency_ms=0)
        self._clear_up()
        return alive

    def resume(self, partition: str) -> Run:
        """Go on where it was killed."""
        return self.runner.run([f"{_DROP}_sync", f"{_DROP}_results"], partition)

    def differences(self, external_ids: Sequence[str]) -> int:
        """How many of the users are in Braze not as the file has them."""
        wanted = {external_id: _cells(number) for number, external_id in enumerate(external_ids)}
        held = {
            profile["external_id"]: {name: profile["attributes"].get(name) for name in _COLUMNS}
            for profile in self.braze.profiles()
            if profile.get("external_id") in wanted
        }
        return sum(held.get(each) != cells for each, cells in wanted.items())

    def _objects(self) -> int:
        return int(self.braze.counters()["objects"])

    def _clear_up(self) -> None:
        """What Dagster's daemon does with runs whose process is gone."""
        for run in self.runner.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
            self.runner.instance.report_run_failed(run, message="Its process was killed.")


def killed_chapter(imported: KilledImport, external_ids: Sequence[str]) -> Chapter:
    """Drop a file with a line for each, kill its import, go on, and compare what Braze holds then.

    Raises:
        DemoFailedError: Something of the file is not in Braze, or more was sent again than was in flight.
    """
    braze = imported.braze
    before = int(braze.counters()["objects"])
    partition = imported.drop(external_ids)
    if not imported.kill(partition, len(external_ids)):
        raise DemoFailedError("The import was over before it could be killed.", remedy="Take more customers.")
    at_kill = int(braze.counters()["objects"]) - before
    run = must(imported.resume(partition))
    results = run.metadata("loyalty_drop_results")
    braze.wait_until_applied()
    sent = int(braze.counters()["objects"]) - before
    wrong = imported.differences(external_ids)
    if wrong:
        raise DemoFailedError(f"{wrong:,} users in Braze differ from the file.", place=str(imported.folder))
    return Chapter(
        "A CSV file, its import killed half-way",
        {
            "lines": f"{len(external_ids):,}",
            "kill -9 after": f"{at_kill:,} objects",
            "then": f"{sent - at_kill:,} objects, {sent - len(external_ids):,} of them a second time: "
            "that Braze had taken them was not yet written down",
            "result": f"{results['sent']:,} sent, {results['rejected']:,} rejected",
            "differences": f"0 of {len(external_ids):,} users",
        },
    )

"""The processes of a schedule: started, watched, stopped, killed."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from braze_assets_tests.chaos import worker
from braze_assets_tests.chaos.process import Process
from braze_assets_tests.chaos.schedule import Moment, Run, Step
from braze_assets_tests.chaos.state import State, Violation

_LONGEST, _LONGEST_ON_S3 = 60.0, 400.0
"""Seconds a process may take. When 30 to 60 % of all requests to S3 fail, its clients wait a second or more
before many of their tries."""
_IMPATIENT, _PATIENT = 0.4, 5.0
_DELIVERY = {
    "connect_timeout": 2.0,
    "max_attempts": 4,
    "max_throttled": 200,
    "backoff_base": 0.01,
    "backoff_cap": 0.05,
    "in_flight_start": 3,
    "in_flight_max": 4,
    "ready_batches": 4,
    "read_rows": 8,
    "journal_interval": 0.05,
    "header_pause_cap": 0.1,
}


class Launching(State):
    """Starts processes and brings about their ends."""

    @property
    def _longest(self) -> float:
        return _LONGEST if self.bucket is None else _LONGEST_ON_S3

    def _start(self, run: Run, step: Step, number: int) -> Process:
        trouble = step.trouble
        if "send" in run.steps:
            table = self.tables[run.day]
            tables = [table] if "plan" in run.steps else self.planned.get(run.day, [])
            for each in tables:
                if each is not None:
                    self.model.tried(each)
        self.counts["actions"] += 1
        steps = run.steps
        if self.built.get(run.day) is self.tables[run.day]:
            steps = tuple(each for each in steps if each != "rows")
        if "rows" in steps:
            self.built.pop(run.day, None)
        job = {
            "storage": self.storage,
            "url": self.braze.url,
            "key": self.braze.api_key,
            "seed": self.schedule.seed,
            "limits": {"objects_per_request": self.schedule.objects_per_request},
            "delivery": {
                **_DELIVERY,
                "settling_time": self.schedule.settling_time,
                "read_timeout": _IMPATIENT if trouble and trouble.impatient else _PATIENT,
            },
            "update_existing_only": self.schedule.update_existing_only,
            "table": asdict(self.tables[run.day]),
            "day": run.day,
            "steps": steps,
            "look_after": step.kind != "pair" and not (trouble and (trouble.s3 or trouble.disk)),
            "rewind": run.rewind,
            "allow_flips": run.allow_flips,
            "collapsed": run.collapsed,
            **({"mode": "test", "test_users": run.test_users} if run.test_users else {}),
        }
        return self._fork(job, disk=trouble.disk if trouble and number == 0 else None)

    def _fork(self, job: dict[str, Any], disk: int | None = None) -> Process:
        process = Process(
            lambda: worker.run(job), environment=self.environment, disk=disk, log=self.folder / "log.txt"
        )
        self.processes.append(process)
        return process

    def _watch(self, process: Process, run: Run, step: Step) -> bool:
        """Wait for the end, or bring it about; returns whether it was killed."""
        if run.end == "kill":
            self._until(process, run.moment)
            if not process.ended:
                process.kill()
                self.counts["kills"] += 1
                self.outcome.kinds.add("kill -9")
                return True
        return self._join(process)

    def _join(self, process: Process) -> bool:
        while not process.ended:
            if process.seconds > self._longest:
                process.kill()
                raise Violation(f"a process did not end within {self._longest:.0f} s")
            time.sleep(0.002)
        return False

    def _until(self, process: Process, moment: Moment | None) -> None:
        assert moment is not None
        requests, files = self._requests(), self._files(moment.folder)
        while not process.ended:
            if moment.seconds is not None and process.seconds >= moment.seconds:
                return
            if moment.requests is not None and self._requests() - requests >= moment.requests:
                return
            if moment.folder is not None and self._files(moment.folder) - files >= moment.files:
                return
            if process.seconds > self._longest:
                return
            time.sleep(0.004 if moment.requests else 0.001)

    def _requests(self) -> int:
        return int(self.braze.control.counters()["requests"])

    def _files(self, folder: str | None) -> int:
        if folder is None or self.bucket is not None:
            return 0
        place = Path(self.storage, "ledger", worker.SYNC, "external_id", folder)
        return sum(1 for _ in place.iterdir()) if place.is_dir() else 0

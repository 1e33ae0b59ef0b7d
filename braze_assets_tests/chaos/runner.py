"""Runs one schedule: real processes against a local Braze, and the model beside them."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

from braze_assets.emulator import LocalBraze
from braze_assets_tests.chaos import check
from braze_assets_tests.chaos.judging import Judging
from braze_assets_tests.chaos.s3_client import Bucket
from braze_assets_tests.chaos.schedule import Run, Schedule, Step
from braze_assets_tests.chaos.state import Outcome, Violation


class Runner:
    """Runs schedules one after the other, with one local Braze.

    Args:
        braze: Empty at the start of every schedule.
        bucket: For schedules on S3; None runs them on a folder.
    """

    def __init__(self, braze: LocalBraze, bucket: Bucket | None) -> None:
        self.braze, self.bucket = braze, bucket

    def run(self, schedule: Schedule) -> Outcome:
        """Never raises for a broken promise: the outcome tells."""
        outcome = Outcome(schedule.seed)
        started = time.monotonic()
        folder = Path(tempfile.mkdtemp(prefix="braze-chaos-"))
        playing = _Playing(self.braze, self.bucket, schedule, folder, outcome)
        try:
            playing.play()
        except Violation as violation:
            outcome.violations += str(violation).splitlines()
            log = folder / "log.txt"
            if log.exists() and (text := log.read_text()[-1500:]):
                outcome.steps.append(f"standard error: {text}")
        finally:
            for process in playing.processes:
                process.kill()
            shutil.rmtree(folder, ignore_errors=True)
        outcome.seconds = time.monotonic() - started
        return outcome


class _Playing(Judging):
    """The steps, one after the other."""

    def play(self) -> None:
        control = self.braze.control
        control.reset_settings()
        control.settings(record_applied=1_000_000, **self.schedule.braze)
        control.clear()
        if self.bucket is not None:
            self.bucket.fail({})
        if self.schedule.update_existing_only:
            control.seed({"external_id": user, "attributes": {}} for user in self.schedule.users)
        for number, step in enumerate(self.schedule.steps):
            self.outcome.steps.append(f"{number:2d}. {step}")
            try:
                getattr(self, f"_{step.kind}")(step)
            except Violation as violation:
                raise Violation(f"step {number}: {violation}") from None

    # Steps.

    def _table(self, step: Step) -> None:
        assert step.table is not None
        newest = self.tables.get(max(self.tables, default=0))
        if newest is not None:
            types = newest.types
            self.retyped |= {n for n, t in step.table.types.items() if types.get(n, t) != t}
        self.tables[step.day] = step.table
        # An earlier table may have had the column with yet another type.
        for table in self.tables.values():
            self.retyped |= {n for n, t in table.types.items() if step.table.types.get(n, t) != t}

    def _run(self, step: Step) -> None:
        run = step.runs[0]
        stopped = self._trouble(step)
        process = self._start(run, step, 0)
        died = self._watch(process, run, step)
        stopped()  # before anything is looked at: the looking is not what is tried
        self._ended(process, run, step, died=died)
        self._afterwards(step)

    def _pair(self, step: Step) -> None:
        first, second = step.runs
        assert step.gap is not None
        self.counts["two at once"] += 1
        self.outcome.kinds.add("two at once")
        stopped = self._trouble(step)
        one = self._start(first, step, 0)
        if first.end == "stop":
            self._until(one, first.moment)
            one.signal(signal.SIGSTOP)
            self.counts["stopped"] += 1
            self.outcome.kinds.add("SIGSTOP, overtaken")
        else:
            self._until(one, step.gap)
        two = self._start(second, step, 1)
        died_two = self._watch(two, second, step)
        if first.end == "stop":
            one.signal(signal.SIGCONT)
        died_one = self._watch(one, first, step) if first.end != "stop" else self._join(one)
        stopped()
        self._ended(one, first, step, died=died_one)
        self._ended(two, second, step, died=died_two)
        self._afterwards(step)

    def _rest(self, step: Step) -> None:
        """All faults off; send until nothing is left to send; then everything must be as promised."""
        control = self.braze.control
        control.clear_faults()
        control.settings(blocked_users=[])
        self.blocked = []
        newest = max(self.tables)
        if self.position is not None and self.position < newest and self.schedule.seed % 3 == 0:
            newest = self.position
        run = Run(newest, ("rows", "plan", "send"))
        for _ in range(4):
            before = control.counters()["paths"].get("/users/track", 0)
            process = self._start(run, step, 0)
            self._join(process)
            said = self._ended(process, run, step, died=False)
            if said["plan"]["status"] == "empty":
                break
        else:
            raise Violation("it does not come to rest: four plans in a row had something to send")
        if control.counters()["paths"].get("/users/track", 0) != before:
            raise Violation("an empty plan made a request")
        self._check(newest)

    def _trouble(self, step: Step) -> Any:
        """Let the faults of a step begin; returns what ends them."""
        trouble, control = step.trouble, self.braze.control
        if trouble is None:
            return lambda: None
        self.outcome.kinds.add(trouble.kind)
        self.blocked = sorted({*self.blocked, *trouble.blocked})
        control.settings(blocked_users=self.blocked, **trouble.settings)
        for fault in trouble.faults:
            control.fault(**fault)
        if self.bucket is not None:
            self.bucket.fail(trouble.s3)

        def stop() -> None:
            control.clear_faults()
            initial = control.settings()
            back = {"rate_headers": "classic", "requests_per_window": 3_000, "window_seconds": 3.0}
            if any(initial[name] != value for name, value in back.items()):
                control.settings(**back)
            if self.bucket is not None:
                self.bucket.fail({})

        return stop

    def _afterwards(self, step: Step) -> None:
        if step.trouble is not None:
            self.counts["troubles"] += 1

    def _check(self, newest: int) -> None:
        control = self.braze.control
        control.wait_until_applied()
        profiles = {each["external_id"]: each["attributes"] for each in control.profiles()}
        applied, seen = control.applied(), self._look()
        order = check.ranks(seen["journal"])
        problems = list(check.stale(applied, order))
        problems += self.model.wrong(self.tables[newest], profiles)
        problems += check.ledger(seen["held"], profiles)
        problems += check.receipts(seen["receipts"])
        excused, wrong = check.again(applied, order, self.doubts, self.impatient, self.retyped)
        problems += wrong
        self.counts["rests"] += 1
        counters = control.counters()
        for name in ("requests", "objects"):
            self.counts[name] = counters[name]
        self.counts["values sent again"] = excused
        if problems:
            raise Violation("\n".join(problems[:12]))
        self.model.at_rest(profiles)

"""Runs one schedule: real processes against a local Braze, and the model beside them."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from braze_assets.emulator import LocalBraze
from braze_assets_tests.chaos import check, worker
from braze_assets_tests.chaos.model import Model, Table
from braze_assets_tests.chaos.process import Process
from braze_assets_tests.chaos.s3_client import Bucket
from braze_assets_tests.chaos.schedule import Moment, Run, Schedule, Step

_LONGEST = 60.0
_SETTLING = 0.3
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
    "settling_time": _SETTLING,
    "header_pause_cap": 0.1,
}


class Violation(Exception):  # noqa: N818 - a promise was broken
    """A promise was broken, or a process did what it must not."""


@dataclass
class Outcome:
    """How a schedule ended, and what it counted."""

    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    kinds: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    seconds: float = 0.0


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
        try:
            _Playing(self, schedule, folder, outcome).play()
        except Violation as violation:
            outcome.violations += str(violation).splitlines()
            log = folder / "log.txt"
            if log.exists() and (text := log.read_text()[-1500:]):
                outcome.steps.append(f"standard error: {text}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        outcome.seconds = time.monotonic() - started
        return outcome


class _Playing:
    """One schedule while it runs."""

    def __init__(self, runner: Runner, schedule: Schedule, folder: Path, outcome: Outcome) -> None:
        self.braze, self.schedule, self.folder, self.outcome = runner.braze, schedule, folder, outcome
        self.bucket = runner.bucket if schedule.s3 else None
        self.counts = outcome.counts
        self.storage = str(folder / "storage")
        self.environment = {
            "BRAZE_ASSETS_THREADS": "1",
            "BRAZE_ASSETS_MEMORY_LIMIT": "300MB",
            "BRAZE_ASSETS_TEMP_DIRECTORY": str(folder),
        }
        if self.bucket is not None:
            self.storage = self.bucket.new_place()
            self.environment.update(self.bucket.environment)
            outcome.kinds.add("S3")
        self.model = Model()
        self.tables: dict[int, Table] = {}
        self.planned: dict[int, list[Table | None]] = {}
        """The tables a day's stored plan may have been made from; None: there is none, or an empty one."""
        self.built: dict[int, Table] = {}
        """The tables whose rows are stored for certain."""
        self.position: int | None = None
        self.doubts: list[check.Doubt] = []
        self.finished: set[str] = set()
        """Plans whose send ended well, nothing else running."""
        self.impatient: set[str] = set()
        self.retyped: set[str] = set()
        self.blocked: list[str] = []

    def play(self) -> None:
        control = self.braze.control
        control.reset_settings()
        control.settings(record_applied=1_000_000, **self.schedule.braze)
        control.clear()
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
        self._ended(process, run, step, died=died)
        stopped()
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
        self._ended(one, first, step, died=died_one)
        self._ended(two, second, step, died=died_two)
        stopped()
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

    # Processes.

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
        return Process(
            lambda: worker.run(job), environment=self.environment, disk=disk, log=self.folder / "log.txt"
        )

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
            if process.seconds > _LONGEST:
                process.kill()
                raise Violation(f"a process did not end within {_LONGEST:.0f} s")
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
            if process.seconds > _LONGEST:
                return
            time.sleep(0.004 if moment.requests else 0.001)

    def _requests(self) -> int:
        return int(self.braze.control.counters()["requests"])

    def _files(self, folder: str | None) -> int:
        if folder is None or self.bucket is not None:
            return 0
        place = Path(self.storage, "ledger", worker.SYNC, "external_id", folder)
        return sum(1 for _ in place.iterdir()) if place.is_dir() else 0

    # What came of it.

    def _ended(self, process: Process, run: Run, step: Step, *, died: bool) -> dict[str, Any]:
        said = process.result()
        killed = died or said is None
        if said is None and not died:
            raise Violation(f"a process ended with status {process.status} and said nothing")
        said = said or {"done": []}
        told = {key: said[key] for key in ("plan", "error") if key in said}
        if "report" in said:
            told["sent"] = said["report"]["summary"]
        self.outcome.steps.append(f"      {'killed' if killed else told}")
        if "bug" in said:
            raise Violation(f"an error that is none of the project's own:\n{said['bug']}")
        if "rows" in said["done"]:
            self.built[run.day] = self.tables[run.day]
        self._note_plan(run, said)
        if not killed:
            self._judge(run, step, said)
        report = said.get("report")
        if report is not None:
            for problem in check.report(report, finished="error" not in said):
                raise Violation(problem)
            self.counts["unknown"] += report["unknown"]
            self.counts["rejected"] += report["rejected"]
        unsure = killed or "error" in said or step.kind == "pair"
        if report is not None:
            unsure = unsure or bool(report["unknown"] or report["not_sent"]) or run.test_users is not None
            if not unsure and said.get("plan", {}).get("status") in ("ready", "empty"):
                self.position = run.day
            if not unsure:
                self.finished.add(report["plan_id"])
        if unsure or "plan" not in run.steps or report is None:
            self._look_around(said.get("look"))
        return said

    def _note_plan(self, run: Run, said: dict[str, Any]) -> None:
        if "plan" not in run.steps:
            return
        plan = said.get("plan")
        if plan is None:
            self.planned.setdefault(run.day, [None]).append(self.tables[run.day])
            for day in run.collapsed:
                self.planned.setdefault(day, [None]).append(None)
            return
        sends = plan["status"] in ("ready", "empty")
        self.planned[run.day] = [self.tables[run.day] if sends else None]
        self.planned.update({day: [None] for day in run.collapsed})

    def _judge(self, run: Run, step: Step, said: dict[str, Any]) -> None:
        """Whether a process that lived might say what it said."""
        trouble, error, plan = step.trouble, said.get("error"), said.get("plan")
        if trouble and trouble.impatient and plan:
            self.impatient.add(plan["plan_id"])
        if plan and step.kind != "pair":
            older = self.position is not None and run.day < self.position and not run.rewind
            if (plan["status"] == "stale") != older:
                raise Violation(
                    f"day {run.day} is {plan['status']}, and the ledger stands at day {self.position}"
                )
            if older:
                self.counts["stale refused"] += 1
                self.outcome.kinds.add("stale partition")
                if said.get("report", {}).get("requests"):
                    raise Violation("a stale partition was sent")
        if plan and plan["blocked"]:
            self.counts["refused by a guard"] += 1
            if "send" in run.steps and error != "PlanRefusedError":
                raise Violation(f"the guards {plan['blocked']} failed, and the plan was not refused: {error}")
            if set(plan["blocked"]) != {"type_change"} or run.allow_flips:
                raise Violation(f"unexpected guards: {plan['blocked']}")
        if error is not None and error not in self._allowed(run, step, plan):
            raise Violation(f"{error} without a reason:\n{said.get('message')}")

    def _allowed(self, run: Run, step: Step, plan: dict[str, Any] | None) -> set[str]:
        trouble = step.trouble
        allowed: set[str] = set()
        if plan is None or plan["blocked"]:
            allowed.add("PlanRefusedError")
        if step.kind == "pair" or "plan" not in run.steps:
            allowed |= {"LedgerMovedError", "LedgerError"}  # its plan may have been written over
        if "plan" not in run.steps and (step.kind == "pair" or None in self.planned.get(run.day, [None])):
            allowed.add("StorageError")
        if trouble and (trouble.faults or trouble.settings):
            allowed |= {"DeliveryError", "NoReplyError"}
        if trouble and (trouble.disk is not None or trouble.s3):
            allowed |= {"StorageError", "LedgerError", "SourceError", "LedgerMovedError"}
        return allowed

    def _look(self) -> dict[str, Any]:
        process = self._fork({"storage": self.storage, "steps": ("look",)})
        self._join(process)
        said = process.result()
        return _readable(said)

    def _look_around(self, seen: dict[str, Any] | None) -> None:
        """After something went wrong: where the ledger stands, and what of its last plan is open."""
        seen = self._look() if seen is None else _readable(seen)
        journal = seen["journal"]
        begun = next((entry for entry in reversed(journal) if entry["state"] in ("begun", "resumed")), None)
        if begun is None:
            return
        days = {worker.partition(day)[0]: day for day in self.tables}
        self.position = days[begun["partition"]]
        plans = list(check.ranks(journal))
        # Of two at once, one may have overtaken the other at any instant of its life.
        known = {doubt.plan for doubt in self.doubts} | self.finished
        self.doubts += [check.Doubt(plan, None) for plan in plans[:-1] if plan not in known]
        sure = {
            n for plan, n, _, outcome in seen["receipts"] if plan == begun["plan_id"] and outcome != "unknown"
        }
        cells = frozenset((user, name) for n, user, names in seen["open"] if n not in sure for name in names)
        self.doubts.append(check.Doubt(begun["plan_id"], cells))

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


def _readable(said: dict[str, Any] | None) -> dict[str, Any]:
    if said is None or "error" in said or "bug" in said:
        raise Violation(f"the ledger cannot be read: {said}")
    return said

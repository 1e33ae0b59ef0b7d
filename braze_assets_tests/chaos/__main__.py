"""`python -m braze_assets_tests.chaos`: run schedules of faults and kills, and print what came of them."""

from __future__ import annotations

import argparse
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import Any

_FIRST, _ACTIONS = 1, 9
_COUNTED = (
    *("actions", "kills", "stopped", "two at once", "requests", "objects", "values sent again", "unknown"),
    *("rejected", "stale refused", "refused by a guard", "rests"),
)


class Pool:
    """Jobs, each a process; seeds go in, outcomes come out."""

    def __init__(self, jobs: int, s3: str, options: argparse.Namespace, mutant: str = "") -> None:
        self.outcomes: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "BRAZE_"))},
            "OPENBLAS_NUM_THREADS": "1",
            "TOKIO_WORKER_THREADS": "2",
        }
        command = [
            sys.executable,
            "-m",
            "braze_assets_tests.chaos.job",
            s3,
            str(options.s3),
            str(options.actions),
            mutant,
        ]
        self._jobs = [
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
            )
            for _ in range(jobs)
        ]

    def start(self, seeds: list[int]) -> None:
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for seed in seeds:
            waiting.put(seed)
        for job in self._jobs:
            threading.Thread(target=self._feed, args=(job, waiting), daemon=True).start()

    def _feed(self, job: subprocess.Popen[str], waiting: queue.SimpleQueue[int]) -> None:
        assert job.stdin is not None
        assert job.stdout is not None
        seed = -1
        try:
            while True:
                seed = waiting.get_nowait()
                job.stdin.write(f"{seed}\n")
                job.stdin.flush()
                line = job.stdout.readline()
                if not line:
                    self.outcomes.put({"seed": seed, "violations": [f"the job died at seed {seed}"]})
                    return
                self.outcomes.put(json.loads(line))
        except (queue.Empty, OSError):
            return

    def kill(self) -> None:
        """At once: each takes its local Braze along."""
        for job in self._jobs:
            job.kill()
            job.wait()

    def stop(self) -> None:
        for job in self._jobs:
            if job.stdin is not None:
                job.stdin.close()
        for job in self._jobs:
            try:
                job.wait(timeout=10)
            except subprocess.TimeoutExpired:
                job.kill()


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.mutants is not None:
        return _mutants(options)
    seeds = [options.replay] if options.replay is not None else []
    seeds = seeds or list(range(options.seed, options.seed + options.schedules))
    s3 = _start_s3() if options.s3 else None
    url = f"http://127.0.0.1:{s3[1]}" if s3 else ""
    pool = Pool(min(options.jobs, len(seeds)), url, options, options.mutant)
    total = Totals(len(seeds))
    try:
        pool.start(seeds)
        while total.done < len(seeds):
            outcome = pool.outcomes.get()
            total.add(outcome)
            if outcome["violations"] or options.replay is not None:
                _show(outcome, options)
            if outcome["violations"] and options.fail_fast:
                break
            total.progress()
    except KeyboardInterrupt:
        print("\nStopped.")
    finally:
        pool.stop()
        if s3:
            s3[0].kill()
    total.table()
    return 1 if total.failed else 0


def _mutants(options: argparse.Namespace) -> int:
    """Break the product in every known way; the table says after how many schedules that was noticed."""
    from braze_assets_tests.chaos.mutants import MUTANTS

    missed = 0
    for name, mutant in MUTANTS.items():
        if options.mutants and name not in options.mutants.split(","):
            continue
        pool = Pool(options.jobs, "", options, name)
        pool.start(list(range(options.seed, options.seed + options.schedules)))
        found = None
        try:
            for number in range(1, options.schedules + 1):
                outcome = pool.outcomes.get()
                if outcome["violations"]:
                    found = f"after {number:3d} schedules, seed {outcome['seed']}: {outcome['violations'][0]}"
                    break
        finally:
            pool.kill()
        missed += found is None
        print(f"{name:<26}{(found or 'NOT FOUND')[:110]}\n  {mutant.__doc__}", flush=True)
    return 1 if missed else 0


class Totals:
    """Sums over schedules, and the table of them."""

    def __init__(self, planned: int) -> None:
        self.planned, self.done, self.failed = planned, 0, 0
        self.counts: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.started = self._told = time.monotonic()

    def add(self, outcome: dict[str, Any]) -> None:
        self.done += 1
        self.failed += bool(outcome["violations"])
        self.counts.update(outcome.get("counts", {}))
        self.kinds.update(outcome.get("kinds", ()))

    def progress(self) -> None:
        now = time.monotonic()
        if now - self._told < 5 and self.done < self.planned:
            return
        self._told = now
        rate = self.done / (now - self.started)
        left = (self.planned - self.done) / rate
        kills, requests = self.counts["kills"], self.counts["requests"]
        print(
            f"{self.done:,} of {self.planned:,} schedules, {rate:.1f} a second, {left:.0f} s left: "
            f"{kills:,} kills, {requests:,} requests, {self.failed} violations",
            flush=True,
        )

    def table(self) -> None:
        seconds = time.monotonic() - self.started
        print(f"\n{self.done:,} schedules in {seconds:.0f} s")
        for title, rows in (("schedules with", sorted(self.kinds.items())), ("in all", self._counted())):
            print(f"\n  {title}")
            for name, number in rows:
                print(f"    {name:<28}{number:>12,}")
        print(f"\n  violations{self.failed:>22,}")

    def _counted(self) -> list[tuple[str, int]]:
        return [(name, self.counts[name]) for name in _COUNTED]


def _show(outcome: dict[str, Any], options: argparse.Namespace) -> None:
    print(f"\nSchedule {outcome['seed']}:")
    for step in outcome.get("steps", ()):
        print(f"  {step}")
    for violation in outcome["violations"]:
        print(f"  VIOLATION {violation}")
    more = f" --s3 {options.s3}" if options.s3 != 0.1 else ""
    more += f" --actions {options.actions}" if options.actions != _ACTIONS else ""
    print(f"Replay: python -m braze_assets_tests.chaos --replay {outcome['seed']}{more}\n", flush=True)


def _start_s3() -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "braze_assets_tests.chaos.s3"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m braze_assets_tests.chaos", description=__doc__)
    parser.add_argument("--schedules", type=int, default=1_000)
    parser.add_argument(
        "--seed", type=int, default=_FIRST, help="of the first schedule; the next have the next"
    )
    parser.add_argument("--replay", type=int, metavar="SEED", help="run this one schedule and show its steps")
    parser.add_argument("--jobs", type=int, default=3, help="schedules at once; they mostly wait")
    parser.add_argument("--s3", type=float, default=0.1, help="share of schedules on S3")
    parser.add_argument("--actions", type=int, default=_ACTIONS, help="in a schedule at most")
    parser.add_argument("--fail-fast", action="store_true")
    parser.add_argument(
        "--mutants", nargs="?", const="", help="break the product in known ways instead: all, or A,B"
    )
    parser.add_argument("--mutant", default="", help="break the product in a known way first")
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""Schedules: what happens in which order, drawn from a seed and nothing else."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from braze_assets_tests.chaos.faults import Trouble, draw
from braze_assets_tests.chaos.model import Table
from braze_assets_tests.chaos.world import World

FOLDERS = (
    *("sends/_delta_log", "receipts", "receipts/_delta_log", "acknowledged", "acknowledged/_delta_log"),
    "plans",
)
"""Parts of a ledger that can be watched: a file more there is an instant to be killed at."""


@dataclass
class Moment:
    """An instant in a process's life: so many seconds, requests, or files in a folder after its start."""

    seconds: float | None = None
    requests: int | None = None
    folder: str | None = None
    files: int = 1

    def __str__(self) -> str:
        if self.folder is not None:
            return f"when {self.folder} has {self.files} more files"
        return f"after {self.seconds:.3f} s" if self.requests is None else f"at request {self.requests}"


@dataclass
class Run:
    """What one process does, and whether it is let live."""

    day: int
    steps: tuple[str, ...]
    rewind: bool = False
    allow_flips: bool = True
    collapsed: tuple[int, ...] = ()
    test_users: int | None = None
    end: str | None = None
    """`kill` or `stop` (SIGSTOP, until the other process has ended or made some way)."""
    moment: Moment | None = None

    def __str__(self) -> str:
        words = [f"{' + '.join(self.steps)} of day {self.day}"]
        words += [f"for days {self.collapsed[0]}..{self.day}"] if self.collapsed else []
        words += ["rewinding"] if self.rewind else []
        words += [] if self.allow_flips else ["type changes not allowed"]
        words += [f"only {self.test_users} users"] if self.test_users else []
        words += [f"{self.end} {self.moment}"] if self.end else []
        return ", ".join(words)


@dataclass
class Step:
    """One step: a table changes, one or two processes run, or everything comes to rest."""

    kind: str
    """`table`, `run`, `pair` or `rest`."""
    day: int = 0
    table: Table | None = None
    runs: tuple[Run, ...] = ()
    gap: Moment | None = None
    """When the second process of a pair starts."""
    trouble: Trouble | None = None

    def __str__(self) -> str:
        if self.table is not None:
            return f"table of day {self.day}: {len(self.table.rows)} users, {', '.join(self.table.types)}"
        words = [self.kind, " || ".join(map(str, self.runs))]
        words += [f"the second {self.gap}"] if self.gap else []
        words += [f"[{self.trouble}]"] if self.trouble else []
        return " ".join(word for word in words if word)


@dataclass
class Schedule:
    seed: int
    s3: bool
    update_existing_only: bool
    braze: dict[str, Any]
    users: list[str]
    settling_time: float
    objects_per_request: int
    steps: list[Step] = field(default_factory=list)


def make_schedule(seed: int, *, share_s3: float = 0.1, actions: int = 9, reach: int = 400) -> Schedule:
    """The schedule of a seed.

    Args:
        seed: Everything is drawn from it.
        share_s3: Share of schedules on S3.
        actions: How many it has at most.
        reach: Milliseconds within which Braze applies what it took, in any order, where it does that.
    """
    chance = random.Random(f"chaos {seed}")
    world = World(chance, users=chance.randint(12, 40))
    # Braze may apply late, and in any order, what it took within half the settling time.
    reorders = chance.random() < 0.35
    later = {"apply_delay_ms": chance.choice([0, 50]), "reorder_ms": reach} if reorders else {}
    schedule = Schedule(
        seed=seed,
        s3=chance.random() < share_s3,
        update_existing_only=chance.random() < 0.25,
        braze={"seed": seed, **later},
        settling_time=reach / 400 if reorders else 0.3,
        users=world.users,
        objects_per_request=chance.randint(2, 5),
    )
    day, steps = 0, schedule.steps
    steps.append(Step("table", 0, world.table))
    planned: set[int] = set()
    left = chance.randint(actions // 2, actions)
    while left:
        dice = chance.random()
        if dice < 0.4:
            day += dice < 0.3
            steps.append(Step("table", day, world.change()))
        if dice < 0.2 and steps[-1].table is not None:
            continue
        left -= 1
        if dice > 0.93:
            steps.append(Step("rest", day))
            continue
        steps.append(_action(chance, schedule, day, planned))
        planned |= {run.day for run in steps[-1].runs if "plan" in run.steps}
    steps.append(Step("rest", day))
    return schedule


def _action(chance: random.Random, schedule: Schedule, day: int, planned: set[int]) -> Step:
    trouble = draw(chance, schedule.users, s3=schedule.s3) if chance.random() < 0.55 else None
    if chance.random() < 0.2:
        runs = (_run(chance, day, schedule.s3, planned, stop=0.6), _run(chance, day, schedule.s3, planned))
        return Step("pair", runs=runs, gap=_moment(chance, schedule.s3), trouble=trouble)
    return Step("run", runs=(_run(chance, day, schedule.s3, planned),), trouble=trouble)


def _run(chance: random.Random, newest: int, s3: bool, planned_days: set[int], stop: float = 0.0) -> Run:
    day = newest if chance.random() < 0.75 else chance.randint(0, newest)
    weights = [6, 3 if day in planned_days else 0, 1]
    steps = chance.choices([("rows", "plan", "send"), ("send",), ("rows", "plan")], weights)[0]
    run = Run(day, steps, allow_flips=chance.random() < 0.7)
    planned = "plan" in steps
    if planned and day < newest and chance.random() < 0.4:
        run.rewind = True
    if planned and day and chance.random() < 0.15:
        run.collapsed = tuple(range(chance.randint(0, day - 1), day))
    if "send" in steps and chance.random() < 0.06:
        run.test_users = chance.randint(1, 4)
    if chance.random() < stop:
        run.end, run.moment = "stop", _moment(chance, s3)
    elif chance.random() < 0.4:
        run.end, run.moment = "kill", _moment(chance, s3)
    return run


def _moment(chance: random.Random, s3: bool) -> Moment:
    kinds: Sequence[str] = ("seconds", "requests") if s3 else ("seconds", "requests", "folder")
    kind = chance.choice(kinds)
    if kind == "requests":
        return Moment(requests=chance.randint(1, 8))
    if kind == "folder":
        return Moment(folder=chance.choice(FOLDERS), files=chance.choice([1, 1, 2]))
    return Moment(seconds=chance.uniform(0.0, 0.8) * (3 if s3 else 1))

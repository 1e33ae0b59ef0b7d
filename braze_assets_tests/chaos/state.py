"""What is known of a schedule while it runs, and how it ended."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from braze_assets.emulator import LocalBraze
from braze_assets_tests.chaos import check
from braze_assets_tests.chaos.model import Model, Table
from braze_assets_tests.chaos.process import Process
from braze_assets_tests.chaos.s3_client import Bucket
from braze_assets_tests.chaos.schedule import Schedule


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


class State:
    """What is known of a schedule while it runs."""

    def __init__(
        self, braze: LocalBraze, bucket: Bucket | None, schedule: Schedule, folder: Path, outcome: Outcome
    ) -> None:
        self.braze, self.schedule, self.folder, self.outcome = braze, schedule, folder, outcome
        self.bucket = bucket if schedule.s3 else None
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
        self.processes: list[Process] = []
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

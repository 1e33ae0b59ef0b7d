"""The results, for the terminal and as Markdown."""

import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure, number

__all__ = ["Outcome", "markdown", "show"]

_PACKAGES = ("dagster", "duckdb", "pyarrow", "deltalake", "polars", "fastavro", "requests", "uvicorn")
_COLUMNS = ("what", "ours", "baseline", "ratio", "goal")


@dataclass(frozen=True)
class Outcome:
    """What came of one case."""

    case: str
    figures: Sequence[Figure]
    seconds: float
    """The whole case, with making its data."""
    load: float
    """Load average of the machine when it began."""
    failure: str = ""


def show(outcomes: Sequence[Outcome], console: Console) -> None:
    """Print a table a case."""
    for outcome in outcomes:
        title = f"{outcome.case} ({outcome.seconds:.0f} s, load average {outcome.load:.1f})"
        table = Table(title=title, title_justify="left", show_lines=False)
        for name in _COLUMNS:
            table.add_column(name, justify="left" if name in ("what", "goal") else "right")
        for figure in outcome.figures:
            table.add_row(*_cells(figure))
        console.print(table)
        for line in _remarks(outcome):
            console.print(f"  {line}", style="dim")


def markdown(outcomes: Sequence[Outcome], command: str) -> str:
    """A page."""
    lines = [
        "# Results",
        "",
        f"Made by `{command}` on {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC. Do not edit.",
        "",
        *(f"- {line}" for line in _machine()),
        "",
        "A ratio is ours by the baseline's, both from this run: for times and memory lower is better, for",
        "rates higher. Goals are for the sizes of a full run.",
    ]
    for outcome in outcomes:
        lines += ["", f"## {outcome.case}", ""]
        lines += [f"| {' | '.join(_COLUMNS)} |", "| --- | ---: | ---: | ---: | --- |"]
        lines += [f"| {' | '.join(_cells(figure))} |" for figure in outcome.figures]
        lines += ["", *(f"- {line}" for line in _remarks(outcome))]
        lines += [f"- load average at its start {outcome.load:.1f}; the case took {outcome.seconds:.0f} s"]
    return "\n".join(lines) + "\n"


def _cells(figure: Figure) -> tuple[str, ...]:
    ours, baseline = (f"{number(value)} {figure.unit}" for value in (figure.value, figure.baseline))
    return figure.what, ours, baseline, f"{figure.ratio:.2f}", figure.verdict


def _remarks(outcome: Outcome) -> list[str]:
    beside = dict.fromkeys(f"baseline: {figure.beside}" for figure in outcome.figures)
    notes = dict.fromkeys(f"{figure.what}: {figure.note}" for figure in outcome.figures if figure.note)
    return [*beside, *notes, *([f"FAILED: {outcome.failure}"] if outcome.failure else [])]


def _machine() -> list[str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return [
        f"{os.cpu_count()} cores, {memory:.0f} GB, {_processor()}, {platform.system()} {platform.release()}",
        f"Python {platform.python_version()}; {packages}",
        f"commit {_commit()}",
    ]


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"

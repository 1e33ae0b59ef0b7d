"""`python -m benchmarks [name ...] [--quick]`: run the cases and write down what came of them."""

import argparse
import importlib
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.report import Outcome, markdown, show
from benchmarks.scale import FULL, QUICK, Scale

__all__ = ["CASES", "main", "run_case"]

CASES = (
    "plan",
    "growth",
    "fold",
    "delivery",
    "unchanged",
    "currents",
    "small_files",
    "csv_drop",
    "segments",
    "load",
    "sample",
    "emulator",
)
RESULTS = Path(__file__).parent / "results.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 1 when a case could not be run to its end. A missed goal is no failure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"cases, all when none: {', '.join(CASES)}")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it runs, not how fast")
    parser.add_argument(
        "--output", type=Path, help="write Markdown here; results.md for all cases at full size, else nothing"
    )
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(CASES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    names = options.names or CASES
    full = not options.quick and not options.names
    console = Console()
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as work:
        for name in names:
            console.print(f"{name} ...", style="dim")
            outcomes.append(run_case(name, QUICK if options.quick else FULL, Path(work)))
            show(outcomes[-1:], console)
    output = options.output or (RESULTS if full else None)
    if output is not None:
        command = " ".join(["python -m benchmarks", *options.names, *(["--quick"] if options.quick else [])])
        output.write_text(markdown(outcomes, command), encoding="utf-8")
        console.print(f"Written to {output}")
    return int(any(outcome.failure for outcome in outcomes))


def run_case(name: str, scale: Scale, work: Path) -> Outcome:
    """Run one case; one that fails does not keep the others from running."""
    load, start = os.getloadavg()[0], time.perf_counter()
    try:
        figures, failure = importlib.import_module(f"benchmarks.{name}").run(scale, work), ""
    except Exception as error:
        figures, failure = [], f"{type(error).__name__}: {error}"
    return Outcome(name, figures, time.perf_counter() - start, load, failure)


if __name__ == "__main__":
    sys.exit(main())

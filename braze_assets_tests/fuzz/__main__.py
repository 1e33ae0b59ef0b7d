"""Decode damaged files in processes with little memory and little time, and count what becomes of them.

`python -m braze_assets_tests.fuzz --files 100000`; one file again: `--seed 4711`.
"""

import argparse
import collections
import concurrent.futures
import resource
import signal
import sys
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from braze_assets_tests.fuzz.mutations import mutated
from braze_assets_tests.fuzz.outcome import outcome

_SECONDS = 5
_BYTES_MORE = 1 << 30
_AT_A_TIME = 250

Judge = Callable[[int], str]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _limit() -> None:
    for seed in range(40):
        outcome(seed)  # What is compiled, and the room an allocator takes for itself, is there then.
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + _BYTES_MORE, taken + _BYTES_MORE))


def _some(judge: Judge, first: int, count: int) -> tuple[list[tuple[str, str, int]], int]:
    """The outcome of some seeds, and the most memory this process had, in KB."""
    found = []
    for seed in range(first, first + count):
        # What a loop in compiled code does not answer ends the process, which is counted too.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(_SECONDS)
        kind, _ = mutated(seed)
        found.append((kind, judge(seed), seed))
        signal.alarm(0)
    return found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _alone(judge: Judge, seed: int) -> str:
    with concurrent.futures.ProcessPoolExecutor(1, initializer=_limit) as pool:
        try:
            return pool.submit(_some, judge, seed, 1).result()[0][0][1]
        except BrokenProcessPool:
            return "CRASH OR HANG"


def run(files: int, first: int, workers: int, judge: Judge = outcome) -> int:
    """Judge some files; 1 when one of them failed or ended its process."""
    counts: collections.Counter[tuple[str, str]] = collections.Counter()
    bad: list[int] = []
    peak = 0
    spans = [(at, min(_AT_A_TIME, first + files - at)) for at in range(first, first + files, _AT_A_TIME)]
    while spans:
        left = list(spans)
        with concurrent.futures.ProcessPoolExecutor(workers, initializer=_limit) as pool:
            jobs = {pool.submit(_some, judge, *span): span for span in spans}
            for job in concurrent.futures.as_completed(jobs):
                try:
                    found, most = job.result()
                except BrokenProcessPool:
                    continue
                left.remove(jobs[job])
                peak = max(peak, most)
                for kind, what, seed in found:
                    counts[kind, what] += 1
                    bad += [seed] if what.startswith("RAISED") else []
        if not left:
            break
        # A process ended. Whose fault it was shows when the first that may have done it goes alone.
        span, spans = left[0], left[1:]
        for seed in range(span[0], span[0] + span[1]):
            what = _alone(judge, seed)
            counts[mutated(seed)[0], what] += 1
            bad += [seed] if what.isupper() or what.startswith("RAISED") else []
    kinds = sorted({kind for kind, _ in counts})
    whats = sorted({what for _, what in counts})
    _say("damage".ljust(10) + "".join(what.rjust(18) for what in whats))
    for kind in kinds:
        _say(kind.ljust(10) + "".join(f"{counts[kind, what]:>18,}" for what in whats))
    _say(f"{sum(counts.values()):,} files, {len(bad)} failed, {peak / 1000:,.0f} MB at most in a process")
    for seed in bad[:20]:
        _say(f"  again: python -m braze_assets_tests.fuzz --seed {seed}")
    return 1 if bad else 0


def main() -> int:
    """Run as asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, help="one file only")
    given = parser.parse_args()
    if given.seed is not None:
        _say(f"{mutated(given.seed)[0]}: {outcome(given.seed)}")
        return 0
    return run(given.files, given.first, given.workers)


if __name__ == "__main__":
    sys.exit(main())

"""A CSV file on S3 to a local Braze, beside what users have today.

Today: the file is read as a stream, each cell is looked at in Python, and 20 threads send in waves, each
request over a connection of its own; nothing is checked, compared or written down. Ours is two steps, each in
a process of its own as Dagster runs them: S3 to the plan, and the plan to the folded ledger.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import boto3

from benchmarks.csv_steps import BUCKET, MEMORY, THREADS
from benchmarks.figures import Figure
from benchmarks.measure import Step, fastest, measured
from benchmarks.scale import FULL, Scale
from benchmarks.small_files import s3_server
from braze_assets.emulator import LocalBraze

__all__ = ["run"]

_HEADER = (
    "external_id,Loyalty Points,Last Brand Purchased,tier,team,vip,spend,visits,stores,zip,last_order,"
    "score,shop"
)


def run(scale: Scale, work: Path) -> list[Figure]:
    """Both, in turn; the fastest counts."""
    rows = scale.csv_rows
    folder = str(work / "csv-drop")
    steps: dict[str, list[Step]] = {"plan": [], "send": [], "loop": []}
    with (
        s3_server(),
        LocalBraze(run="process", count_only=True, latency_ms=100, requests_per_window=None) as braze,
    ):
        _put(rows)
        for number in range(scale.repeats):
            root = f"{folder}/{number}"
            steps["plan"].append(measured("csv_steps:plan", folder=root))
            steps["send"].append(measured("csv_steps:send", folder=root, url=braze.url))
            _check(braze, rows)
            steps["loop"].append(measured("csv_steps:loop", url=braze.url))
            _check(braze, rows)
    plan, send, loop_ = (fastest(steps[name]) for name in ("plan", "send", "loop"))
    seconds = plan.seconds + send.seconds
    judged = rows >= FULL.csv_rows
    common = {
        "case": "csv_drop",
        "beside": f"csv module, {THREADS} threads in waves, a connection a request, no ledger",
    }
    of = f"{rows:,} rows x 12 from S3, 100 ms, limits raised"
    times = loop_.seconds / seconds
    return [
        Figure(
            **common,
            what=f"CSV to folded ledger: {of}",
            value=rows / seconds,
            baseline=rows / loop_.seconds,
            unit="rows/s",
            goal="5 x",
            met=times >= 5 if judged else None,
            note=f"{plan.seconds:.1f} s to the plan, {send.seconds:.1f} s to send, receipt and fold it; CPU "
            f"{plan.cpu:.1f} + {send.cpu:.1f} s and {loop_.cpu:.1f} s",
        ),
        Figure(
            **common,
            what="peak memory of that",
            value=max(plan.peak, send.peak),
            baseline=loop_.peak,
            unit="MB",
            goal="500 MB",
            met=max(plan.peak, send.peak) <= 500 if judged else None,
            note=f"{plan.peak:,.0f} MB to the plan, {send.peak:,.0f} MB to send it; DuckDB is left {MEMORY}",
        ),
    ]


def _check(braze: LocalBraze, rows: int) -> None:
    accepted = braze.control.counters()["accepted"]
    braze.control.reset_counters()
    if accepted != rows:
        raise RuntimeError(f"the local Braze accepted {accepted} objects of {rows}")


def _put(rows: int) -> None:
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    with tempfile.TemporaryFile() as file:
        file.writelines(_lines(rows))
        file.seek(0)
        client.upload_fileobj(file, BUCKET, "in/loyalty.csv")


def _lines(rows: int) -> Iterator[bytes]:
    yield f"{_HEADER}\n".encode()
    for i in range(rows):
        h = i * 2654435761 % 2**32
        yield (
            f"c-{h:08x}-{i},{h % 20000},{('Solomon', 'Atomic', 'Head')[h % 3]},{('gold', 'silver')[h % 2]},"
            f"Team {h % 900},{('true', 'False')[h % 2]},{h % 90000 / 100},{h % 300},"
            f"\"['S{h % 40}', 'S{h % 7}']\",0{h % 9999:04},2026-{h % 12 + 1:02}-{h % 28 + 1:02}T10:00:00Z,"
            f"{h % 10007 / 10007:.6f},Shop {h % 50}\n"
        ).encode()

"""A CSV file on S3 to a local Braze, beside what users have today.

Today: the file is read as a stream, each cell is looked at in Python, and 20 threads send in waves, each
request over a connection of its own; nothing is checked, compared or written down. Ours is two steps, each in a
process of its own as Dagster runs them: S3 to the plan, and the plan to the folded ledger.
"""

import csv
import io
import json
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Any

import boto3
import pandas  # noqa: F401 - Arrow loads it for its first array; what importing takes is not measured
import requests

from benchmarks.delivery import OBJECTS, THREADS
from benchmarks.figures import Figure
from benchmarks.measure import Step, fastest, measured
from benchmarks.scale import FULL, Scale
from benchmarks.small_files import s3_server
from braze_assets.braze.limits import Limits
from braze_assets.csv_files.blocks import Blocks
from braze_assets.csv_files.cells import read_cells
from braze_assets.csv_files.place import open_place
from braze_assets.csv_files.records import Records
from braze_assets.csv_files.settings import CsvSettings
from braze_assets.delivery import BrazeClient, DeliverySettings, send_plan
from braze_assets.emulator import DEFAULT_API_KEY, LocalBraze
from braze_assets.ledger import Ledger
from braze_assets.plan import PlanSettings
from braze_assets.plan.csv_plan import make_csv_plan
from braze_assets.storage import Storage, StoredTable, connect, open_path, write_parquet

__all__ = ["run"]

NAME = "drop"
MEMORY = "200MB"
"""What DuckDB is left in each of the two steps."""
_BUCKET = "csv"
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
            steps["plan"].append(measured("csv_drop:plan", folder=root))
            steps["send"].append(measured("csv_drop:send", folder=root, url=braze.url))
            _check(braze, rows)
            steps["loop"].append(measured("csv_drop:loop", url=braze.url))
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
    client.create_bucket(Bucket=_BUCKET)
    with tempfile.TemporaryFile() as file:
        file.writelines(_lines(rows))
        file.seek(0)
        client.upload_fileobj(file, _BUCKET, "in/loyalty.csv")


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


def plan(folder: str) -> int:
    """From the folder on S3 to a stored plan."""
    os.environ["BRAZE_ASSETS_MEMORY_LIMIT"] = MEMORY
    settings = CsvSettings()
    place = open_place(f"s3://{_BUCKET}/in")
    [file] = place.files()
    blocks = Blocks(place.parts(file), settings.encoding, file.uri)
    with connect() as connection, tempfile.TemporaryDirectory() as work:
        records = Records(blocks, settings, file.uri)
        made = make_csv_plan(
            connection,
            read_cells(connection, records, settings, Path(work)),
            sync=NAME,
            ledger=Ledger(Storage(folder), NAME, settings.identifier),
            settings=PlanSettings(),
            partition=file.partition,
            now=datetime.now(timezone.utc),
            delta=False,
            folder=Path(work),
            file={"uri": file.uri, "size": file.size, "sha256": blocks.digest},
        )
        return write_parquet(open_path(f"{folder}/plan.parquet"), made.reader(), metadata=made.documents).rows


def send(folder: str, url: str) -> int:
    """Begin, send, write receipts, fold."""
    os.environ["BRAZE_ASSETS_MEMORY_LIMIT"] = MEMORY
    stored = f"{folder}/plan.parquet"
    with BrazeClient(endpoint=url, api_key=DEFAULT_API_KEY, settings=DeliverySettings()) as client:
        return send_plan(
            plan=StoredTable.at(stored),
            plan_uri=stored,
            ledger=Ledger(Storage(folder), NAME, "external_id"),
            client=client,
            limits=Limits(requests_per_window=10**9),
            mode="live",
        ).accepted


def loop(url: str) -> int:
    """Read as it comes, look at every cell, send in waves."""
    body = boto3.client("s3").get_object(Bucket=_BUCKET, Key="in/loyalty.csv")["Body"]
    reader = csv.reader(io.TextIOWrapper(io.BufferedReader(_Raw(body)), encoding="utf-8", newline=""))
    names = next(reader)[1:]
    objects = ({"external_id": row[0], **_attributes(names, row[1:])} for row in reader)
    sent = 0
    while wave := [part for _ in range(THREADS) if (part := list(islice(objects, OBJECTS)))]:
        with ThreadPoolExecutor(THREADS) as pool:
            sent += sum(pool.map(lambda part: _post(url, part), wave))
    return sent


class _Raw(io.RawIOBase):
    def __init__(self, body: Any) -> None:
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        part = self._body.read(len(into))
        into[: len(part)] = part
        return len(part)


def _attributes(names: list[str], cells: list[str]) -> dict[str, Any]:
    return {name: _value(cell) for name, cell in zip(names, cells, strict=True) if cell}


def _value(cell: str) -> Any:
    lowered = cell.lower()
    if lowered == "null":
        return None
    if lowered in ("true", "false"):
        return lowered == "true"
    if cell.startswith("["):
        return json.loads(cell.replace("'", '"'))
    if cell.replace(".", "", 1).isdigit() and (
        not cell.startswith("0") or cell.startswith("0.") or cell == "0"
    ):
        return float(cell) if "." in cell else int(cell)
    return cell


def _post(url: str, objects: list[dict[str, Any]]) -> int:
    headers = {"Authorization": f"Bearer {DEFAULT_API_KEY}"}
    reply = requests.post(f"{url}/users/track", json={"attributes": objects}, headers=headers, timeout=60)
    reply.raise_for_status()
    return int(reply.json()["message"] == "success")

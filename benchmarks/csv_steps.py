"""The steps of the benchmark `csv_drop`, each run in a process of its own."""

import csv
import io
import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Any

import pandas  # noqa: F401 - Arrow loads it for its first array; what importing takes is not measured

from braze_assets.braze.limits import Limits
from braze_assets.csv_files.blocks import Blocks
from braze_assets.csv_files.cells import read_cells
from braze_assets.csv_files.place import open_place
from braze_assets.csv_files.records import Records
from braze_assets.csv_files.settings import CsvSettings
from braze_assets.delivery import BrazeClient, DeliverySettings, send_plan
from braze_assets.delivery.wide import for_wide_objects, holding_little
from braze_assets.emulator.settings import DEFAULT_API_KEY
from braze_assets.ledger import Ledger
from braze_assets.plan import PlanSettings
from braze_assets.plan.csv_plan import ROW_GROUP_BYTES, make_csv_plan
from braze_assets.storage import Storage, StoredTable, connect, open_path, write_parquet

__all__ = ["BUCKET", "MEMORY", "THREADS", "loop", "plan", "send"]

NAME = "drop"
MEMORY = "100MB"
"""What DuckDB is left in each of the two steps."""
BUCKET = "csv"
THREADS = 20
OBJECTS = 75


def plan(folder: str) -> int:
    """From the folder on S3 to a stored plan."""
    os.environ["BRAZE_ASSETS_MEMORY_LIMIT"] = MEMORY
    settings = CsvSettings()
    place = open_place(f"s3://{BUCKET}/in")
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
        return write_parquet(
            open_path(f"{folder}/plan.parquet"),
            made.reader(),
            metadata=made.documents,
            row_group_bytes=ROW_GROUP_BYTES,
        ).rows


def send(folder: str, url: str) -> int:
    """Begin, send, write receipts, fold."""
    os.environ["BRAZE_ASSETS_MEMORY_LIMIT"] = MEMORY
    stored = f"{folder}/plan.parquet"
    settings = for_wide_objects(DeliverySettings())
    with holding_little(), BrazeClient(endpoint=url, api_key=DEFAULT_API_KEY, settings=settings) as client:
        return send_plan(
            plan=StoredTable.at(stored),
            plan_uri=stored,
            ledger=Ledger(Storage(folder), NAME, "external_id"),
            client=client,
            limits=Limits(requests_per_window=10**9),
            settings=settings,
            mode="live",
        ).accepted


def loop(url: str) -> int:
    """Read as it comes, look at every cell, send in waves."""
    import boto3
    import requests

    def post(objects: list[dict[str, Any]]) -> int:
        headers = {"Authorization": f"Bearer {DEFAULT_API_KEY}"}
        reply = requests.post(f"{url}/users/track", json={"attributes": objects}, headers=headers, timeout=60)
        reply.raise_for_status()
        return int(reply.json()["message"] == "success")

    body = boto3.client("s3").get_object(Bucket=BUCKET, Key="in/loyalty.csv")["Body"]
    reader = csv.reader(io.TextIOWrapper(io.BufferedReader(_Raw(body)), encoding="utf-8", newline=""))
    names = next(reader)[1:]
    objects = ({"external_id": row[0], **_attributes(names, row[1:])} for row in reader)
    sent = 0
    while wave := [part for _ in range(THREADS) if (part := list(islice(objects, OBJECTS)))]:
        with ThreadPoolExecutor(THREADS) as pool:
            sent += sum(pool.map(post, wave))
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

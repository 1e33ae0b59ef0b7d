"""A pipeline over a local Braze, with a journal that only remembers."""

import json
import random
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa

from braze_assets.braze.limits import Limits
from braze_assets.delivery.client import BrazeClient
from braze_assets.delivery.limiter import RateLimiter
from braze_assets.delivery.pipeline import Pipeline
from braze_assets.delivery.report import Delivered
from braze_assets.delivery.settings import DeliverySettings

KEY = "planted-0f1e2d3c-key-5a6b7c8d"
"""A key that must be found nowhere."""

FAST = DeliverySettings(
    connect_timeout=2.0,
    read_timeout=1.0,
    backoff_base=0.01,
    backoff_cap=0.03,
    journal_interval=0.05,
    max_attempts=4,
    settling_time=0.0,
    progress_interval=0.05,
)


class Remembered:
    """A journal in memory. `fail_at` raises at that write, counted from 1."""

    def __init__(self, *, fail_at: int | None = None, error: Exception | None = None) -> None:
        self.tables: list[pa.Table] = []
        self.writes = 0
        self._fail_at, self._error = fail_at, error

    def record(self, receipts: pa.Table) -> None:
        self.writes += 1
        if self._fail_at is not None and self.writes >= self._fail_at and self._error is not None:
            raise self._error
        self.tables.append(receipts)

    def check(self) -> None:
        """It is never taken over."""

    @property
    def receipts(self) -> list[dict[str, Any]]:
        rows = [row for table in self.tables for row in table.to_pylist()]
        return sorted(rows, key=lambda row: row["n"])

    def outcomes(self) -> dict[int, str]:
        rows = self.receipts
        found = {row["n"]: row["outcome"] for row in rows}
        assert len(found) == len(rows), "an object with two outcomes"
        return found


def user(number: int) -> str:
    return f"user-{number:05d}"


def objects(count: int, *, bad: Iterable[int] = (), size: int = 0) -> list[str]:
    """Objects as a plan renders them; the bad ones have an e-mail address that Braze refuses."""
    spoiled = set(bad)
    texts = []
    for number in range(count):
        each: dict[str, Any] = {"external_id": user(number), "_update_existing_only": False, "visits": number}
        if number in spoiled:
            each["email"] = "not an address"
        if size:
            each["notes"] = "x" * size
        texts.append(json.dumps(each, separators=(",", ":")))
    return texts


def stream(texts: list[str], *, rows: int = 500) -> Iterator[pa.RecordBatch]:
    table = pa.table(
        {
            "n": pa.array(range(len(texts)), pa.int64()),
            "identifier": pa.array([user(n) for n in range(len(texts))]),
            "object": pa.array(texts),
            "data_points": pa.array([1] * len(texts), pa.int32()),
        }
    )
    yield from table.to_batches(max_chunksize=rows)


def deliver(
    url: str,
    texts: list[str],
    *,
    journal: Remembered | None = None,
    settings: DeliverySettings = FAST,
    limits: Limits | None = None,
    key: str = KEY,
    cancelled: Callable[[], bool] | None = None,
    progress: Callable[[Any], None] | None = None,
    source: Iterable[pa.RecordBatch] | None = None,
) -> tuple[Delivered, Remembered]:
    """Send these objects; returns how it ended and the journal. No thread is left behind."""
    journal = journal or Remembered()
    limits = limits or Limits()
    with BrazeClient(endpoint=url, api_key=key, settings=settings) as client:
        pipeline = Pipeline(
            client=client,
            limiter=RateLimiter.of(limits),
            journal=journal,
            plan_id="plan-1",
            total=len(texts),
            limits=limits,
            settings=settings,
            progress=progress,
            cancelled=cancelled,
            chance=random.Random(1),
        )
        try:
            delivered = pipeline.run(stream(texts) if source is None else source)
        finally:
            left = [each.name for each in threading.enumerate() if each.name.startswith("braze-")]
            assert not left, left
    return delivered, journal

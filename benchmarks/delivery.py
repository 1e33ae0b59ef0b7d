"""From a stored plan to the folded ledger against a local Braze, beside what users have today.

Today: 20 threads in waves, each with a `requests` session of its own, nothing written down.
"""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq
import requests

from benchmarks.figures import Figure
from benchmarks.measure import Step, measured
from benchmarks.people import ATTRIBUTES, SYNC
from benchmarks.scale import Scale
from braze_assets.braze.limits import Limits
from braze_assets.delivery import BrazeClient, DeliverySettings, send_plan
from braze_assets.emulator import DEFAULT_API_KEY, LocalBraze
from braze_assets.ledger import Ledger
from braze_assets.storage import Storage, StoredTable

__all__ = ["run"]

THREADS = 20
OBJECTS = 75
_CASES = ((0, True), (0, False), (100, True), (100, False))
"""Milliseconds of latency, and whether the limits are raised."""


def run(scale: Scale, work: Path) -> list[Figure]:
    """Every latency: ours with limits raised, the loop, ours with the documented limit."""
    folder = str(work / "first-sync")
    measured("people:prepare", folder=folder, users=scale.sent_users, with_ledger=False)
    objects = measured("plan:make", folder=folder).result["objects"]
    plan = f"{folder}/plan.parquet"
    figures, loops = [], {}
    for latency, raised in _CASES:
        with LocalBraze(
            run="process",
            count_only=True,
            latency_ms=latency,
            requests_per_window=None if raised else Limits().requests_per_window,
        ) as braze:
            if latency not in loops:
                loops[latency] = measured("delivery:loop", url=braze.url, plan=plan)
                _check(braze, objects)
            ours = measured("delivery:send", url=braze.url, plan=plan, raised=raised)
            _check(braze, objects)
        figures += _figures(objects, latency, raised, ours, loops[latency])
    return figures


def _check(braze: LocalBraze, objects: int) -> None:
    accepted = braze.control.counters()["accepted"]
    braze.control.reset_counters()
    if accepted != objects:
        raise RuntimeError(f"the local Braze accepted {accepted} objects of {objects}")


def _figures(objects: int, latency: int, raised: bool, ours: Step, loop: Step) -> list[Figure]:
    limits = "limits raised" if raised else "documented limit"
    common = {"case": "delivery", "beside": f"`requests` loop, {THREADS} threads in waves, no limit"}
    report = ours.result
    first = Figure(
        **common,
        what=f"stored plan to folded ledger: {objects:,} users x {len(ATTRIBUTES)}, {latency} ms, {limits}",
        value=objects / ours.seconds,
        baseline=objects / loop.seconds,
        unit="users/s",
        note=f"{report['requests']:,} and {loop.result:,} requests, at most {report['in_flight']} in flight; "
        f"of {ours.seconds:.1f} s sending took {report['seconds']:.1f} s",
    )
    second = Figure(
        **common,
        what=f"CPU of the sender, {latency} ms, {limits}",
        value=ours.cpu / objects * 1e6,
        baseline=loop.cpu / objects * 1e6,
        unit="µs/user",
        note=f"peak memory {ours.peak:,.0f} and {loop.peak:,.0f} MB",
    )
    return [first, second]


def send(url: str, plan: str, raised: bool) -> dict[str, float]:
    """Begin, send, write receipts, fold."""
    settings = DeliverySettings()
    limits = Limits(requests_per_window=10**9) if raised else Limits()
    with (
        tempfile.TemporaryDirectory() as folder,
        BrazeClient(endpoint=url, api_key=DEFAULT_API_KEY, settings=settings) as client,
    ):
        report = send_plan(
            plan=StoredTable.at(plan),
            plan_uri=plan,
            ledger=Ledger(Storage(folder), SYNC, "external_id"),
            client=client,
            limits=limits,
            settings=settings,
            mode="live",
        )
    return {"requests": report.requests, "seconds": report.seconds, "in_flight": report.in_flight}


def loop(url: str, plan: str) -> int:
    """The same bodies, ready made; users' own loops also write the JSON."""
    objects = (
        text
        for batch in pq.ParquetFile(plan).iter_batches(7_500, columns=["object"])
        for text in batch.column("object").to_pylist()
    )
    sent = 0
    while wave := [part for _ in range(THREADS) if (part := list(islice(objects, OBJECTS)))]:
        with ThreadPoolExecutor(THREADS) as pool:
            sent += sum(pool.map(lambda part: _post(url, part), wave))
    return sent


def _post(url: str, objects: list[str]) -> int:
    body = f'{{"attributes":[{",".join(objects)}]}}'.encode()
    headers = {"Authorization": f"Bearer {DEFAULT_API_KEY}", "Content-Type": "application/json"}
    with requests.Session() as session:
        reply = session.post(f"{url}/users/track", data=body, headers=headers, timeout=60)
    reply.raise_for_status()
    return int(reply.json()["message"] == "success")

"""From a stored plan to the folded ledger against a local Braze, beside what users have today.

Today: 20 threads in waves, each with a `requests` session of its own, nothing written down.
"""

import shutil
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from unittest.mock import patch

import pandas  # noqa: F401 - Arrow loads it for its first array; what importing takes is not measured
import pyarrow as pa
import pyarrow.parquet as pq
import requests

from benchmarks.figures import Figure
from benchmarks.measure import Step, fastest, measured
from benchmarks.people import ATTRIBUTES, SYNC
from benchmarks.scale import FULL, Scale
from braze_assets.braze.limits import Limits
from braze_assets.delivery import BrazeClient, DeliverySettings, send_plan
from braze_assets.delivery.pipeline import Pipeline
from braze_assets.delivery.report import Delivered
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
            ours = _sent(braze.url, plan, work, raised=raised)
            _check(braze, objects)
        figures += _figures(objects, latency, raised, ours, loops[latency])
    for users in scale.limit_users:
        figures += _at_the_limit(users, scale, work, loops[100], objects)
    return figures


def _at_the_limit(users: int, scale: Scale, work: Path, loop: Step, looped: int) -> list[Figure]:
    """Some windows of the documented limit; the loop's pace is that of the smaller send."""
    folder = str(work / f"at-the-limit-{users}")
    measured("people:prepare", folder=folder, users=users, with_ledger=False)
    objects = measured("plan:make", folder=folder).result["objects"]
    limits = Limits()
    with LocalBraze(
        run="process", count_only=True, latency_ms=100, requests_per_window=limits.requests_per_window
    ) as braze:
        steps = []
        # A minute's send needs no second one.
        for _ in range(scale.repeats if users == scale.limit_users[0] else 1):
            steps.append(_sent(braze.url, f"{folder}/plan.parquet", work, raised=False))
            refused = int(braze.control.counters()["rate_limited"])
            _check(braze, objects)
            if refused:
                raise RuntimeError(f"{refused} replies with 429 at the configured limit")
    ours = fastest(steps)
    judged = users in FULL.limit_users
    most = limits.requests_per_window / limits.window_seconds * limits.objects_per_request
    common = {"case": "delivery", "beside": f"`requests` loop, {THREADS} threads in waves, no limit"}
    of = f"{objects:,} users x {len(ATTRIBUTES)}, 100 ms, documented limit"
    sender = ours.result["sender_cpu"] / objects * 1e6
    return [
        Figure(
            **common,
            what=f"stored plan to folded ledger: {of}",
            value=objects / ours.seconds,
            baseline=looped / loop.seconds,
            unit="users/s",
            goal=f"{0.95 * most:,.0f} users/s",
            met=objects / ours.seconds >= 0.95 * most if users == FULL.limit_users[-1] else None,
            note=f"0 replies with 429; of {ours.seconds:.1f} s sending took {ours.result['seconds']:.1f} s",
        ),
        Figure(
            **common,
            what="CPU of its sender",
            value=sender,
            baseline=loop.cpu / looped * 1e6,
            unit="µs/user",
            goal="13 µs/user",
            met=sender <= 13 if judged else None,
            note=f"with everything before and after it {ours.cpu / objects * 1e6:.1f} µs/user; the folding "
            "that goes on meanwhile is in both",
        ),
        Figure(
            **common,
            what="peak memory of that",
            value=ours.peak,
            baseline=loop.peak,
            unit="MB",
            goal="1,500 MB",
            met=ours.peak <= 1_500 if judged else None,
        ),
    ]


def _sent(url: str, plan: str, work: Path, *, raised: bool) -> Step:
    """Into a ledger of its own; to remove that is no part of a send."""
    ledger = work / "ledger-of-a-send"
    try:
        return measured("delivery:send", url=url, plan=plan, ledger=str(ledger), raised=raised)
    finally:
        shutil.rmtree(ledger, ignore_errors=True)


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


def send(url: str, plan: str, ledger: str, raised: bool) -> dict[str, float]:
    """Begin, send, write receipts, fold."""
    settings = DeliverySettings()
    limits = Limits(requests_per_window=10**9) if raised else Limits()
    with (
        BrazeClient(endpoint=url, api_key=DEFAULT_API_KEY, settings=settings) as client,
        patch("braze_assets.delivery.send.Pipeline", _Watched),
    ):
        report = send_plan(
            plan=StoredTable.at(plan),
            plan_uri=plan,
            ledger=Ledger(Storage(ledger), SYNC, "external_id"),
            client=client,
            limits=limits,
            settings=settings,
            mode="live",
        )
    return {
        "requests": report.requests,
        "seconds": report.seconds,
        "in_flight": report.in_flight,
        "sender_cpu": _Watched.cpu,
    }


class _Watched(Pipeline):
    """A pipeline that notes the CPU time of its process from its first request to its last receipt."""

    cpu = 0.0

    def run(self, stream: Iterable[pa.RecordBatch]) -> Delivered:
        start = time.process_time()
        try:
            return super().run(stream)
        finally:
            type(self).cpu = time.process_time() - start


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

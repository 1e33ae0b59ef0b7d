"""An hour of Avro to deduplicated Parquet, beside fastavro's bare decode of the same files."""

import io
import itertools
import os
import random
import uuid
from functools import partial
from pathlib import Path

import fastavro
import numpy as np
import pyarrow as pa

from benchmarks.figures import Figure
from benchmarks.measure import best, measured
from benchmarks.people import NOW as HOUR
from benchmarks.scale import Scale
from braze_assets.currents.decode import decode as decode_file
from braze_assets.currents.events import avro_schema
from braze_assets.currents.generator import GeneratorSettings
from braze_assets.currents.ingest import ingest_hour
from braze_assets.currents.listing import CurrentsSource
from braze_assets.currents.paths import CurrentsKey, build_key
from braze_assets.currents.timeline import Timeline
from braze_assets.storage import open_path, write_parquet

__all__ = ["run"]

EVENT_TYPE = "users.messages.email.Open"
EVENTS_A_FILE = 15_000
"""As many as Currents writes to a file in ordinary load (Braze documentation, September 2026)."""
DUPLICATES = 0.01


def run(scale: Scale, work: Path) -> list[Figure]:
    """Write the files once, then read them both ways."""
    feed = str(work / "feed")
    written = measured("currents:write", feed=feed, events=scale.events).result
    ours, both, bare = best(
        scale.repeats,
        partial(measured, "currents:ingest", feed=feed, table=str(work / "opens.parquet"), cores=1),
        partial(measured, "currents:ingest", feed=feed, table=str(work / "opens.parquet"), cores=2),
        partial(measured, "currents:decode", feed=feed, cores=1),
    )
    if ours.result["records"] != bare.result or ours.result["rows"] != scale.events:
        raise RuntimeError(f"{written} were written, {ours.result} ingested, {bare.result} decoded")
    common = {
        "case": "currents",
        "beside": "fastavro: decode of the same files, records dropped, one core",
    }
    what = f"Avro to deduplicated Parquet: {bare.result:,} email opens in {written['files']} files"
    return [
        Figure(
            **common,
            what=f"{what}, {cores}",
            value=bare.result / step.seconds,
            baseline=bare.result / bare.seconds,
            unit="events/s",
            note=f"CPU {step.cpu:.1f} s and {bare.cpu:.1f} s",
        )
        for step, cores in ((ours, "one core"), (both, "two cores"))
    ] + [Figure(**common, what="peak memory of that", value=both.peak, baseline=bare.peak, unit="MB")]


def write(feed: str, events: int, events_a_file: int = EVENTS_A_FILE) -> dict[str, int]:
    """An hour of opens, one in a hundred of them twice.

    The events are those of the generator over and over, each with its own id: drawing every one would take
    minutes.
    """
    people = [f"customer-{number}" for number in range(10_000)]
    patterns = Timeline(7, people, min(events, 20_000)).events(EVENT_TYPE, HOUR)
    rng = random.Random(7)
    schema = fastavro.parse_schema(avro_schema(EVENT_TYPE))
    repeated = itertools.cycle(patterns)
    made = (
        {**next(repeated), "id": str(uuid.UUID(int=rng.getrandbits(128), version=4))} for _ in range(events)
    )
    files = records = 0
    while some := list(itertools.islice(made, events_a_file)):
        some += rng.sample(some, int(DUPLICATES * len(some)))
        key = CurrentsKey(
            event_type=EVENT_TYPE,
            hour=HOUR,
            layout="version",
            integration=GeneratorSettings(external_ids=()).integration,
            version=10,
            environment="us-01",
            partition=files % 4,
            offset=files * events_a_file,
        )
        path = Path(feed, build_key(key))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as sink:
            fastavro.writer(sink, schema, some)
        files += 1
        records += len(some)
    return {"files": files, "events": records}


def ingest(feed: str, table: str, cores: int) -> dict[str, int]:
    """Decode, deduplicate and write one Parquet file."""
    _pin(cores)
    hour = ingest_hour(CurrentsSource(feed), EVENT_TYPE, HOUR)
    rows = write_parquet(open_path(table), hour.encoded()).rows
    return {"records": hour.report.records, "rows": rows}


def decode(feed: str, cores: int) -> int:
    """Decode a file at a time, and drop the records."""
    _pin(cores)
    count = 0
    for file in sorted(Path(feed).rglob("*.avro")):
        with file.open("rb") as source:
            for _ in fastavro.reader(source):
                count += 1
    return count


def _pin(cores: int) -> None:
    """Use so many processors only, all threads of this process."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-cores:])


def _ready() -> None:
    """Load the compiled loops, and pandas, which pyarrow does by itself: imports are not what is measured."""
    pa.array(np.empty(0))
    sink = io.BytesIO()
    schema = {"type": "record", "name": "E", "fields": [{"name": "id", "type": "string"}]}
    fastavro.writer(sink, schema, [{"id": "x"}] * 1_000)
    decode_file(sink.getvalue(), dictionaries=True)
    decode_file(sink.getvalue())


_ready()

"""An hour of Avro to deduplicated Parquet, beside fastavro's bare decode of the same files."""

import itertools
import random
import uuid
from functools import partial
from pathlib import Path

import fastavro
import polars  # noqa: F401 - importing it is not what is measured

from benchmarks.figures import Figure
from benchmarks.measure import best, measured
from benchmarks.people import NOW as HOUR
from benchmarks.scale import Scale
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
    ours, bare = best(
        scale.repeats,
        partial(measured, "currents:ingest", feed=feed, table=str(work / "opens.parquet")),
        partial(measured, "currents:decode", feed=feed),
    )
    if ours.result["records"] != bare.result or ours.result["rows"] != scale.events:
        raise RuntimeError(f"{written} were written, {ours.result} ingested, {bare.result} decoded")
    common = {
        "case": "currents",
        "beside": "fastavro: decode of the same files, records dropped, one process",
    }
    return [
        Figure(
            **common,
            what=f"Avro to deduplicated Parquet: {bare.result:,} email opens in {written['files']} files",
            value=bare.result / ours.seconds,
            baseline=bare.result / bare.seconds,
            unit="events/s",
            note=f"CPU {ours.cpu:.1f} s and {bare.cpu:.1f} s",
        ),
        Figure(**common, what="peak memory of that", value=ours.peak, baseline=bare.peak, unit="MB"),
    ]


def write(feed: str, events: int) -> dict[str, int]:
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
    files = 0
    while some := list(itertools.islice(made, EVENTS_A_FILE)):
        some += rng.sample(some, int(DUPLICATES * len(some)))
        key = CurrentsKey(
            event_type=EVENT_TYPE,
            hour=HOUR,
            layout="version",
            integration=GeneratorSettings(external_ids=()).integration,
            version=10,
            environment="us-01",
            partition=files % 4,
            offset=files * EVENTS_A_FILE,
        )
        path = Path(feed, build_key(key))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as sink:
            fastavro.writer(sink, schema, some)
        files += 1
    return {"files": files}


def ingest(feed: str, table: str) -> dict[str, int]:
    """Decode, deduplicate and write one Parquet file."""
    hour = ingest_hour(CurrentsSource(feed), EVENT_TYPE, HOUR)
    rows = write_parquet(open_path(table), hour.reader()).rows
    return {"records": hour.report.records, "rows": rows}


def decode(feed: str) -> int:
    """Decode a file at a time, and drop the records."""
    count = 0
    for file in sorted(Path(feed).rglob("*.avro")):
        with file.open("rb") as source:
            for _ in fastavro.reader(source):
                count += 1
    return count

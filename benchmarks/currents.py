"""Avro to deduplicated Parquet, beside fastavro's bare decode of the same files.

python -m benchmarks.currents [events] [codec]
"""

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import fastavro

from braze_assets.currents.generator import GeneratorSettings, write_hours
from braze_assets.currents.ingest import IngestSettings, ingest_hour
from braze_assets.currents.listing import CurrentsSource
from braze_assets.storage import open_path, write_parquet

HOUR = datetime(2026, 11, 20, 7, tzinfo=timezone.utc)
EVENT_TYPE = "users.messages.email.Send"
EVENTS_A_FILE = 15_000
"""As many as Currents writes to a file in ordinary load."""


def write_files(folder: str, events: int, codec: str = "null") -> list[Path]:
    """Write one hour of sends, one in a hundred of them twice."""
    settings = GeneratorSettings(
        external_ids=[f"customer-{number}" for number in range(10_000)],
        sends_per_hour=events,
        event_types=[EVENT_TYPE],
        files_per_hour=max(1, events // EVENTS_A_FILE),
        codec=codec,  # type: ignore[arg-type]
    )
    return [Path(file.uri) for file in write_hours(folder, settings, [HOUR])]


def decode_bare(files: list[Path]) -> int:
    """Decode with fastavro, a file at a time, and drop the records."""
    count = 0
    for file in files:
        with file.open("rb") as source:
            for _ in fastavro.reader(source):
                count += 1
    return count


def load(folder: str, destination: str, workers: int = IngestSettings.workers) -> int:
    """Decode, deduplicate and write one Parquet file; the records decoded."""
    hour = ingest_hour(CurrentsSource(folder), EVENT_TYPE, HOUR, settings=IngestSettings(workers=workers))
    write_parquet(open_path(destination), hour.reader())
    return hour.report.records


def measure(events: int, codec: str = "null") -> Iterator[tuple[str, int, float]]:
    """What was done, how many records, and seconds."""
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(f"{folder}/feed", events, codec)
        load(f"{folder}/feed", f"{folder}/warm.parquet")
        for workers in (1, IngestSettings.workers):
            start = time.perf_counter()
            records = load(f"{folder}/feed", f"{folder}/table.parquet", workers)
            yield f"Avro to deduplicated Parquet, {workers} workers", records, time.perf_counter() - start
        start = time.perf_counter()
        yield "fastavro, bare decode", decode_bare(files), time.perf_counter() - start


def main() -> None:
    """Print a table."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 300_000
    for what, records, seconds in measure(events, *sys.argv[2:3]):
        print(f"{what:45} {records:>9,} records {seconds:6.2f} s {records / seconds:>10,.0f} events/s")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main()

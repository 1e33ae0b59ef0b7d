"""100,000 keys in bounded time, memory and requests (K41)."""

import bisect
import tracemalloc
from datetime import datetime, timedelta, timezone
from typing import Any

from braze_assets.currents.discovery import discover
from braze_assets.currents.events import event_types
from braze_assets.currents.listing import CurrentsSource
from braze_assets.currents.paths import hour_name

NOW = datetime(2026, 11, 20, 12, 45, tzinfo=timezone.utc)
TYPES = event_types()[:50]
PREFIX = "currents/d.S3.integration.1"


class _Bucket:
    """An S3 listing over sorted keys. (moto looks at every key for every request.)"""

    def __init__(self, keys: list[str]) -> None:
        self.keys = sorted(keys)
        self.requests = 0

    def get_paginator(self, name: str) -> "_Bucket":
        return self

    def paginate(self, Prefix: str, StartAfter: str = "", Delimiter: str = "", **options: Any) -> Any:  # noqa: N803
        most = options.get("PaginationConfig", {}).get("PageSize", 1000)
        place = max(bisect.bisect_left(self.keys, Prefix), bisect.bisect_right(self.keys, StartAfter))
        while True:
            self.requests += 1
            contents, common = [], []
            while place < len(self.keys) and self.keys[place].startswith(Prefix):
                if len(contents) + len(common) == most:
                    break
                key = self.keys[place]
                folder, slash, _ = key[len(Prefix) :].partition(Delimiter) if Delimiter else ("", "", "")
                if slash:
                    common.append({"Prefix": f"{Prefix}{folder}/"})
                    place = bisect.bisect_left(self.keys, f"{Prefix}{folder}0")
                    continue
                contents.append({"Key": key, "Size": 9, "LastModified": NOW, "ETag": '"e"'})
                place += 1
            more = place < len(self.keys) and self.keys[place].startswith(Prefix)
            yield {"Contents": contents, "CommonPrefixes": common, "IsTruncated": more}
            if not more or "PaginationConfig" in options:
                return


def test_100_000_keys() -> None:
    """K41: those of the look-back are listed, years before it are not."""
    top = NOW.replace(minute=0)
    keys = [
        f"{PREFIX}/event_type={name}/date={hour_name(top - timedelta(hours=back))}/version=10/us/f+0+{n}.avro"
        for name in TYPES
        for back, files in (
            *((each, 80) for each in range(1, 26)),
            *((each, 1) for each in range(100, 2100, 10)),
        )
        for n in range(files)
    ]
    bucket = _Bucket(keys)
    url = "s3://bucket/currents"
    first = discover(
        CurrentsSource(url, bucket),
        TYPES,
        None,
        start=top - timedelta(hours=25),
        now=NOW,  # type: ignore[arg-type]
    )
    assert first.files == 100_000
    bucket.requests = 0
    tracemalloc.start()
    look = discover(
        CurrentsSource(url, bucket),  # type: ignore[arg-type]
        TYPES,
        first.cursor,
        start=top - timedelta(hours=2500),
        now=NOW,
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (look.asks, look.behind) == ((), 0)
    assert look.cursor is not None
    assert bucket.requests <= 2 + 1 + len(TYPES) * 4
    assert peak < 60e6
    assert len(look.cursor.dumps()) < 40_000

"""The columns of an event table beyond what the files hold."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from braze_assets.currents.avro_types import column_type
from braze_assets.currents.events import avro_schema

__all__ = ["ADDED", "Times", "documented_schema", "event_time", "times"]

ADDED = pa.schema([("event_time", pa.timestamp("us", tz="UTC")), ("_file", pa.string())])
"""Columns this project adds: the event's own time, and the key of the file it came in."""

_LAST_SECOND = 253_402_300_799
"""The last second of the year 9999."""
_MILLISECONDS = (1_262_304_000_000, 4_102_444_800_000)
"""From 2010 to 2100 in milliseconds. In seconds that would be far beyond the year 9999."""
_AHEAD = timedelta(days=1)
"""How far a clock may be ahead before a time counts as one of the future."""


@dataclass(frozen=True)
class Times:
    """What is to be said of some events' times."""

    first: datetime | None = None
    last: datetime | None = None
    missing: int = 0
    """Events without a `time`, or with one that is no time."""
    in_milliseconds: int = 0
    """Events with `time` in milliseconds; their `event_time` is right."""
    in_future: int = 0
    """Events more than a day ahead of the clock."""

    def __add__(self, other: "Times") -> "Times":
        firsts = [each for each in (self.first, other.first) if each is not None]
        lasts = [each for each in (self.last, other.last) if each is not None]
        return Times(
            min(firsts, default=None),
            max(lasts, default=None),
            self.missing + other.missing,
            self.in_milliseconds + other.in_milliseconds,
            self.in_future + other.in_future,
        )


def documented_schema(event_type: str) -> pa.Schema:
    """The columns an event type has at least, all nullable: the documented ones, or `id` and `time`."""
    fields = avro_schema(event_type)["fields"]
    if not fields:
        return pa.schema([("id", pa.string()), ("time", pa.int64())])
    return pa.schema([(field["name"], column_type(field["name"], field["type"])) for field in fields])


def event_time(events: pa.Table) -> pa.ChunkedArray:
    """`time` as a timestamp, from seconds or, where it can be nothing else, milliseconds.

    Null where it is missing or no time of the years 1970 to 9999.
    """
    kind = ADDED.field("event_time").type
    given = _numbers(events)
    if given is None:
        return pa.chunked_array([pa.nulls(events.num_rows, kind)])
    sane = pc.and_(pc.greater_equal(given, 0), pc.less_equal(given, _LAST_SECOND))
    milliseconds = pc.multiply(pc.cast(pc.if_else(sane, given, None), pa.int64(), safe=False), 1000)
    converted = pc.cast(pc.if_else(_in_milliseconds(given), given, None), pa.int64(), safe=False)
    return pc.cast(pc.cast(pc.coalesce(milliseconds, converted), pa.timestamp("ms", tz="UTC")), kind)


def times(events: pa.Table, now: datetime) -> Times:
    """The span of the events' times, and what is wrong with them."""
    if not events.num_rows:
        return Times()
    found = event_time(events)
    span = pc.min_max(found).as_py()
    given = _numbers(events)
    future = pc.sum(pc.greater(found, pa.scalar(now + _AHEAD, found.type))).as_py()
    in_milliseconds = 0 if given is None else pc.sum(_in_milliseconds(given)).as_py()
    return Times(span["min"], span["max"], found.null_count, in_milliseconds or 0, future or 0)


def _numbers(events: pa.Table) -> pa.ChunkedArray | None:
    if "time" not in events.column_names:
        return None
    given = events.column("time")
    return given if pa.types.is_integer(given.type) or pa.types.is_floating(given.type) else None


def _in_milliseconds(given: pa.ChunkedArray) -> Any:
    first, last = _MILLISECONDS
    return pc.and_(pc.greater_equal(given, first), pc.less_equal(given, last))

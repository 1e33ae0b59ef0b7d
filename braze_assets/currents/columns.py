"""The columns of an event table beyond what the files hold."""

import pyarrow as pa
import pyarrow.compute as pc

from braze_assets.currents.avro_types import arrow_type
from braze_assets.currents.events import avro_schema

__all__ = ["ADDED", "documented_schema", "event_time"]

ADDED = pa.schema([("event_time", pa.timestamp("us", tz="UTC")), ("_file", pa.string())])
"""Columns this project adds: the event's own time, and the key of the file it came in."""

_LAST_SECOND = 253_402_300_799
"""The last second of the year 9999."""


def documented_schema(event_type: str) -> pa.Schema:
    """The columns an event type has at least, all nullable: the documented ones, or `id` and `time`."""
    fields = avro_schema(event_type)["fields"]
    if not fields:
        return pa.schema([("id", pa.string()), ("time", pa.int64())])
    return pa.schema([(field["name"], arrow_type(field["type"])) for field in fields])


def event_time(events: pa.Table) -> pa.ChunkedArray:
    """`time` in seconds as a timestamp; null where it is missing or no time of the years 1970 to 9999."""
    kind = ADDED.field("event_time").type
    seconds = events.column("time")
    if not (pa.types.is_integer(seconds.type) or pa.types.is_floating(seconds.type)):
        return pa.chunked_array([pa.nulls(events.num_rows, kind)])
    sane = pc.and_(pc.greater_equal(seconds, 0), pc.less_equal(seconds, _LAST_SECOND))
    whole = pc.cast(pc.if_else(sane, seconds, None), pa.int64(), safe=False)
    return pc.cast(pc.cast(whole, pa.timestamp("s", tz="UTC")), kind)

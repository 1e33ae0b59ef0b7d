"""What a file of segments is: the Python form of its YAML."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from pathlib import Path

import dagster as dg

from braze_assets.assets.flow import ALWAYS, Source
from braze_assets.assets.timing import BY_HAND, Timing
from braze_assets.segments import Segment, Tables

__all__ = ["SegmentDefinition", "SegmentsDefinition", "segment_key"]


def segment_key(name: str) -> dg.AssetKey:
    """The asset key of a segment's members."""
    return dg.AssetKey(["segments", name])


@dataclass(frozen=True, kw_only=True)
class SegmentDefinition:
    """One segment, and what is said of it."""

    segment: Segment
    tables: Sequence[str]
    """The tables its rule reads, that of the customers included."""
    description: str | None = None
    owners: Sequence[str] = ()
    file: Path | None = None
    """Where it is written."""
    line: int | None = None

    @property
    def name(self) -> str:
        """The name of the segment, and of its asset."""
        return self.segment.name


@dataclass(frozen=True, kw_only=True)
class SegmentsDefinition:
    """Segments that are computed together, in one pass over the tables they share.

    `braze_assets.components.Segments` makes it from YAML; `build_segments` makes assets from it.
    """

    name: str
    """Of the job, and of the step that computes them."""
    segments: Sequence[SegmentDefinition]
    tables: Tables
    """What is known of the tables before they are read: names, and columns of some."""
    others: Mapping[str, Segment] = field(default_factory=dict)
    """Segments of other files, by name: rules may speak of them."""
    sources: Mapping[str, Source] = field(default_factory=dict)
    """Where tables come from, by name in lower case; an asset of `customer_360` where it is not said."""
    partitions: dg.TimeWindowPartitionsDefinition | None = None
    timing: Timing = BY_HAND
    """When they are computed."""
    within: tuple[date | None, date | None] = ALWAYS
    """First and last day the schedule runs for."""
    group: str = "segments"
    located: Callable[[], AbstractContextManager[None]] = nullcontext
    """Gives errors of rules the file and line of what is wrong."""

    def source(self, table: str) -> Source:
        """Where a table comes from."""
        return self.sources.get(table) or Source(asset=dg.AssetKey(["customer_360", table]))

    def as_of(self, partition: str | None, now: datetime) -> datetime:
        """The moment a partition is computed for: its end, or now where there are no partitions."""
        if self.partitions is None or partition is None:
            return now
        return self.partitions.time_window_for_partition_key(partition).end.astimezone(timezone.utc)

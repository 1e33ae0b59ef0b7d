"""What a file of segments is: the Python form of its YAML."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg

from braze_assets.assets.flow import Source, Timed
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
class SegmentsDefinition(Timed):
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
    group: str = "segments"
    located: Callable[[], AbstractContextManager[None]] = nullcontext
    """Gives errors of rules the file and line of what is wrong."""

    @property
    def leads(self) -> Sequence[dg.AssetKey]:
        """All of them: each by its own tables."""
        return [segment_key(each.name) for each in self.segments]

    def source(self, table: str) -> Source:
        """Where a table comes from; an asset of `customer_360` where it is not said."""
        return self.sources.get(table) or Source(asset=dg.AssetKey(["customer_360", table]))

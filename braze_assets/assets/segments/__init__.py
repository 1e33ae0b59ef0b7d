"""Segments as assets: who is a member of what, day by day."""

from braze_assets.assets.segments.build import build_segments
from braze_assets.assets.segments.definition import SegmentDefinition, SegmentsDefinition, segment_key

__all__ = ["SegmentDefinition", "SegmentsDefinition", "build_segments", "segment_key"]

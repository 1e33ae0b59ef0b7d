"""Segments: rules over the Customer 360, compiled to SQL that can be read."""

from braze_assets.segments.checking import check_segments, tables_of
from braze_assets.segments.compiling import compile_segments, membership_sql
from braze_assets.segments.reading import Path, read_rule
from braze_assets.segments.rules import Rule, Segment
from braze_assets.segments.schemas import Tables, near

__all__ = [
    "Path",
    "Rule",
    "Segment",
    "Tables",
    "check_segments",
    "compile_segments",
    "membership_sql",
    "near",
    "read_rule",
    "tables_of",
]

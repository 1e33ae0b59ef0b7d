"""What the send of a flow, or a segment, says of itself: the list of orchestrations is made of it."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from braze_assets.assets.flow import Flow, Timed
from braze_assets.assets.timing import AFTER_NEW_DATA, Timing

__all__ = ["FACTS", "PAUSED", "SEGMENTS", "described", "facts_of", "segments_facts", "timing_said"]

FACTS = "orchestration"
"""Metadata of the asset of a send, or of a segment."""
SEGMENTS = "segments"
"""The kind of what sends nothing."""
PAUSED = "paused"
"""Metadata of the assets of a flow that does nothing by itself, with the reason."""


def facts_of(flow: Flow, started_by: str | None = None) -> dict[str, Any]:
    """The metadata of the send of a flow.

    Args:
        flow: What is sent.
        started_by: The schedule or sensor that starts it; by its timing when left out.
    """
    if started_by is None:
        started_by = _starter(flow, flow.key().path[-1])  # One for all destinations of a table.
    status = "draft" if flow.held_back else "active" if getattr(flow, "enabled", True) else "disabled"
    return _facts(flow, flow.kind, started_by, destination=flow.destination, mode=flow.mode, status=status)


def segments_facts(segments: Timed) -> dict[str, Any]:
    """The metadata of each segment of a file: nothing is sent, but what is sent waits for them."""
    started_by = _starter(segments, segments.name)
    return _facts(segments, SEGMENTS, started_by, destination="-", mode="-", status="active")


def _starter(flow: Timed, name: str) -> str:
    if flow.timing.manual:
        return ""
    return f"{name}_{'sensor' if flow.timing.when == AFTER_NEW_DATA else 'schedule'}"


def _facts(flow: Timed, kind: str, started_by: str, **more: str) -> dict[str, Any]:
    timing = flow.timing
    return {
        FACTS: {
            "name": flow.name,
            "kind": kind,
            "when": timing.when,
            "timezone": timing.timezone,
            "only_if_changed": timing.only_if_changed,
            "started_by": started_by,
            **more,
        }
    }


def described(metadata: Mapping[str, Any]) -> dict[str, Any] | None:
    """What an asset says of its flow; None where it is no send."""
    facts = metadata.get(FACTS)
    if facts is None:
        return None
    said = dict(facts.value if isinstance(facts, dg.MetadataValue) else facts)
    if PAUSED in metadata and said["status"] == "active":
        said["status"] = "disabled"
    return said


def timing_said(facts: Mapping[str, Any]) -> Timing:
    """The timing among the facts."""
    return Timing(facts["when"], facts["timezone"], facts["only_if_changed"])

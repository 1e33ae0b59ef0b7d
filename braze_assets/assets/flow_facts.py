"""What the send of a flow says of the flow: the list of orchestrations is made of it."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from braze_assets.assets.flow import Flow
from braze_assets.assets.timing import AFTER_NEW_DATA, Timing

__all__ = ["FACTS", "PAUSED", "described", "facts_of", "timing_said"]

FACTS = "orchestration"
"""Metadata of the asset of a send."""
PAUSED = "paused"
"""Metadata of the assets of a flow that does nothing by itself, with the reason."""


def facts_of(flow: Flow, started_by: str | None = None) -> dict[str, Any]:
    """The metadata of the send of a flow.

    Args:
        flow: What is sent.
        started_by: The schedule or sensor that starts it; by its timing when left out.
    """
    timing = flow.timing
    if started_by is None and not timing.manual:
        # One for all destinations of a table.
        table = flow.key().path[-1]
        started_by = f"{table}_{'sensor' if timing.when == AFTER_NEW_DATA else 'schedule'}"
    status = "draft" if flow.held_back else "active" if getattr(flow, "enabled", True) else "disabled"
    return {
        FACTS: {
            "name": flow.name,
            "kind": flow.kind,
            "destination": flow.destination,
            "mode": flow.mode,
            "status": status,
            "when": timing.when,
            "timezone": timing.timezone,
            "only_if_changed": timing.only_if_changed,
            "started_by": started_by or "",
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

"""What the journal says of launches and of audiences that were retired."""

from braze_assets.ledger.journal import Entry, JournalState

__all__ = ["RETIRE", "launched_text", "retired_by"]

RETIRE = "retirement of "
"""How the summary of a retirement begins in the journal; the attribute follows."""


def launched_text(launch: Entry) -> str:
    """When a launch was, and for which partition."""
    of = f" for the partition {launch.partition}" if launch.partition else ""
    return f"launched on {launch.time:%Y-%m-%d at %H:%M} UTC{of}"


def retired_by(state: JournalState) -> frozenset[str]:
    """The attributes whose retirement the journal tells of."""
    said = (entry.operation or "" for entry in state.entries if entry.state == "operated")
    return frozenset(text.removeprefix(RETIRE) for text in said if text.startswith(RETIRE))

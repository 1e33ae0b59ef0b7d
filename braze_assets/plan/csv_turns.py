"""Whose turn it is: what is left of a file that was sent in part goes before the next file."""

from braze_assets.errors import PlanError
from braze_assets.ledger import Ledger

__all__ = ["begun_plan", "check_turn"]


def begun_plan(ledger: Ledger, partition: str) -> str | None:
    """The plan of a file that was the last one begun: it is gone on with, not made again."""
    begun = ledger.journal.read().begun
    return begun.plan_id if begun is not None and begun.partition == partition else None


def check_turn(ledger: Ledger, partition: str, drop: str) -> None:
    """Refuse to plan a file while another one is sent in part. The ledger must be settled.

    Raises:
        PlanError: Another one is.
    """
    state = ledger.journal.read()
    begun = state.begun
    if begun is None or begun.partition == partition:
        return
    left = state.outcome(begun.plan_id).unknown
    if left:
        raise PlanError(
            f"The file {begun.partition} was sent in part: {left:,} of its objects have no answer yet. "
            "The next file would take their place.",
            place=f"{drop}, {partition}",
            remedy=f"Run {drop}_sync for {begun.partition} first; it sends only the rest. To give that up, "
            "make this plan with leave_behind: true.",
        )

"""A part of the demo's story, and what is done when it does not come out."""

from dataclasses import dataclass, field

from braze_assets.demo.runs import Run
from braze_assets.errors import BrazeAssetsError

__all__ = ["Chapter", "DemoFailedError", "must"]


class DemoFailedError(BrazeAssetsError):
    """The demo did not come out as it must."""


@dataclass
class Chapter:
    """One part of the story: what happened, in figures."""

    title: str
    facts: dict[str, str] = field(default_factory=dict)
    message: str = ""


def must(run: Run) -> Run:
    """The run, if it succeeded.

    Raises:
        DemoFailedError: It did not.
    """
    if not run.succeeded:
        raise DemoFailedError(
            f"A run failed: {run.failure()}",
            place="the demo's Dagster instance",
            remedy="Open it with `make dev` and look at the run.",
        )
    return run

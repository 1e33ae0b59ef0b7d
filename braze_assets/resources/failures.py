"""From this project's errors to Dagster's failures."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from braze_assets.errors import BrazeAssetsError

__all__ = ["as_failure", "dagster_failures"]


@contextmanager
def dagster_failures() -> Iterator[None]:
    """Show cause, place and remedy in the run; let Dagster retry only what a retry can mend.

    Dagster's retry policies also retry the loading of inputs: what is missing for good must say so.
    """
    try:
        yield
    except BrazeAssetsError as error:
        raise as_failure(error) from error


def as_failure(error: BrazeAssetsError) -> dg.Failure:
    """The failure of a run for an error of ours."""
    metadata = {"place": error.place, "remedy": error.remedy}
    return dg.Failure(
        description=str(error),
        metadata={name: dg.MetadataValue.text(text) for name, text in metadata.items() if text},
        allow_retries=not error.permanent,
    )

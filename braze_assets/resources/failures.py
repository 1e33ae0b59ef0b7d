"""From this project's errors to Dagster's failures."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import duckdb
import pyarrow as pa

from braze_assets.errors import BrazeAssetsError, SourceError
from braze_assets.rows.failures import engine_error

__all__ = ["as_failure", "dagster_failures"]


@contextmanager
def dagster_failures() -> Iterator[None]:
    """Show cause, place and remedy in the run; let Dagster retry only what a retry can mend.

    Dagster's retry policies also retry the loading of inputs: what is missing for good must say so. Engines
    quote the cell they fail on: what they say does not get into Dagster's event log.
    """
    try:
        yield
    except BrazeAssetsError as error:
        raise as_failure(error) from error
    except duckdb.Error as error:
        raise as_failure(engine_error(error, "a query of this step")) from None
    except pa.ArrowException as error:
        unsaid = SourceError(
            f"A table of this step cannot be converted: {type(error).__name__}.",
            remedy="Look for values of another type than their column's. They are not shown: they may be "
            "personal data.",
        )
        raise as_failure(unsaid) from None


def as_failure(error: BrazeAssetsError) -> dg.Failure:
    """The failure of a run for an error of ours."""
    metadata = {"place": error.place, "remedy": error.remedy}
    return dg.Failure(
        description=str(error),
        metadata={name: dg.MetadataValue.text(text) for name, text in metadata.items() if text},
        allow_retries=not error.permanent,
    )

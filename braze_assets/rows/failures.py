"""What DuckDB says when a query fails, without the data it quotes."""

import re

import duckdb

from braze_assets.errors import BrazeAssetsError, QueryError, SourceError
from braze_assets.storage import storage_failure

__all__ = ["engine_error", "line_in"]

# These are raised before any row is read: their messages name tables, columns and types.
_ABOUT_THE_TEXT = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)

_KINDS = {
    duckdb.ConversionException: "a value does not convert to the type it is cast to",
    duckdb.OutOfRangeException: "a number is out of range",
    duckdb.InvalidInputException: "a function was given a value it does not take",
}


def line_in(error: duckdb.Error, lines_before: int, statement: str) -> int | None:
    """The line of the user's text an error points at, when that text starts after some lines of ours."""
    found = re.findall(r"^LINE (\d+): ", str(error), re.MULTILINE)
    line = int(found[-1]) - lines_before if found else 0
    return line if 1 <= line <= statement.count("\n") + 1 else None


def engine_error(error: duckdb.Error, place: str) -> BrazeAssetsError:
    """The error to raise for one of DuckDB's, at a place.

    DuckDB quotes the cell it fails on (`Could not convert string 'Jane'`). Messages made while rows are
    read are therefore replaced by what kind of failure it is. Raise the result `from None`.
    """
    if (failure := storage_failure(error, place)) is not None:
        return failure
    if isinstance(error, duckdb.OutOfMemoryException):
        return QueryError(
            "The query needs more memory or disk than it may take.",
            place=place,
            remedy="Raise BRAZE_ASSETS_MEMORY_LIMIT, or give BRAZE_ASSETS_TEMP_DIRECTORY more room.",
        )
    if isinstance(error, (duckdb.IOException, duckdb.HTTPException)):
        return SourceError(
            f"A table of the query cannot be read ({type(error).__name__}).",
            place=place,
            remedy="Materialize it again, or correct its URL; then check that this process may read it.",
        )
    if isinstance(error, _ABOUT_THE_TEXT):
        message = str(error).partition("\n\nLINE ")[0].replace("\n", " ").strip()
        kind, _, cause = message.partition(": ")
        return QueryError(
            f"DuckDB refuses the query: {cause or kind}.".replace("!.", ".").replace("..", "."),
            place=place,
            remedy="Correct the SQL; it is DuckDB's dialect.",
        )
    cause = next(
        (text for kind, text in _KINDS.items() if isinstance(error, kind)), "DuckDB gave up on a row"
    )
    return QueryError(
        f"The query fails on its data: {cause}.",
        place=place,
        remedy="Use TRY_CAST(...) or TRY(...) there, or exclude such rows. The value is not shown: "
        "it may be personal data.",
    )

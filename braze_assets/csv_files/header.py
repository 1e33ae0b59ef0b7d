"""The first line of a file: which columns it has."""

import csv
import difflib
import io
from collections.abc import Sequence
from dataclasses import dataclass

from braze_assets.braze.identifiers import IDENTIFIER_KINDS, IdentifierKind
from braze_assets.csv_files.settings import CsvSettings
from braze_assets.errors import CsvError
from braze_assets.rows.names import ALIAS_COLUMNS, check_names

__all__ = ["FileHeader", "read_header"]

_REMEDY = "Nothing of the file was sent. Correct its first line and drop it again."
_OTHERS = ("user_alias_name", "email", "phone", "customer_id", "user_id", "userid", "id", "amperity_id")


@dataclass(frozen=True)
class FileHeader:
    """The columns of a file.

    Args:
        identifier: The kind of identifier its first column (of an alias: the first two) has.
        attributes: The names of the other columns, as they are written.
    """

    identifier: IdentifierKind
    attributes: tuple[str, ...]

    @property
    def identifiers(self) -> int:
        """How many columns the identifier takes."""
        return 2 if self.identifier == "user_alias" else 1

    @property
    def columns(self) -> int:
        """How many cells a row has."""
        return self.identifiers + len(self.attributes)


def read_header(line: str, settings: CsvSettings, place: str) -> FileHeader:
    """Read the header and refuse one that cannot be right.

    Args:
        line: The first record, with its line break.
        settings: How the file is read.
        place: The file, for messages.

    Raises:
        CsvError: It is wrong. Only names that cannot be anybody's data are repeated.
    """
    names = _names(line, settings, place)
    wanted = settings.identifier_headers
    if tuple(names[: len(wanted)]) != wanted:
        raise _wrong_first(names, wanted, place)
    if len(names) > settings.columns:
        raise CsvError(
            f"The header has {len(names):,} columns; {settings.columns:,} are taken at most.",
            place=f"{place}:1",
            remedy=f"Split the file by columns. {_REMEDY}",
        )
    # The identifier's own names are the tables' from here on.
    own = ALIAS_COLUMNS if settings.identifier == "user_alias" else wanted
    check_names(
        [*own, *names[len(wanted) :]],
        settings.identifier,
        place=lambda ordinal: f"{place}:1, column {ordinal + 1}",
        limits=settings.limits,
        error=CsvError,
    )
    if len(names) == len(wanted):
        raise CsvError(
            "The file has an identifier and no attributes.",
            place=f"{place}:1",
            remedy=f"Add a column for each attribute. {_REMEDY}",
        )
    if unknown := [name for name in settings.casts if name not in names]:
        near = difflib.get_close_matches(unknown[0], names, n=1)
        raise CsvError(
            f"The file has no column {unknown[0]!r}, for which the drop has a cast.",
            place=f"{place}:1",
            remedy=(f"Did you mean {near[0]!r}? " if near else "")
            + f"Correct `casts`, or the file. {_REMEDY}",
        )
    return FileHeader(settings.identifier, tuple(names[len(wanted) :]))


def _names(line: str, settings: CsvSettings, place: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(line, newline=""), delimiter=settings.delimiter, strict=True), [])
    except csv.Error:
        raise CsvError(
            "The quotes of the first line are not closed, or text follows one.",
            place=f"{place}:1",
            remedy=_REMEDY,
        ) from None


def _wrong_first(names: Sequence[str], wanted: Sequence[str], place: str) -> CsvError:
    said = " and ".join(repr(name) for name in wanted)
    first = names[0] if names else ""
    known = {*IDENTIFIER_KINDS, *_OTHERS, *wanted}
    is_called = ""
    # The first line may be a customer: only what is surely a name of a column is repeated.
    if first.strip().casefold().replace(" ", "_").replace("-", "_") in known:
        is_called = f"; it is called {first!r}"
    several = [mark for mark in ";\t|," if len(first.split(mark)) > 1]
    hint = f"The cells look separated by {several[0]!r}: set `delimiter`. " if several else ""
    columns = "columns are" if len(wanted) > 1 else "column is"
    return CsvError(
        f"The first {columns} not {said}{is_called}.",
        place=f"{place}:1",
        remedy=f"{hint}The first column of a file says who the users are, by exactly that name. {_REMEDY}",
    )

"""Which column names a table for Braze may have."""

from collections.abc import Callable, Sequence

from braze_assets.braze.fields import PROFILE_FIELDS, RESERVED_KEYS
from braze_assets.braze.identifiers import IDENTIFIER_KINDS, IdentifierKind
from braze_assets.braze.limits import Limits
from braze_assets.errors import BrazeAssetsError, QueryError

__all__ = ["ALIAS_COLUMNS", "check_names", "identifier_columns"]

ALIAS_COLUMNS = ("alias_name", "alias_label")
"""The two columns a `user_alias` is made of."""

_IN_SQL = (" with AS", "; with SELECT *, use EXCLUDE (...)")
"""Parts of remedies that help in a query, but not in a file."""


def identifier_columns(identifier: IdentifierKind) -> tuple[str, ...]:
    """The columns of a query that hold the identifier."""
    return ALIAS_COLUMNS if identifier == "user_alias" else (identifier,)


def check_names(
    names: Sequence[str],
    identifier: IdentifierKind,
    *,
    place: Callable[[int], str],
    limits: Limits | None = None,
    error: type[BrazeAssetsError] = QueryError,
    complete: bool = True,
) -> None:
    """Refuse names that cannot be attributes, and a table without exactly one kind of identifier.

    Args:
        names: The names as they would be delivered.
        identifier: The kind this sync uses.
        place: Says where the column of an ordinal comes from.
        limits: The limits of the destination.
        error: The class to raise.
        complete: Whether these are all names; when not, a missing identifier is not complained about. The
            names are then those of a file, whose first line may be a customer: they are not repeated.

    Raises:
        QueryError: (or `error`) The first name that is wrong, where it is, and how to mend it.
    """
    limits = limits or Limits()
    wanted = identifier_columns(identifier)
    seen: dict[str, str] = {}
    for ordinal, name in enumerate(names):
        problem = _problem(name, wanted, limits, name if complete else "of this column")
        twin = seen.setdefault(name.casefold(), name)
        if problem is None and ordinal and len(seen) <= ordinal:
            problem = _twin(name, twin, named=complete)
        if problem:
            cause, remedy = problem
            for part in () if error is QueryError else _IN_SQL:
                remedy = remedy.replace(part, "")
            raise error(cause, place=place(ordinal), remedy=remedy)
        # A name that was refused never gets here, so `seen` has one entry a column.
    missing = [name for name in wanted if name not in names]
    if missing and complete:
        raise error(
            f"The column {' and '.join(missing)} is missing: it says which customer a row is.",
            place=place(0) if names else None,
            remedy=f"Add it, such as: mc.external_id AS {missing[0]}; or set another user identifier.",
        )


def _problem(name: str, wanted: Sequence[str], limits: Limits, shown: str) -> tuple[str, str] | None:
    if not name.strip():
        return "A column has no name.", "Name it with AS."
    if name != name.strip():
        return (
            f"The name {repr(name) if shown == name else shown} begins or ends with a space, which Braze "
            "strips.",
            "Remove the spaces.",
        )
    if name.startswith("_"):
        return f"The name {shown} begins with an underscore; such names are reserved.", "Rename it with AS."
    if len(name) > limits.name_chars:
        return (
            f"The name {shown[:40]}... has {len(name)} characters; Braze takes {limits.name_chars}.",
            "Shorten it with AS.",
        )
    if name in wanted:
        return None
    if name in IDENTIFIER_KINDS or name in ALIAS_COLUMNS:
        return (
            f"The column {name} is a second kind of identifier beside {' and '.join(wanted)}; "
            "Braze rejects an object that has two.",
            "Remove it, rename it, or set it as the user identifier of the sync.",
        )
    if name in RESERVED_KEYS:
        return f"The name {name} has a meaning of its own to Braze.", "Rename it with AS, or remove it."
    field = PROFILE_FIELDS.get(name)
    if field and field.type == "Object":
        return (
            f"The profile field {name} is an object, which a flat column cannot hold.",
            "Remove it, or rename it with AS to send a custom attribute.",
        )
    return None


def _twin(name: str, twin: str, *, named: bool) -> tuple[str, str]:
    if not named:
        return "An earlier column has the same name, or one that differs only in upper and lower case.", (
            "Rename one: most tables cannot hold both."
        )
    if twin == name:
        return f"Two columns are named {name}.", "Rename or remove one; with SELECT *, use EXCLUDE (...)."
    return (
        f"The names {twin} and {name} differ only in upper and lower case.",
        "Rename one: most tables cannot hold both.",
    )

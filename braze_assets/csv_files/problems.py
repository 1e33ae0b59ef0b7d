"""Why a row or a cell of a file is not sent, in plain words."""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["PROBLEMS"]

PROBLEMS: Mapping[str, str] = MappingProxyType(
    {
        "wrong_number_of_cells": "The row has more or fewer cells than the header: quote cells that hold the "
        "delimiter, and close every quote.",
        "bad_quotes": "Text follows the quote that closes a cell: double the quotes within a cell.",
        "null_identifier": "The row has no identifier, or a blank one.",
        "identifier_too_long": "The identifier has more bytes than Braze takes.",
        "object_too_large": "The row is larger than a request to Braze may be.",
        "cannot_cast": "The cell does not convert to the type that `casts` sets: correct it, or the setting.",
        "too_long": "The text has more characters than Braze keeps; it would drop it without an error.",
        "not_a_list": "The cell is in brackets and no list of texts, numbers and true or false. To send "
        "it as text, cast the column to string.",
        "too_many_items": "The list has more items than Braze keeps.",
        "array_too_large": "The list is larger than Braze takes.",
        "same_user_later": "A later row of the file is of the same user: its cells win, both are one object.",
        "no_values": "Every cell but the identifier is empty, or cannot be sent.",
        "unchanged": "Braze has acknowledged all of it already.",
    }
)
"""By code, as they stand in plans and in the results of a file."""

"""How Braze knows a user: the three primary identifiers of `/users/track`.

Source: Braze documentation "Create and update users", section on identifier resolution, September 2026.
"""

from typing import Literal, get_args

__all__ = ["IDENTIFIER_KINDS", "IdentifierKind"]

IdentifierKind = Literal["external_id", "braze_id", "user_alias"]
"""One kind per sync. In tables an identifier is one text column named after its kind; a `user_alias`
is the compact JSON object `{"alias_name":...,"alias_label":...}`, keys in that order."""

IDENTIFIER_KINDS: tuple[IdentifierKind, ...] = get_args(IdentifierKind)

"""The JSON text of the objects of `/users/track`, written by DuckDB.

An object is the identifier, `_update_existing_only`, then the attributes in table order: the same change
gives the same bytes. Source: Braze documentation "Create and update users", September 2026.
"""

import json
from collections.abc import Iterable

from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.storage import quote_literal

__all__ = ["identifier_json", "members", "object_sql", "previous_sql"]


def identifier_json(kind: IdentifierKind, expression: str) -> str:
    """The SQL expression of an identifier's JSON value. Text stays text; an alias is JSON already."""
    return expression if kind == "user_alias" else f"CAST(to_json({expression}) AS VARCHAR)"


def members(pairs: Iterable[tuple[str, str, str]]) -> str:
    """SQL arguments for `concat`: `,"name":value` for each attribute that is sent.

    Args:
        pairs: Attribute name, SQL condition of its being sent, SQL of its JSON text (NULL: `null`).
    """
    # Key and value are arguments of their own: joining them first would copy every value once more.
    return ", ".join(
        f"CASE WHEN {condition} THEN {quote_literal(',' + _key(name))} END, "
        f"CASE WHEN {condition} THEN coalesce({value}, 'null') END"
        for name, condition, value in pairs
    )


def object_sql(
    kind: IdentifierKind,
    identifier: str,
    pairs: Iterable[tuple[str, str, str]],
    *,
    update_existing_only: bool,
    merged: str | None = None,
) -> str:
    """The SQL expression of a whole object.

    `_update_existing_only` is always written: left out, Braze takes it as false for an external id and as
    true for an alias. `merged` is the SQL condition under which nested objects are merged into those Braze
    holds.
    """
    head = quote_literal("{" + _key(kind))
    only = quote_literal(f',"_update_existing_only":{"true" if update_existing_only else "false"}')
    merge = f"""CASE WHEN {merged} THEN ',"_merge_objects":true' END, """ if merged else ""
    return f"concat({head}, {identifier_json(kind, identifier)}, {only}, {merge}{members(pairs)}, '}}')"


def previous_sql(pairs: Iterable[tuple[str, str, str]]) -> str:
    """The SQL expression of a JSON object of the old values; every pair is of an attribute that is sent."""
    return f"concat('{{', substr(concat({members(pairs)}), 2), '}}')"


def _key(name: str) -> str:
    return json.dumps(name, ensure_ascii=False) + ":"

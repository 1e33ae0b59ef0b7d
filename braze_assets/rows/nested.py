"""Nested objects and arrays of objects: from STRUCT and MAP to one JSON text a value.

Braze drops a whole nested value without an error when any of it is wrong: a null, a text that is too long, a
key with a space, dot or dollar sign. Sources: Braze documentation "Nested custom attributes" and "Array of
objects", September 2026.
"""

import json
from dataclasses import dataclass
from typing import Any

from braze_assets.braze.limits import Limits
from braze_assets.errors import QueryError
from braze_assets.rows.scalars import Canonical, Problem, scalar
from braze_assets.rows.types import AttributeType, json_form, object_value
from braze_assets.storage import quote_literal

__all__ = ["nested_expression"]

_OPERATORS = ("add", "inc", "remove")
"""As keys of a whole attribute these would be taken for instructions to change a value."""
_BAD_KEY = "[ .$]"
_DEPTH = 4
"""Lists and maps within one another. DuckDB takes about four times as long to read an expression a level."""


@dataclass(frozen=True)
class _Piece:
    """A part of a value: its JSON text, NULL where there is nothing to send, and what is wrong in it."""

    json: str
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()

    def within(self, field: str) -> "_Piece":
        """The same, its messages naming the field."""
        return _Piece(self.json, _named(self.problems, field), _named(self.notes, field))


def nested_expression(expression: str, source_type: str, type: AttributeType, limits: Limits) -> Canonical:
    """The canonical value of a STRUCT, a MAP, or a list of them.

    Keys are in the order of their names; NULL fields are left out, and so are objects without fields, of
    which a whole value is NULL. Repeated items of arrays stay.

    Args:
        expression: SQL of the column.
        source_type: Its DuckDB type.
        type: `Object`, or an array of it.
        limits: The limits of the destination.

    Raises:
        QueryError: A field cannot be sent; names the field and the remedy.
    """
    import duckdb

    try:
        found: Any = duckdb.sqltype(source_type)
    except duckdb.Error:
        raise QueryError(
            "The type of the column cannot be read.", remedy="Give its fields plain names and types."
        ) from None
    if not type.array:
        whole = _object(expression, found, limits, path="", depth=0)
        text = whole.json
        value = f"CASE WHEN {text} IS NOT NULL THEN {object_value(text)} END"
        size = f"strlen({text})"
        notes = whole.notes
    else:
        item = dict(found.children)["child"]
        items = f"CAST({expression} AS {item}[])"
        whole = _each(items, _object("_i0", item, limits, path="", depth=1), "_i0")
        texts = f"list_filter({whole.json}, lambda _j: _j IS NOT NULL)"
        value = f"list_transform({texts}, lambda _j: {object_value('_j')})"
        size = f"strlen({json_form(value, type)})"
        notes = (*whole.notes, _dropped(items, texts))
    too_large = Problem(
        "nested_too_large",
        f"{size} > {limits.array_bytes}",
        f"{size} || ' bytes, at most {limits.array_bytes}'",
    )
    return Canonical(type, value, (*whole.problems, too_large), notes)


def _any(x: str, type: Any, limits: Limits, *, path: str, depth: int) -> _Piece:
    if type.id in ("struct", "map"):
        return _object(x, type, limits, path=path, depth=depth)
    if type.id in ("list", "array"):
        _check_depth(path, depth)
        item, name = dict(type.children)["child"], f"_i{depth}"
        if item.id in ("list", "array"):
            raise _refused(path, "is a list of lists", "Flatten it with flatten(...).")
        items = f"CAST({x} AS {item}[])"
        each = _each(items, _any(name, item, limits, path=path, depth=depth + 1), name)
        texts = f"list_filter({each.json}, lambda _j: _j IS NOT NULL)"
        text = f"('[' || array_to_string({texts}, ',') || ']')"
        return _Piece(text, each.problems, (*each.notes, _dropped(items, texts)))
    try:
        scalar_type = AttributeType.from_sql(str(type))
    except QueryError as error:
        cause = f"The field {path} has no value for Braze: {error.cause}" if path else error.cause
        raise QueryError(cause, remedy=error.remedy) from None
    made = scalar(x, str(type), scalar_type, limits)
    text = json_form(made.value, scalar_type)
    if scalar_type.name in ("Date", "Datetime"):
        # Only what is marked as one is a time inside an object.
        text = f"""('{{"$time":' || {text} || '}}')"""
    return _Piece(text, made.problems, made.notes)


def _object(x: str, type: Any, limits: Limits, *, path: str, depth: int) -> _Piece:
    if type.id == "map":
        return _map(x, type, limits, path=path, depth=depth)
    if type.id != "struct" or not all(name for name, _ in type.children):
        raise _refused(path, f"is {str(type)[:60]}", "Name its fields: {'city': city} rather than row(city).")
    pieces = []
    for name, kind in sorted(type.children):
        where = f"{path}.{name}" if path else name
        if any(mark in name for mark in " .$") or len(name) > limits.name_chars:
            fix = f"Name it otherwise, without space, dot and dollar sign, in {limits.name_chars} characters."
            raise _refused(where, "has a name that Braze does not take in an object", fix)
        if not (path or depth) and name in _OPERATORS:
            raise _refused(where, "would be taken by Braze for an instruction", "Name it otherwise.")
        field = f"struct_extract({x}, {quote_literal(name)})"
        piece = _any(field, kind, limits, path=where, depth=depth).within(name)
        key = quote_literal(json.dumps(name, ensure_ascii=False) + ":")
        pieces.append(_Piece(f"{key} || {piece.json}", piece.problems, piece.notes))
    text = _object_text(f"concat_ws(',', {', '.join(piece.json for piece in pieces)})")
    return _Piece(
        text,
        tuple(problem for piece in pieces for problem in piece.problems),
        tuple(note for piece in pieces for note in piece.notes),
    )


def _map(x: str, type: Any, limits: Limits, *, path: str, depth: int) -> _Piece:
    _check_depth(path, depth)
    kinds = dict(type.children)
    if str(kinds["key"]) != "VARCHAR":
        raise _refused(path, "is a MAP whose keys are not text", "Make it MAP(VARCHAR, ...).")
    name = f"_i{depth}"
    piece = _any(f'{name}."value"', kinds["value"], limits, path=path, depth=depth + 1)
    entry = f"CAST(to_json({name}.\"key\") AS VARCHAR) || ':' || {piece.json}"
    each = _each(f"list_sort(map_entries({x}))", _Piece(entry, piece.problems, piece.notes), name)
    texts = f"list_filter({each.json}, lambda _j: _j IS NOT NULL)"
    text = _object_text(f"array_to_string({texts}, ',')")
    bad = f"_k = '' OR length(_k) > {limits.name_chars} OR regexp_matches(_k, {quote_literal(_BAD_KEY)})"
    if not (path or depth):
        bad += f" OR _k IN ({', '.join(map(quote_literal, _OPERATORS))})"
    keys = f"len(list_filter(map_keys({x}), lambda _k: {bad}))"
    wrong = Problem("bad_key", f"{keys} > 0", f"{keys} || ' of ' || len(map_keys({x})) || ' keys'")
    return _Piece(text, (wrong, *each.problems), each.notes)


def _object_text(members: str) -> str:
    """The text of an object, NULL without members. `nullif` would write it twice, at every level anew."""
    return f"list_filter(['{{' || {members} || '}}'], lambda _o: _o <> '{{}}')[1]"


def _each(items: str, piece: _Piece, name: str) -> _Piece:
    """The JSON texts of all items of a list, called `name` in the piece, and what is wrong with any.

    The details do not count the items: every level of lists would repeat what is below it.
    """
    return _Piece(
        f"list_transform({items}, lambda {name}: {piece.json})",
        tuple(_any_item(problem, items, name) for problem in piece.problems),
        tuple(_any_item(note, items, name) for note in piece.notes),
    )


def _any_item(problem: Problem, items: str, name: str) -> Problem:
    some = f"len(list_filter({items}, lambda {name}: {problem.predicate})) > 0"
    return Problem(problem.code, some, "'in some items'")


def _dropped(items: str, texts: str) -> Problem:
    return Problem("null_items", f"len({items}) > len({texts})", "'in some items'")


def _named(problems: tuple[Problem, ...], field: str) -> tuple[Problem, ...]:
    label = quote_literal(f"{field}: ")
    return tuple(Problem(one.code, one.predicate, f"{label} || {one.detail}") for one in problems)


def _check_depth(path: str, depth: int) -> None:
    if depth >= _DEPTH:
        raise _refused(
            path, f"has more than {_DEPTH} lists or maps within one another", "Flatten it, or leave it out."
        )


def _refused(path: str, what: str, remedy: str) -> QueryError:
    return QueryError(f"{f'The field {path}' if path else 'The value'} {what}.", remedy=remedy)

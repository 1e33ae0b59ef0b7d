"""From whatever a query yields to canonical values, and what is wrong with a cell that has none."""

from dataclasses import replace

from braze_assets.braze.limits import Limits
from braze_assets.errors import QueryError
from braze_assets.rows.nested import nested_expression
from braze_assets.rows.scalars import Canonical, Problem, any_item, scalar
from braze_assets.rows.types import AttributeType, json_form
from braze_assets.storage import quote_literal

__all__ = ["Canonical", "Problem", "canonical_expression", "problem_struct"]

_INTEGER_TEXT = r"\s*[+-]?[0-9]+\s*"


def problem_struct(attribute: str, problems: tuple[Problem, ...]) -> str:
    """The first problem of a cell as STRUCT(attribute, problem, detail), or NULL."""
    cases = " ".join(
        f"WHEN {problem.predicate} THEN {{'attribute': {quote_literal(attribute)}, "
        f"'problem': {quote_literal(problem.code)}, 'detail': {problem.detail}}}"
        for problem in problems
    )
    return f"CASE {cases} END"


def canonical_expression(
    expression: str,
    source_type: str,
    *,
    column: str | None = None,
    cast: AttributeType | None = None,
    limits: Limits | None = None,
) -> Canonical:
    """The canonical value of a column, and its problems.

    Timestamps without a zone are UTC and all are cut to milliseconds; a 32-bit float becomes the double of
    its shortest decimal text; -0.0 becomes 0.0; UUID and ENUM become text; arrays lose NULL items and, as
    Braze would do, all but the last of equal items.

    Args:
        expression: SQL of the column.
        source_type: Its DuckDB type.
        column: Its name, for messages.
        cast: The type wanted, where it is not the one that follows from `source_type`.
        limits: The limits of the destination.

    Raises:
        QueryError: The type cannot be an attribute; names column, type and remedy.
    """
    limits = limits or Limits()
    natural = AttributeType.from_sql(source_type, column=column)
    if cast is not None and cast != natural:
        if "Object" in (cast.name, natural.name):
            raise QueryError(
                f"A column of type {natural} cannot be cast to {cast}.",
                place=f"column {column}" if column else None,
                remedy="Make the value in the SQL, such as {'city': city}, and leave `type` out.",
            )
        wanted = f"TRY_CAST({expression} AS {cast.sql})"
        lost = f"{expression} IS NOT NULL AND {wanted} IS NULL"
        if cast.name == "Integer" and not cast.array:
            # A cast would round 1.5 and read 0x10; neither is what a setting of a type asks for.
            if natural.name == "String":
                lost += f" OR NOT regexp_full_match({expression}, '{_INTEGER_TEXT}')"
            elif natural.name in ("Float", "Decimal"):
                lost += f" OR {wanted} <> {expression}"
        problem = Problem("cannot_cast", lost, quote_literal(f"not a value of type {cast}"))
        inner = _canonical(wanted, cast.sql, cast, limits)
        return replace(inner, problems=(problem, *inner.problems))
    return _canonical(expression, source_type, natural, limits)


def _canonical(expression: str, source_type: str, type: AttributeType, limits: Limits) -> Canonical:
    if type.name == "Object":
        return nested_expression(expression, source_type, type, limits)
    if not type.array:
        return scalar(expression, source_type, type, limits)
    items = f"list_filter(CAST({expression} AS {_list_type(source_type)}), lambda _i: _i IS NOT NULL)"
    item = scalar("_i", source_type[: source_type.rindex("[")], type.item, limits)
    problems = tuple(any_item(problem, items) for problem in item.problems)
    values = items if item.value == "_i" else f"list_transform({items}, lambda _i: {item.value})"
    distinct = f"list_distinct({values})"
    too_many = Problem(
        "too_many_items",
        f"len({distinct}) > {limits.array_items}",
        f"len({distinct}) || ' items, at most {limits.array_items}'",
    )
    # The last of equal items stays in its place: items are looked up in the list read backwards.
    places = (
        f"list_transform({distinct}, "
        f"lambda _d: {{'place': list_position(list_reverse({values}), _d), 'item': _d}})"
    )
    unique = f"list_transform(list_reverse_sort({places}), lambda _p: _p.item)"
    value = (
        f"CASE WHEN len({distinct}) > {limits.array_items} THEN NULL "
        f"WHEN len({distinct}) = len({items}) THEN {values} ELSE {unique} END"
    )
    size = f"strlen({json_form(value, type)})"
    too_large = Problem(
        "array_too_large",
        f"{size} > {limits.array_bytes}",
        f"{size} || ' bytes, at most {limits.array_bytes}'",
    )
    dropped = Problem(
        "null_items",
        f"len({items}) < len({expression})",
        f"(len({expression}) - len({items})) || ' of ' || len({expression}) || ' items left out'",
    )
    return Canonical(type, value, (*problems, too_many, too_large), (dropped,))


def _list_type(source_type: str) -> str:
    return source_type[: source_type.rindex("[")] + "[]"

"""From whatever a query yields to canonical values, and what is wrong with a cell that has none."""

from dataclasses import dataclass, replace

from braze_assets.braze.limits import Limits
from braze_assets.rows.types import AttributeType, json_form
from braze_assets.storage import quote_literal

__all__ = ["Canonical", "Problem", "canonical_expression", "problem_struct"]

_DAYS = ("DATE '0001-01-01'", "DATE '3000-12-31'")
_MOMENTS = ("TIMESTAMPTZ '0001-01-01 00:00:00+00'", "TIMESTAMPTZ '3000-12-31 23:59:59.999999+00'")
_WIDE = ("HUGEINT", "UHUGEINT", "UBIGINT")
_INTEGER_TEXT = r"\s*[+-]?[0-9]+\s*"


@dataclass(frozen=True)
class Problem:
    """A way a cell can be wrong, as SQL."""

    code: str
    """A key of `findings.CATALOGUE`."""
    predicate: str
    """True for a cell that has the problem."""
    detail: str
    """A VARCHAR expression that explains without quoting the value: lengths and counts at most."""


@dataclass(frozen=True)
class Canonical:
    """A column in canonical form.

    A cell with one of the `problems` has no value; one with one of the `notes` has a value that is not quite
    what the query gave. None of the expressions raises, whatever the cell holds.
    """

    type: AttributeType
    value: str
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()


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
    if not type.array:
        return _scalar(expression, source_type, type, limits)
    items = f"list_filter(CAST({expression} AS {_list_type(source_type)}), lambda _i: _i IS NOT NULL)"
    item = _scalar("_i", source_type[: source_type.rindex("[")], type.item, limits)
    problems = tuple(_any_item(problem, items) for problem in item.problems)
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


def _any_item(problem: Problem, items: str) -> Problem:
    """The same problem of an array: any of its items has it."""
    bad = f"len(list_filter({items}, lambda _i: {problem.predicate}))"
    return Problem(problem.code, f"{bad} > 0", f"{bad} || ' of ' || len({items}) || ' items'")


def _list_type(source_type: str) -> str:
    return source_type[: source_type.rindex("[")] + "[]"


def _scalar(x: str, source_type: str, type: AttributeType, limits: Limits) -> Canonical:
    source = source_type.strip().upper()
    if type.name == "String":
        text = x if source == "VARCHAR" else f"CAST({x} AS VARCHAR)"
        too_long = Problem(
            "too_long",
            f"length({text}) > {limits.string_chars}",
            f"length({text}) || ' characters, at most {limits.string_chars}'",
        )
        return Canonical(type, text, (too_long,))
    if type.name == "Integer":
        value = f"TRY_CAST({x} AS BIGINT)"
        outside = Problem(
            "integer_out_of_range",
            f"{x} IS NOT NULL AND {value} IS NULL",
            "'does not fit a 64-bit integer'",
        )
        return Canonical(type, value, (outside,) if source in _WIDE else ())
    if type.name == "Float":
        double = x if source in ("DOUBLE", "FLOAT8") else f"CAST(CAST({x} AS VARCHAR) AS DOUBLE)"
        detail = f"CASE WHEN isnan({x}) THEN 'not a number' ELSE 'infinite' END"
        # Adding zero turns -0.0 into 0.0, which JSON readers tell apart and people do not.
        return Canonical(type, f"({double} + 0.0)", (Problem("not_finite", f"NOT isfinite({x})", detail),))
    if type.name in ("Date", "Datetime"):
        return _time(x, source, type)
    return Canonical(type, x)


def _time(x: str, source: str, type: AttributeType) -> Canonical:
    first, last = _DAYS if type.name == "Date" else _MOMENTS
    moment = x if type.name == "Date" else f"CAST({x} AS TIMESTAMPTZ)"
    problems = (
        Problem("not_finite", f"NOT isfinite({moment})", "'infinite'"),
        Problem(
            "date_out_of_range",
            f"{moment} NOT BETWEEN {first} AND {last}",
            "'outside the years 1 to 3000'",
        ),
    )
    if type.name == "Date":
        return Canonical(type, x, problems)
    # Floored in integers: date_trunc() is twenty times slower, and casting nanoseconds rounds up.
    if source == "TIMESTAMP_NS":
        milliseconds = f"((epoch_ns({x}) - (epoch_ns({x}) % 1000000 + 1000000) % 1000000) // 1000)"
        return Canonical(type, f"make_timestamptz({milliseconds})", problems)
    micros = f"epoch_us({moment})"
    return Canonical(type, f"make_timestamptz({micros} - ({micros} % 1000 + 1000) % 1000)", problems)

"""One scalar in canonical form, and what can be wrong with it."""

from dataclasses import dataclass

from braze_assets.braze.limits import Limits
from braze_assets.rows.types import AttributeType

__all__ = ["Canonical", "Problem", "any_item", "scalar"]

_DAYS = ("DATE '0001-01-01'", "DATE '3000-12-31'")
_MOMENTS = ("TIMESTAMPTZ '0001-01-01 00:00:00+00'", "TIMESTAMPTZ '3000-12-31 23:59:59.999999+00'")
_WIDE = ("HUGEINT", "UHUGEINT", "UBIGINT")


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


def any_item(problem: Problem, items: str) -> Problem:
    """The same problem of an array: any of its items, `_i` in the predicate, has it."""
    bad = f"len(list_filter({items}, lambda _i: {problem.predicate}))"
    return Problem(problem.code, f"{bad} > 0", f"{bad} || ' of ' || len({items}) || ' items'")


def scalar(x: str, source_type: str, type: AttributeType, limits: Limits) -> Canonical:
    """The canonical value of one scalar, and its problems.

    Args:
        x: SQL of the scalar.
        source_type: Its DuckDB type.
        type: What it becomes.
        limits: The limits of the destination.
    """
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

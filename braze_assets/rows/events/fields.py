"""The fields of an event in canonical form, each with what makes it unsendable."""

from braze_assets.braze.codes import currency_codes
from braze_assets.braze.limits import Limits
from braze_assets.errors import QueryError
from braze_assets.rows.canonical import canonical_expression
from braze_assets.rows.types import AttributeType
from braze_assets.storage import quote_literal

__all__ = ["Field", "field_of"]

_BLANK = "' ' || chr(9) || chr(10) || chr(13)"
_MOST_QUANTITY = 100
"""Braze documentation "Purchase object", September 2026."""

_REASON = {
    "event_id": "null_event_id",
    "time": "bad_time",
    "name": "bad_name",
    "product_id": "bad_product",
    "currency": "bad_currency",
    "price": "bad_price",
    "quantity": "bad_quantity",
}


class Field:
    """One field of an event.

    Args:
        role: What it is.
        type: Its canonical type.
        value: SQL of its canonical value.
        bad: SQL that is true where it cannot be sent.
    """

    def __init__(self, role: str, type: AttributeType, value: str, bad: str) -> None:
        self.role, self.type, self.value, self.bad = role, type, value, bad

    @property
    def reason(self) -> str:
        """Why such a row is left out."""
        return _REASON[self.role]


def field_of(role: str, column: str, type: str, *, name: str, place: str, limits: Limits) -> Field:
    """The field of a role.

    Args:
        role: `event_id`, `time`, `name`, `product_id`, `currency`, `price` or `quantity`.
        column: SQL of the column.
        type: Its DuckDB type.
        name: The column's name, for messages.
        place: Where it is written, for messages.
        limits: The limits of the destination.

    Raises:
        QueryError: The column's type cannot be this field.
    """
    try:
        natural = AttributeType.from_sql(type, column=name)
        if role in ("event_id", "name", "product_id", "currency"):
            return _text(role, column, natural, limits)
        if role == "time":
            return _number_or_time(role, column, type, natural, ("Datetime", "Date"), "Datetime", limits)
        if role == "price":
            return _number_or_time(
                role, column, type, natural, ("Decimal", "Float", "Integer"), "Float", limits
            )
        quantity = _number_or_time(role, column, type, natural, ("Integer",), "Integer", limits)
        # Braze takes a missing quantity for 1.
        outside = f"{quantity.value} NOT BETWEEN 1 AND {_MOST_QUANTITY}"
        bad = f"({quantity.bad} AND {column} IS NOT NULL) OR {outside}"
        return Field(role, quantity.type, quantity.value, f"coalesce({bad}, false)")
    except QueryError as error:
        raise QueryError(error.cause, place=f"{place} (column {name})", remedy=error.remedy) from None


def _text(role: str, column: str, natural: AttributeType, limits: Limits) -> Field:
    if natural.array or natural.name not in ("String", "Integer"):
        raise QueryError(
            f"The {role} has the type {natural}; it is text.",
            remedy=f"Say how it is written, such as CAST({role} AS VARCHAR).",
        )
    text = column if natural.name == "String" else f"CAST({column} AS VARCHAR)"
    value = f"CASE WHEN trim(CAST({text} AS VARCHAR), {_BLANK}) <> '' THEN CAST({text} AS VARCHAR) END"
    bad = f"({value}) IS NULL"
    if role == "currency":
        codes = ", ".join(quote_literal(code) for code in sorted(currency_codes()))
        bad = f"coalesce(({value}) NOT IN ({codes}), true)"
    elif role != "event_id":
        bad = f"({bad} OR length({value}) > {limits.name_chars})"
    return Field(role, AttributeType("String"), value, bad)


def _number_or_time(
    role: str,
    column: str,
    type: str,
    natural: AttributeType,
    taken: tuple[str, ...],
    wanted: str,
    limits: Limits,
) -> Field:
    keep = not natural.array and natural.name in taken and (wanted != "Datetime" or natural.name == wanted)
    cast = None if keep else AttributeType(wanted)  # type: ignore[arg-type]
    if not keep and (natural.array or natural.name not in ("String", "Date", *taken)):
        raise QueryError(
            f"The {role} has the type {natural}.", remedy=f"CAST it to {' or '.join(taken).lower()}."
        )
    made = canonical_expression(column, type, cast=cast, limits=limits)
    problems = [f"({made.value}) IS NULL", *(problem.predicate for problem in made.problems)]
    bad = " OR ".join(f"coalesce({problem}, false)" for problem in problems)
    safe = f"CASE WHEN NOT ({bad}) THEN {made.value} END"
    return Field(role, made.type, safe, f"({bad})")

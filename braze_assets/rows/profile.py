"""Profile fields: the type each must have, and the validation Braze does silently or not at all (K11)."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from braze_assets.braze.codes import (
    GENDERS,
    SUBSCRIPTION_STATES,
    country_codes,
    language_codes,
    time_zones,
)
from braze_assets.braze.fields import ProfileField
from braze_assets.braze.limits import Limits
from braze_assets.errors import QueryError
from braze_assets.rows.canonical import Canonical, Problem, canonical_expression
from braze_assets.rows.types import AttributeType
from braze_assets.storage import quote_literal

__all__ = ["profile_expression"]

_EMAIL = r"""[^\s@<>()\[\]\\,;:"]+@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+[\p{L}\p{N}-]{2,}"""
_PHONE = r"\+[1-9][0-9]{6,14}"
_OLDEST = "1900-01-01"


def profile_expression(
    expression: str, source_type: str, field: ProfileField, *, as_of: datetime, limits: Limits | None = None
) -> Canonical:
    """The canonical value of a column that fills a profile field, with the field's own problems.

    Args:
        expression: SQL of the column.
        source_type: Its DuckDB type.
        field: The field; `Object` fields never get here.
        as_of: A date of birth after this moment is a problem.
        limits: The limits of the destination.

    Raises:
        QueryError: The column's type cannot fill the field; names column, types and remedy.
    """
    found = AttributeType.from_sql(source_type, column=field.name)
    if field.check == "dob" and found == AttributeType("String"):
        return _dob_text(expression, as_of)
    accepted = ("Date", "Datetime") if field.type == "Datetime" else (field.type,)
    if found.array or found.name not in accepted:
        form = "a DATE, or text YYYY-MM-DD" if field.check == "dob" else f"of type {field.type}"
        raise QueryError(
            f"The profile field {field.name} must be {form}; the column is {source_type[:60]}.",
            place=f"column {field.name}",
            remedy=f"CAST it AS {AttributeType.from_sql(field.type).sql}, or rename it with AS to send a "
            "custom attribute.",
        )
    canonical = canonical_expression(expression, source_type, column=field.name, limits=limits)
    problems = (*canonical.problems, *_problems(canonical.value, field, as_of))
    return Canonical(canonical.type, canonical.value, problems, canonical.notes)


def _problems(x: str, field: ProfileField, as_of: datetime) -> tuple[Problem, ...]:
    if field.check == "dob":
        return _dob_range(x, as_of)
    if field.check == "email":
        wrong = (
            f"NOT regexp_full_match({x}, '{_EMAIL}') OR {x} LIKE '%..%' OR {x} LIKE '.%' OR {x} LIKE '%.@%'"
        )
        return (Problem("bad_email", wrong, "'not of the form name@domain'"),)
    if field.check == "phone":
        detail = (
            f"CASE WHEN {x} NOT LIKE '+%' THEN 'no + and country code' ELSE 'not + and 7 to 15 digits' END"
        )
        return (Problem("bad_phone", f"NOT regexp_full_match({x}, '{_PHONE}')", detail),)
    if field.check == "country":
        return (_one_of(x, "bad_country", country_codes(), "an ISO 3166-1 alpha-2 code", "upper"),)
    if field.check == "language":
        return (_one_of(x, "bad_language", language_codes(), "an ISO 639-1 code", "lower"),)
    if field.check == "gender":
        return (_one_of(x, "bad_gender", GENDERS, "M, F, O, N or P", "upper"),)
    if field.check == "time_zone":
        return (_one_of(x, "bad_time_zone", time_zones(), "an IANA time zone name", None),)
    if field.check == "subscription":
        words = "opted_in, subscribed or unsubscribed"
        return (_one_of(x, "bad_subscription", SUBSCRIPTION_STATES, words, "lower"),)
    return ()


def _one_of(x: str, code: str, words: Iterable[str], what: str, case: str | None) -> Problem:
    listed = ", ".join(quote_literal(word) for word in sorted(words))
    detail = quote_literal(f"not {what}")
    if case:
        right = quote_literal(f"{what}, but not in {case} case")
        detail = f"CASE WHEN {case}({x}) IN ({listed}) THEN {right} ELSE {detail} END"
    return Problem(code, f"{x} NOT IN ({listed})", detail)


def _dob_range(day: str, as_of: datetime) -> tuple[Problem, ...]:
    # The end of a day is the first moment of the next.
    newest = (as_of - timedelta(microseconds=1)).date().isoformat()
    return (
        Problem("date_in_future", f"{day} > DATE '{newest}'", quote_literal(f"after {newest}")),
        Problem("date_too_early", f"{day} < DATE '{_OLDEST}'", "'before the year 1900'"),
    )


def _dob_text(text: str, as_of: datetime) -> Canonical:
    day = f"TRY_CAST({text} AS DATE)"
    form = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    wrong = f"NOT regexp_full_match({text}, '{form}') OR ({text} IS NOT NULL AND {day} IS NULL)"
    shaped = f"regexp_full_match({text}, '{form}')"
    detail = f"CASE WHEN {shaped} THEN 'no such day' ELSE 'not of the form YYYY-MM-DD' END"
    problems = (Problem("bad_date", wrong, detail), *_dob_range(day, as_of))
    return Canonical(AttributeType("Date"), day, problems)

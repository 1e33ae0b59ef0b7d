"""One test of one column as SQL: true, false, or NULL for false."""

from braze_assets.errors import SourceError
from braze_assets.segments.instants import period_sql
from braze_assets.segments.rules import Blank, Compared, Contains, Number, OneOf, Test, Truth, Within
from braze_assets.segments.schemas import Family, family_of
from braze_assets.storage import quote_literal

__all__ = ["check_test", "has_value_sql", "number_test_sql", "test_sql"]

Asked = Truth | OneOf | Compared | Contains | Within

_FUNCTIONS = {"anywhere": "contains", "start": "starts_with", "end": "suffix"}
_ASKED = {
    "text": "`is`, `is in`, `contains`, `starts with`, `ends with`, `is blank`",
    "number": "`is`, `is in`, `greater than`, `at least`, `less than`, `at most`, `between`, `is blank`",
    "truth": "`is true`, `is false`, `is blank`",
    "date": "`before`, `after`, `on`, `between`, `in the last 30 days`, `more than 1 year ago`, `is blank`",
    "other": "`is blank`",
}


def check_test(test: Test, sql_type: str, *, column: str, place: str) -> None:
    """See that a column of this type can be asked this.

    Raises:
        SourceError: It cannot, as a text compared with a number.
    """
    family = family_of(sql_type)
    if isinstance(test, Blank) or family in _answering(test):
        return
    kind = "date" if family in ("timestamp", "instant") else family
    raise SourceError(
        f"The column {column} is {sql_type}: it cannot be asked {_question(test)}.",
        place=place,
        remedy=f"Ask it {_ASKED[kind]}." + _quoted_no(test, family),
    )


def _answering(test: Test) -> tuple[Family, ...]:
    if isinstance(test, Truth):
        return ("truth",)
    if isinstance(test, Within):
        return ("date", "timestamp", "instant")
    if isinstance(test, Contains):
        return ("text",)
    if isinstance(test, Compared):
        return ("number",)
    if not isinstance(test, OneOf) or not test.values:
        return ("text", "number")
    return ("text",) if isinstance(test.values[0], str) else ("number",)


def _question(test: Test) -> str:
    if isinstance(test, Truth):
        return "whether it is true or false"
    if isinstance(test, Within):
        return "for a date"
    if isinstance(test, OneOf) and test.values and not isinstance(test.values[0], str):
        return "whether it is a number"
    return "for a text" if isinstance(test, (Contains, OneOf)) else "for a number"


def _quoted_no(test: Test, family: Family) -> str:
    if family != "text" or isinstance(test, (Within, Contains)):
        return ""
    if isinstance(test, Truth):
        return ' A text like NO or Yes must be quoted, or YAML reads it as false or true: "NO".'
    return ' A text of digits must be quoted: "007".'


def test_sql(test: Asked, column: str, sql_type: str) -> str:
    """The test as SQL.

    Args:
        test: One that fits the type; not `Blank`, which asks of a row that may not be there.
        column: The column as SQL.
        sql_type: Its DuckDB type.
    """
    family = family_of(sql_type)
    if isinstance(test, Truth):
        return column if test.value else f"NOT {column}"
    if isinstance(test, Within):
        return period_sql(column, family, test)
    if isinstance(test, Contains):
        calls = [f"{_FUNCTIONS[test.where]}({column}, {quote_literal(text)})" for text in test.texts]
        return " OR ".join(calls) or "false"
    if isinstance(test, OneOf) and family == "text":
        return _one_of(column, [quote_literal(str(each)) for each in test.values])
    return number_test_sql(test, column, nan=_has_nan(sql_type))


def number_test_sql(test: Compared | OneOf, column: str, *, nan: bool = False) -> str:
    """A test of a number; with `nan`, the column may hold NaN, which is blank and above all numbers."""
    if isinstance(test, OneOf):
        return _one_of(column, [_number(each) for each in test.values if not isinstance(each, str)])
    sql = f"{column} {test.operator} {_number(test.value)}"
    return f"{sql} AND NOT isnan({column})" if nan and test.operator.startswith(">") else sql


def _one_of(column: str, literals: list[str]) -> str:
    if not literals:
        return "false"
    return f"{column} = {literals[0]}" if len(literals) == 1 else f"{column} IN ({', '.join(literals)})"


def _number(value: Number) -> str:
    return str(value) if isinstance(value, int) else format(value, "f")


def has_value_sql(column: str, sql_type: str) -> str:
    """Whether a column is not blank."""
    if family_of(sql_type) == "text":
        return f"trim({column}) <> ''"
    return f"NOT isnan({column})" if _has_nan(sql_type) else f"{column} IS NOT NULL"


def _has_nan(sql_type: str) -> bool:
    return sql_type.upper() in ("DOUBLE", "FLOAT", "REAL")

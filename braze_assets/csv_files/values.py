"""What a cell means, as SQL: its exact JSON text, or why it has none.

The rules are those of Braze's CSV Lambda (version 0.2.5, September 2026) without its mistakes: the identifier
is never inferred, no cell is evaluated, and a cell that does not convert is said to be one.
"""

from dataclasses import dataclass

from braze_assets.braze.fields import PROFILE_FIELDS
from braze_assets.braze.limits import Limits
from braze_assets.csv_files.lists import LIST_FUNCTION
from braze_assets.csv_files.settings import Cast
from braze_assets.storage import quote_literal

__all__ = ["CellRule", "cell_rule"]

_NUMBER = r"-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)"
_FLOAT = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_WHOLE = r"[+-]?[0-9]+(\.0*)?"
_SPACE = r"[ \t\r\n]*"
_ONE_TEXT = r"""'[^'"\\\x00-\x1f]*'"""
_TEXTS = rf"\[{_SPACE}({_ONE_TEXT}({_SPACE},{_SPACE}{_ONE_TEXT})*)?{_SPACE}\]"
"""Lists of plain texts in single quotes: most are."""
_TRUE, _FALSE = "('true', '1', 'yes', 'y', 't')", "('false', '0', 'no', 'n', 'f')"


@dataclass(frozen=True)
class CellRule:
    """How the cells of one column are read.

    Args:
        json: SQL of the JSON text: NULL for a cell that sends nothing, `null` for one that unsets.
        problem: SQL of why a cell that is not empty has no JSON text.
        list: A name and SQL that the two refer to, or None.
    """

    json: str
    problem: str
    list: tuple[str, str] | None = None


def cell_rule(name: str, cell: str, cast: Cast | None, limits: Limits) -> CellRule:
    """The rule of a column.

    Args:
        name: Its header. Profile fields that Braze documents as text are text, whatever they look like.
        cell: SQL of the cell, VARCHAR.
        cast: What the drop's settings say of it.
        limits: What the destination accepts.
    """
    field = PROFILE_FIELDS.get(name)
    if cast is None and field is not None and field.type != "Boolean":
        unset = f"WHEN {_is_null(cell)} THEN 'null' "
        return CellRule(_case(cell, f"{unset}{_text(cell, limits)}"), "'too_long'")
    if cast == "string":
        return CellRule(_case(cell, _text(cell, limits)), "'too_long'")
    if cast is not None:
        converted = _CASTS[cast].replace("{c}", cell)
        return CellRule(_case(cell, f"WHEN {_is_null(cell)} THEN 'null' {converted}"), "'cannot_cast'")
    listed = f"(ascii({cell}) = 91 AND suffix({cell}, ']'))"
    found = f"{cell}_list"
    items = (
        f"CASE WHEN {listed} THEN CASE WHEN regexp_full_match({cell}, {quote_literal(_TEXTS)}) "
        f"THEN replace({cell}, '''', '\"') ELSE {LIST_FUNCTION}({cell}) END END"
    )
    small = f"json_array_length({found}) <= {limits.array_items} AND strlen({found}) <= {limits.array_bytes}"
    json = _case(
        cell,
        f"WHEN ascii({cell}) BETWEEN 45 AND 57 AND regexp_full_match({cell}, {quote_literal(_NUMBER)}) "
        f"AND (strlen({cell}) < 19 OR contains({cell}, '.') OR TRY_CAST({cell} AS BIGINT) IS NOT NULL) "
        f"THEN {_number(cell)} "
        f"WHEN strlen({cell}) <= 5 AND lower({cell}) IN ('null', 'true', 'false') THEN lower({cell}) "
        f"WHEN {listed} THEN CASE WHEN {small} THEN {found} END {_text(cell, limits)}",
    )
    problem = (
        f"CASE WHEN NOT {listed} THEN 'too_long' WHEN {found} IS NULL THEN 'not_a_list' "
        f"WHEN json_array_length({found}) > {limits.array_items} THEN 'too_many_items' "
        "ELSE 'array_too_large' END"
    )
    return CellRule(json, problem, (found, items))


def _case(cell: str, branches: str) -> str:
    return f"CASE WHEN {cell} IS NULL OR {cell} = '' THEN NULL {branches} END"


def _is_null(cell: str) -> str:
    return f"(strlen({cell}) = 4 AND lower({cell}) = 'null')"


def _text(cell: str, limits: Limits) -> str:
    # Bytes are counted first: they are at hand.
    short = f"strlen({cell}) <= {limits.string_chars} OR length({cell}) <= {limits.string_chars}"
    return f"WHEN {short} THEN CAST(to_json({cell}) AS VARCHAR)"


def _number(cell: str) -> str:
    """The digits as they stand; JSON wants one on both sides of the point, and has no -0."""
    digits = rf"regexp_replace(regexp_replace({cell}, '^(-?)[.]', '\10.'), '[.]$', '')"
    odd = f"prefix({cell}, '.') OR prefix({cell}, '-.') OR suffix({cell}, '.')"
    return f"CASE WHEN {cell} = '-0' THEN '0' WHEN {odd} THEN {digits} ELSE {cell} END"


_CASTS: dict[Cast, str] = {
    "integer": (
        f"WHEN regexp_full_match({{c}}, {quote_literal(_WHOLE)}) "
        "THEN CAST(TRY_CAST(split_part({c}, '.', 1) AS BIGINT) AS VARCHAR)"
    ),
    "float": (
        f"WHEN regexp_full_match({{c}}, {quote_literal(_FLOAT)}) AND isfinite(TRY_CAST({{c}} AS DOUBLE)) "
        "THEN CAST(to_json(TRY_CAST({c} AS DOUBLE) + 0.0) AS VARCHAR)"
    ),
    "boolean": f"WHEN lower({{c}}) IN {_TRUE} THEN 'true' WHEN lower({{c}}) IN {_FALSE} THEN 'false'",
}

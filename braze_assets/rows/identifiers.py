"""The identifier column of a table of rows: text as it came, and what makes a row unsendable."""

from collections.abc import Mapping

from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.braze.limits import Limits
from braze_assets.errors import QueryError
from braze_assets.rows.names import identifier_columns

__all__ = ["error_sql", "identifier_sql"]

_INTEGERS = frozenset(
    f"{unsigned}{size}INT" for unsigned in ("", "U") for size in ("TINY", "SMALL", "BIG", "HUGE")
)
_BLANK = "' ' || chr(9) || chr(10) || chr(13)"


def identifier_sql(
    kind: IdentifierKind, types: Mapping[str, str], columns: Mapping[str, str], *, place: str | None = None
) -> str:
    """The SQL of the identifier as text: NULL where it is missing or blank.

    Text is taken as it is: "0123", "1.10" and "true" stay. A `user_alias` becomes compact JSON.

    Args:
        kind: The kind of identifier.
        types: DuckDB types by delivered column name.
        columns: SQL of the columns by delivered name.
        place: The query, for messages.

    Raises:
        QueryError: A column has a type without one way to write it as text, such as DOUBLE or DATE.
    """
    texts = []
    for name in identifier_columns(kind):
        type = types[name].upper()
        if type not in ("VARCHAR", "UUID", "INTEGER", "UINTEGER", *_INTEGERS) and not type.startswith(
            "ENUM("
        ):
            raise QueryError(
                f"The identifier column {name} has the type {types[name][:60]}; identifiers are text.",
                place=place,
                remedy="Say how Braze writes it, such as CAST(CAST(id AS BIGINT) AS VARCHAR).",
            )
        text = columns[name] if type == "VARCHAR" else f"CAST({columns[name]} AS VARCHAR)"
        texts.append(f"CASE WHEN trim({text}, {_BLANK}) <> '' THEN {text} END")
    if kind != "user_alias":
        return texts[0]
    name, label = texts
    # `||` with a NULL is NULL: an alias with half missing is missing.
    return f"""'{{"alias_name":' || to_json({name}) || ',"alias_label":' || to_json({label}) || '}}'"""


def error_sql(identifier: str, duplicated: str, limits: Limits) -> str:
    """The SQL of `_error`: why a row cannot be sent, or NULL.

    Args:
        identifier: SQL of the identifier.
        duplicated: SQL that is true where several rows have this identifier.
        limits: The limits of the destination.
    """
    return (
        f"CASE WHEN {identifier} IS NULL THEN 'null_identifier' "
        f"WHEN strlen({identifier}) > {limits.external_id_bytes} THEN 'identifier_too_long' "
        f"WHEN {duplicated} THEN 'duplicate_identifier' END"
    )

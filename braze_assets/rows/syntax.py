"""Whether a text is one SELECT, and where in it something is."""

import re

import duckdb

from braze_assets.errors import QueryError

__all__ = ["one_select", "text_position"]


def one_select(sql: str, place: str) -> duckdb.Statement:
    """The one statement of a SQL text, parsed by DuckDB itself, which is what will run it.

    Raises:
        QueryError: It does not parse, or is not exactly one SELECT; names file, line and column.
    """
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise _syntax_error(str(error), place) from None
    kinds = [str(statement.type).rpartition(".")[2] for statement in statements]
    if kinds == ["SELECT"]:
        return statements[0]
    # On which side of the two statements the blank between them is differs between versions of DuckDB.
    second = sql.find(statements[1].query.strip(), 1) if len(kinds) > 1 else 0
    line = 1 + sql.count("\n", 0, max(second, 0))
    raise QueryError(
        f"The file must hold exactly one SELECT statement; it holds {', then '.join(kinds) or 'nothing'}.",
        place=f"{place}:{line}" if kinds else place,
        remedy="Keep the one SELECT that yields the table.",
    )


def text_position(sql: str, start: int, place: str) -> str:
    """An offset in a text as `file:line:column`."""
    line = sql.count("\n", 0, start) + 1
    return f"{place}:{line}:{start - sql.rfind(chr(10), 0, start)}"


def _syntax_error(message: str, place: str) -> QueryError:
    """DuckDB's parser quotes the SQL, never data."""
    cause, _, excerpt = message.partition("\n")
    line = re.search(r"^LINE (\d+): ", excerpt, re.MULTILINE)
    if line:
        caret = excerpt[line.end() :].partition("\n")[2].partition("\n")[0]
        column = len(caret) - len(line.group())
        shown = excerpt[line.end() :].startswith("...")
        place = f"{place}:{line.group(1)}" + ("" if shown or column < 1 else f":{column}")
    return QueryError(
        f"The SQL does not parse: {cause.removeprefix('Parser Error: ')}.",
        place=place,
        remedy="Correct the SQL there or just before; it is DuckDB's dialect.",
    )

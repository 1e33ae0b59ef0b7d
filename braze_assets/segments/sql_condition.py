"""The escape hatch: a condition in SQL, over the same columns as everything else."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from braze_assets.errors import QueryError
from braze_assets.segments.names import column_name
from braze_assets.segments.rules import Column, SqlCondition
from braze_assets.segments.schemas import Tables

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["SqlText"]

# Another answer at another time, or from elsewhere: a segment is a question of the tables and of $as_of.
_WORDS = """
now today current_date current_time current_timestamp localtime localtimestamp get_current_timestamp
get_current_time transaction_timestamp random rand uuid gen_random_uuid uuidv4 uuidv7 nextval
currval setseed getenv getvariable query query_table read_text read_blob
"""
_NOT_REPEATABLE = frozenset(_WORDS.split())


@dataclass(frozen=True)
class SqlText:
    """A condition in SQL, understood.

    Args:
        condition: The text, in DuckDB's dialect: one expression that is true or false for a row.
        tables: The tables it may speak of.
    """

    condition: SqlCondition
    tables: Tables

    @property
    def sql(self) -> str:
        """The condition with every column under its table.

        Raises:
            QueryError: It is not one expression of columns.
            SourceError: A column is not there.
        """
        return self._qualified[0]

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """The tables and columns it speaks of."""
        return self._qualified[1]

    @property
    def tables_read(self) -> tuple[str, ...]:
        """The tables whose columns it has."""
        return tuple(dict.fromkeys(table for table, _ in self.columns))

    def check(self) -> None:
        """See that it is a condition: of columns that are there, and true or false.

        Raises:
            QueryError: DuckDB does not take it, or it is neither true nor false.
            SourceError: A column is not there.
        """
        sql, tables = self.sql, self.tables_read
        schemas = {table: self.tables.columns.get(table) for table in tables}
        if any(columns is None for columns in schemas.values()):
            return
        import duckdb

        with duckdb.connect() as connection:
            for table, columns in schemas.items():
                described = ", ".join(f"{column_name(name)} {kind}" for name, kind in (columns or {}).items())
                connection.execute(f"CREATE TABLE {column_name(table)} ({described})")
            source = f" FROM {', '.join(map(column_name, tables))}" if tables else ""
            parameters = {"as_of": None} if "$as_of" in sql else {}
            typed = sql.replace("$as_of", "$as_of::TIMESTAMPTZ")
            try:
                [row] = connection.execute(f"DESCRIBE SELECT ({typed}) AS it{source}", parameters).fetchall()
            except duckdb.Error as error:
                raise self._error(
                    f"The SQL condition is not understood: {_first_line(error)}", "Correct the condition."
                ) from None
        if row[1] != "BOOLEAN":
            raise self._error(
                f"The SQL condition is {row[1]}, neither true nor false.", "Compare it with something."
            )

    @cached_property
    def _qualified(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        from sqlglot import exp

        tree = self._tree
        found: dict[tuple[str, str], None] = {}
        for column in list(tree.find_all(exp.Column)):
            if column.args.get("db"):
                raise self._error(
                    f"The column {column.sql(dialect='duckdb')} has a schema before its table.",
                    "Write table.column.",
                )
            named = Column(column.name, column.table or None)
            table, name, _ = self.tables.resolve(named, self.condition.place)
            found.setdefault((table, name))
            column.set("table", exp.to_identifier(table))
            column.set("this", exp.to_identifier(name, quoted=column_name(name) != name))
        return tree.sql(dialect="duckdb"), tuple(found)

    @property
    def _tree(self) -> "exp.Expr":
        import duckdb
        import sqlglot
        from sqlglot import exp
        from sqlglot.errors import SqlglotError

        text = self.condition.text
        try:
            # DuckDB is what runs it; the other tells its columns.
            duckdb.extract_statements(f"SELECT (\n{text}\n)")
            tree = sqlglot.parse_one(f"SELECT (\n{text}\n) AS it", dialect="duckdb")
        except (SqlglotError, duckdb.Error) as error:
            raise self._error(
                f"The SQL condition does not parse: {_first_line(error)}",
                "Write one expression that is true or false, in DuckDB's dialect.",
            ) from None
        if not isinstance(tree, exp.Select) or len(tree.selects) != 1 or set(_parts(tree)) != {"expressions"}:
            raise self._error("The SQL condition is more than one expression.", "Write one expression.")
        expression = tree.selects[0].unalias().unnest()
        self._refuse(expression)
        return expression

    def _refuse(self, tree: "exp.Expr") -> None:
        from sqlglot import exp

        if found := tree.find(exp.Query, exp.AggFunc, exp.Window, exp.Star, exp.Table):
            raise self._error(
                f"The SQL condition has {_kind(found)}; it is asked of one customer's row.",
                "Use `purchased` for orders, or a sync's own SQL file for more.",
            )
        for function in tree.find_all(exp.Func):
            name = (function.name if isinstance(function, exp.Anonymous) else function.sql_name()).lower()
            if name in _NOT_REPEATABLE:
                raise self._error(
                    f"The SQL condition calls {name}, which has another answer every time.",
                    "Use $as_of, the end of the partition.",
                )
        for parameter in tree.find_all(exp.Parameter, exp.Placeholder):
            if parameter.name.lower() != "as_of":
                raise self._error(
                    f"The parameter ${parameter.name} is unknown.",
                    "The only parameter is $as_of, the end of the partition.",
                )

    def _error(self, cause: str, remedy: str) -> QueryError:
        return QueryError(cause, place=self.condition.place, remedy=remedy)


def _parts(tree: "exp.Expr") -> Iterator[str]:
    return (name for name, value in tree.args.items() if value)


def _kind(found: "exp.Expr") -> str:
    from sqlglot import exp

    if isinstance(found, exp.Query):
        return "a query of its own"
    if isinstance(found, exp.AggFunc):
        return f"an aggregate ({found.sql_name().lower()})"
    return {"Window": "a window", "Star": "a star"}.get(type(found).__name__, "a table")


def _first_line(error: Exception) -> str:
    # Both parsers quote the SQL, never data.
    line = str(error).splitlines()[0] if str(error) else type(error).__name__
    return re.sub(r"\x1b\[[0-9;]*m", "", line)[:300]

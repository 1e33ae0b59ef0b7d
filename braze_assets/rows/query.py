"""The user's SQL file: one SELECT, what its columns are called, and what it reads."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.braze.limits import Limits
from braze_assets.errors import QueryError
from braze_assets.rows.front_matter import FrontMatter, front_matter
from braze_assets.rows.names import check_names
from braze_assets.rows.syntax import one_select, text_position

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["TableQuery"]

_NO_TABLE = re.compile(r"[./*:\\]")
_PARAMETER = "as_of"


@dataclass(frozen=True)
class TableQuery:
    """A query for a table, in DuckDB's SQL, understood as far as that goes without running it.

    Columns are delivered under their names in lower case; a quoted alias (`AS "Loyalty Tier"`) keeps its
    name. The query may use `$as_of`, the end of the partition (TIMESTAMP WITH TIME ZONE, UTC).

    Args:
        sql: The text.
        place: The file, for messages.
        case: What becomes of names without quotes: `lower` case, or `as_written`.

    Raises:
        QueryError: The text does not parse or is not exactly one SELECT; names file, line and column.
    """

    sql: str
    place: str = "query"
    case: Literal["lower", "as_written"] = "lower"

    def __post_init__(self) -> None:
        one_select(self.sql, self.place)

    @classmethod
    def from_file(cls, path: str | Path) -> "TableQuery":
        """Read a SQL file (UTF-8).

        Raises:
            QueryError: It is not there, is not text, or is not one SELECT.
        """
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            raise QueryError(
                "The SQL file is not there.", place=str(path), remedy="Correct the path."
            ) from None
        except UnicodeDecodeError:
            raise QueryError(
                "The SQL file is not UTF-8 text.", place=str(path), remedy="Save it as UTF-8."
            ) from None
        return cls(text, str(path))

    @property
    def digest(self) -> str:
        """A short hash of the text without its front matter: another digest means another definition."""
        return hashlib.sha256(self.front.sql.encode()).hexdigest()[:16]

    @cached_property
    def front(self) -> FrontMatter:
        """What the file says of itself.

        Raises:
            QueryError: It cannot be read; names file and line.
        """
        return front_matter(self.sql, self.place)

    @property
    def statement(self) -> str:
        """The SELECT without a semicolon at its end, good as a subquery; lines are those of the file."""
        from sqlglot.dialects.duckdb import DuckDB

        last = DuckDB().tokenize(self.sql)[-1]
        return self.sql[: last.start] if last.text == ";" else self.sql

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The tables the query reads, in lower case, in order of appearance; its own CTEs are not among them.

        Raises:
            QueryError: A table is named with a schema; tables here have plain names.
        """
        from sqlglot import exp
        from sqlglot.optimizer.scope import traverse_scope

        found: dict[str, None] = {}
        for scope in traverse_scope(self._tree):
            for source in scope.sources.values():
                if not isinstance(source, exp.Table) or not isinstance(source.this, exp.Identifier):
                    continue
                if source.db:
                    raise QueryError(
                        f"The table {source.db}.{source.name} is named with a schema.",
                        place=self._at(source),
                        remedy=f"Write {source.name}: tables are known by their asset's name.",
                    )
                if not (source.this.quoted and _NO_TABLE.search(source.name)):
                    found.setdefault(source.name.lower())
        return tuple(found)

    @cached_property
    def parameters(self) -> frozenset[str]:
        """The named parameters the query uses: `as_of` or none."""
        names = one_select(self.sql, self.place).named_parameters
        if unknown := sorted(str(name) for name in names if name != _PARAMETER):
            raise QueryError(
                f"The parameter ${unknown[0]} is unknown.",
                place=self._line_of(f"${unknown[0]}"),
                remedy="The only parameter is $as_of, the end of the partition.",
            )
        return frozenset(names)

    def outputs(self) -> tuple[str, ...] | None:
        """The delivered names of the columns, or None where a `*` hides them until the query runs.

        Raises:
            QueryError: A column is an expression without a name.
        """
        if not self._explicit:
            return None
        names = []
        for ordinal, column in enumerate(self._tree.selects, start=1):
            if not _is_named(column):
                raise QueryError(
                    f"Column {ordinal} is an expression without a name.",
                    place=self._at(column),
                    remedy="Name it with AS.",
                )
            identifier = _name_of(column)
            names.append(identifier.name if identifier.quoted else self._cased(identifier.name))
        return tuple(names)

    def check(self, identifier: IdentifierKind, limits: Limits | None = None) -> None:
        """Check what can be checked before the query runs: parameters, tables, names, the identifier.

        Raises:
            QueryError: The first thing that is wrong, with file, line and column.
        """
        _ = self.front, self.parameters, self.sources
        names = self.outputs()
        if names is not None:
            check_names(names, identifier, place=self.column_place, limits=limits)

    def delivered(self, columns: Sequence[str]) -> tuple[str, ...]:
        """The delivered names of the columns DuckDB says the query has.

        Behind a `*`, a name is kept as written where the query quotes it in any SELECT list.
        """
        names = self.outputs()
        if names is not None and len(names) == len(columns):
            return names
        from sqlglot import exp

        quoted = {
            _name_of(column).name
            for select in self._tree.find_all(exp.Select)
            for column in select.selects
            if _is_named(column) and _name_of(column).quoted
        }
        return tuple(name if name in quoted else self._cased(name) for name in columns)

    def lineage(
        self, schemas: Mapping[str, Sequence[str]] | None = None
    ) -> dict[str, tuple[tuple[str, str], ...]]:
        """Where each delivered column comes from: pairs of source table and column, both in lower case.

        Args:
            schemas: The columns of source tables, needed behind a `*` and for columns without a table name.
        """
        from braze_assets.rows.lineage import column_lineage

        found = column_lineage(self._tree, schemas or {})
        delivered = self.delivered([name for name, _ in found])
        return {name: pairs for name, (_, pairs) in zip(delivered, found, strict=True)}

    def column_place(self, ordinal: int) -> str:
        """Where the column of this ordinal (0 for the first) is written."""
        columns = self._tree.selects
        return self._at(columns[ordinal]) if self._explicit and ordinal < len(columns) else self.place

    def _cased(self, name: str) -> str:
        return name.lower() if self.case == "lower" else name

    @cached_property
    def _explicit(self) -> bool:
        """Whether the SELECT list is what the query yields, name by name."""
        from sqlglot import exp

        if any(union.args.get("by_name") for union in self._tree.find_all(exp.SetOperation)):
            return False
        return not any(column.is_star or isinstance(column, exp.Columns) for column in self._tree.selects)

    @cached_property
    def _tree(self) -> "exp.Query":
        import sqlglot
        from sqlglot import exp
        from sqlglot.errors import SqlglotError

        try:
            tree = sqlglot.parse_one(self.statement, dialect="duckdb")
        except SqlglotError as error:
            raise QueryError(
                "DuckDB understands this query, but its columns and tables cannot be read from it.",
                place=self.place,
                remedy=f"Write it in plainer SQL. The parser said: {str(error).splitlines()[0]}",
            ) from None
        if not isinstance(tree, exp.Query) or not tree.selects:
            raise QueryError(
                "The query is not a SELECT with columns.",
                place=self.place,
                remedy="Write SELECT ... FROM ...",
            )
        return tree

    def _at(self, node: "exp.Expr") -> str:
        from sqlglot import exp

        starts = [
            one.meta["start"] for one in node.find_all(exp.Identifier, exp.Column) if "start" in one.meta
        ]
        return text_position(self.sql, min(starts), self.place) if starts else self.place

    def _line_of(self, text: str) -> str:
        return text_position(self.sql, max(self.sql.find(text), 0), self.place)


def _is_named(column: "exp.Expr") -> bool:
    from sqlglot import exp

    return isinstance(column, (exp.Alias, exp.Column))


def _name_of(column: "exp.Expr") -> "exp.Identifier":
    from sqlglot import exp

    name = column.args["alias"] if isinstance(column, exp.Alias) else column.this
    return name if isinstance(name, exp.Identifier) else exp.to_identifier(str(name), quoted=False)

"""Rules to SQL: all segments in one pass, or one by itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from braze_assets.segments.checking import check_segments
from braze_assets.segments.conditions import has_value_sql, test_sql
from braze_assets.segments.names import column_name
from braze_assets.segments.purchases import Purchases
from braze_assets.segments.rules import (
    All,
    AnyOf,
    Blank,
    InSegment,
    Not,
    Purchased,
    Rule,
    Segment,
    SqlCondition,
)
from braze_assets.segments.schemas import Tables
from braze_assets.storage import quote_identifier

__all__ = ["compile_segments", "membership_sql"]


def compile_segments(
    segments: Sequence[Segment], tables: Tables, others: Mapping[str, Segment] | None = None
) -> str:
    """The SQL of all segments in one pass: the key of each customer, and one BOOLEAN column a segment.

    No column is ever NULL. Every table is read once, and a condition that several segments share is asked
    once, where its table is read: what is joined are answers. The only parameter is `$as_of`, the end of the
    partition (TIMESTAMP WITH TIME ZONE).

    Args:
        segments: What to compile; their names are the columns.
        tables: The tables, all of their columns known.
        others: More segments that rules may speak of, by name.

    Raises:
        SourceError: A table or column is not there, or has the wrong type.
        QueryError: A condition in SQL is none.
        ConfigurationError: A segment is not there, or they go round in a circle.
    """
    known = _known(segments, others)
    check_segments(segments, tables, known)
    compiler = _Compiler(tables, known)
    rules = [f"{compiler.rule(each.rule)} AS {quote_identifier(each.name)}" for each in segments]
    return f"SELECT\n    {_lines([column_name(tables.key), *rules])}\n{compiler.source()}"


def membership_sql(segment: Segment, tables: Tables, others: Mapping[str, Segment] | None = None) -> str:
    """The SQL of one segment by itself: the key of each member.

    Arguments and errors are those of `compile_segments`.
    """
    known = _known([segment], others)
    check_segments([segment], tables, known)
    compiler = _Compiler(tables, known)
    rule = compiler.rule(segment.rule)
    return f"SELECT {column_name(tables.key)}\n{compiler.source()}\nWHERE {rule}"


@dataclass
class _Compiler:
    """What the rules compiled so far ask of each table."""

    tables: Tables
    segments: Mapping[str, Segment]
    _asked: dict[str, dict[str, str]] = field(default_factory=dict)
    """By relation: the name of each condition by its SQL."""
    _columns: dict[str, dict[str, None]] = field(default_factory=dict)
    """By table: the columns that conditions in SQL speak of."""
    _written: dict[str, str] = field(default_factory=dict)
    """The name of each condition in SQL."""
    _purchases: Purchases = field(init=False)

    def __post_init__(self) -> None:
        self._purchases = Purchases(self.tables)
        self._asked[self.tables.customers] = {}

    def rule(self, rule: Rule) -> str:
        """A rule as SQL over the conditions, none of which is NULL."""
        if isinstance(rule, All):
            return " AND ".join(self._operands(rule.rules)) or "true"
        if isinstance(rule, AnyOf):
            return " OR ".join(self._operands(rule.rules)) or "false"
        if isinstance(rule, Not):
            return f"NOT ({self.rule(rule.rule)})" if _is_many(rule.rule) else f"NOT {self.rule(rule.rule)}"
        if isinstance(rule, InSegment):
            return f"({self.rule(self.segments[rule.segment].rule)})"
        if isinstance(rule, Purchased):
            return self._named(*self._purchases.condition(rule))
        if isinstance(rule, SqlCondition):
            return self._of_text(rule)
        table, name, sql_type = self.tables.resolve(rule.column, rule.place)
        if isinstance(rule.test, Blank):
            # The opposite is what is asked of the table: who has no row there is to be blank as well.
            return f"(NOT {self._named(table, has_value_sql(column_name(name), sql_type or ''))})"
        return self._named(table, test_sql(rule.test, column_name(name), sql_type or ""))

    def _operands(self, rules: Sequence[Rule]) -> Iterator[str]:
        for each in rules:
            yield f"({self.rule(each)})" if _is_many(each) else self.rule(each)

    def _named(self, relation: str, sql: str) -> str:
        return self._asked.setdefault(relation, {}).setdefault(sql, self._next())

    def _of_text(self, rule: SqlCondition) -> str:
        from braze_assets.segments.sql_condition import SqlText

        text = SqlText(rule, self.tables)
        for table, name in text.columns:
            self._asked.setdefault(table, {})
            self._columns.setdefault(table, {}).setdefault(column_name(name))
        return self._written.setdefault(text.sql, self._next())

    def _next(self) -> str:
        return f"condition_{1 + len(self._names)}"

    @property
    def _names(self) -> list[str]:
        return [name for asked in (*self._asked.values(), self._written) for name in asked.values()]

    def source(self) -> str:
        """FROM: every table that was asked joined once, and all conditions true or false."""
        customers, key = column_name(self.tables.customers), column_name(self.tables.key)
        answers = {name: name for asked in self._asked.values() for name in asked.values()}
        answers |= {name: sql for sql, name in self._written.items()}
        # NULL is made false once here, not wherever a condition is used: that takes longer than AND and OR.
        columns = [
            f"{customers}.{key}",
            *(f"coalesce({sql}, false) AS {name}" for name, sql in answers.items()),
        ]
        joined = f"SELECT\n    {_lines(columns)}\n{self._joins(customers, key)}"
        return f"FROM (\n{_indented(joined)}\n) AS conditions"

    def _joins(self, customers: str, key: str) -> str:
        parts: list[str] = []
        for relation, asked in self._asked.items():
            columns = dict.fromkeys([key, *self._columns.get(relation, ())])
            lines = [*columns, *(f"{sql} AS {name}" for sql, name in asked.items())]
            more = self._purchases.rows(relation, key) or f"FROM {column_name(relation)}"
            if relation == self.tables.customers:
                more += f"\nWHERE {key} IS NOT NULL"
            part = _indented(f"SELECT\n    {_lines(lines)}\n{more}")
            name = column_name(relation)
            joined = f"LEFT JOIN (\n{part}\n) AS {name} ON {name}.{key} = {customers}.{key}"
            parts.append(joined if parts else f"FROM (\n{part}\n) AS {name}")
        return "\n".join(parts)


def _is_many(rule: Rule) -> bool:
    return isinstance(rule, (All, AnyOf))


def _known(segments: Sequence[Segment], others: Mapping[str, Segment] | None) -> dict[str, Segment]:
    return {**(others or {}), **{each.name: each for each in segments}}


def _lines(items: Sequence[str]) -> str:
    return ",\n    ".join(items)


def _indented(sql: str) -> str:
    return "    " + sql.replace("\n", "\n    ")

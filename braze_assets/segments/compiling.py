"""Rules to SQL: all segments in one pass, or one by itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from braze_assets.segments.checking import check_segments
from braze_assets.segments.conditions import test_sql
from braze_assets.segments.names import column_name
from braze_assets.segments.purchases import Purchases
from braze_assets.segments.rules import (
    All,
    AnyOf,
    Field,
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
    once. The only parameter is `$as_of`, the end of the partition (TIMESTAMP WITH TIME ZONE).

    Args:
        segments: What to compile; their names are the columns.
        tables: The tables, all of their columns known.
        others: More segments that rules may speak of, by name.

    Raises:
        SourceError: A table or column is not there, or has the wrong type.
        ConfigurationError: A segment is not there, or they go round in a circle.
    """
    compiler = _Compiler(tables, _known(segments, others))
    check_segments(segments, tables, compiler.segments)
    asked: dict[str, str] = {}
    rules = [(each.name, compiler.rule(each.rule, asked)) for each in segments]
    key = f"{tables.customers}.{column_name(tables.key)}"
    leaves = [f"{sql} AS {alias}" for sql, alias in asked.items()]
    final = [
        column_name(tables.key),
        *(f"({sql}) IS TRUE AS {quote_identifier(name)}" for name, sql in rules),
    ]
    relations = [
        *compiler.purchases.relations(),
        ("conditions", f"SELECT\n    {_lines([key, *leaves])}\n{compiler.source(key)}"),
    ]
    return f"{_with(relations)}SELECT\n    {_lines(final)}\nFROM conditions"


def membership_sql(segment: Segment, tables: Tables, others: Mapping[str, Segment] | None = None) -> str:
    """The SQL of one segment by itself: the key of each member.

    Arguments and errors are those of `compile_segments`.
    """
    compiler = _Compiler(tables, _known([segment], others))
    check_segments([segment], tables, compiler.segments)
    rule = compiler.rule(segment.rule)
    key = f"{tables.customers}.{column_name(tables.key)}"
    source = compiler.source(key)
    return f"{_with(list(compiler.purchases.relations()))}SELECT {key}\n{source}\n    AND {_indented(rule)}"


@dataclass
class _Compiler:
    """What the rules compiled so far need: tables to join, and aggregates of orders."""

    tables: Tables
    segments: Mapping[str, Segment]
    joined: dict[str, None] = field(default_factory=dict)
    purchases: Purchases = field(init=False)

    def __post_init__(self) -> None:
        self.purchases = Purchases(self.tables)

    def rule(self, rule: Rule, asked: dict[str, str] | None = None) -> str:
        """A rule as SQL: true where it is true, otherwise false or NULL.

        Without negations that is two-valued logic with NULL for false. So only a negation, and the end, must
        ask `IS TRUE`.

        Args:
            rule: The rule.
            asked: Where given, conditions are put there under a name, which stands for them.
        """
        if isinstance(rule, All):
            return " AND ".join(self._operands(rule.rules, asked)) or "true"
        if isinstance(rule, AnyOf):
            return " OR ".join(self._operands(rule.rules, asked)) or "false"
        if isinstance(rule, Not):
            return f"({self.rule(rule.rule, asked)}) IS NOT TRUE"
        if isinstance(rule, InSegment):
            return f"({self.rule(self.segments[rule.segment].rule, asked)})"
        sql = self._condition(rule)
        if asked is None:
            return sql
        return asked.setdefault(sql, f"condition_{1 + len(asked)}")

    def _operands(self, rules: Sequence[Rule], asked: dict[str, str] | None) -> Iterator[str]:
        for each in rules:
            sql = self.rule(each, asked)
            plain = isinstance(each, (Not, InSegment)) or " " not in sql
            yield sql if plain else f"({sql})"

    def _condition(self, rule: Field | Purchased | SqlCondition) -> str:
        if isinstance(rule, Purchased):
            return self.purchases.condition(rule)
        if isinstance(rule, SqlCondition):
            from braze_assets.segments.sql_condition import SqlText

            text = SqlText(rule, self.tables)
            self.joined.update(dict.fromkeys(text.tables_read))
            return f"({text.sql})"
        table, name, sql_type = self.tables.resolve(rule.column, rule.place)
        self.joined.setdefault(table)
        return test_sql(rule.test, f"{table}.{column_name(name)}", sql_type or "")

    def source(self, key: str) -> str:
        """FROM, with every table that was asked joined once."""
        customers = self.tables.customers
        relations = [table for table in self.joined if table != customers]
        relations += [name for name, _ in self.purchases.relations()]
        own = column_name(self.tables.key)
        joins = [f"LEFT JOIN {name} ON {name}.{own} = {key}" for name in relations]
        return "\n".join([f"FROM {customers}", *joins, f"WHERE {key} IS NOT NULL"])


def _known(segments: Sequence[Segment], others: Mapping[str, Segment] | None) -> dict[str, Segment]:
    return {**(others or {}), **{each.name: each for each in segments}}


def _lines(items: Sequence[str]) -> str:
    return ",\n    ".join(items)


def _indented(sql: str) -> str:
    return f"({sql})" if " OR " in sql else sql


def _with(relations: Sequence[tuple[str, str]]) -> str:
    if not relations:
        return ""
    made = ",\n".join(
        f"{name} AS (\n    {sql.replace(chr(10), chr(10) + '    ')}\n)" for name, sql in relations
    )
    return f"WITH {made}\n"

"""Whether rules speak of what is there: tables, columns, types, other segments."""

from collections.abc import Iterator, Mapping, Sequence

from braze_assets.errors import ConfigurationError
from braze_assets.segments.conditions import check_test
from braze_assets.segments.purchases import check_purchased
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
from braze_assets.segments.schemas import Tables, near

__all__ = ["check_segments", "conditions_of", "tables_of"]

Condition = Field | Purchased | SqlCondition


def check_segments(segments: Sequence[Segment], tables: Tables, known: Mapping[str, Segment]) -> None:
    """See that segments can be compiled; what is not known of a table yet is not asked.

    Args:
        segments: Those to check.
        tables: The tables.
        known: All segments by name.

    Raises:
        SourceError: A table or column is not there, or cannot be asked that.
        ConfigurationError: A segment is not there, or they go round in a circle.
    """
    for segment in segments:
        for condition in conditions_of(segment, known):
            _check(condition, tables)


def _check(condition: Condition, tables: Tables) -> None:
    if isinstance(condition, Purchased):
        check_purchased(condition, tables)
    elif isinstance(condition, SqlCondition):
        from braze_assets.segments.sql_condition import SqlText

        SqlText(condition, tables).check()
    else:
        table, name, sql_type = tables.resolve(condition.column, condition.place)
        if sql_type is not None:
            check_test(condition.test, sql_type, column=f"{table}.{name}", place=condition.place)


def tables_of(segments: Sequence[Segment], tables: Tables, known: Mapping[str, Segment]) -> tuple[str, ...]:
    """The tables that segments read, the customers first."""
    found: dict[str, None] = {tables.customers: None}
    for segment in segments:
        for condition in conditions_of(segment, known):
            if isinstance(condition, Purchased):
                items = condition.products is not None
                found.setdefault("unified_itemized_transactions" if items else "unified_transactions")
            elif isinstance(condition, SqlCondition):
                from braze_assets.segments.sql_condition import SqlText

                found.update(dict.fromkeys(SqlText(condition, tables).tables_read))
            else:
                found.setdefault(tables.resolve(condition.column, condition.place)[0])
    return tuple(found)


def conditions_of(segment: Segment, known: Mapping[str, Segment]) -> Iterator[Condition]:
    """The conditions of a segment, and of those it speaks of.

    Raises:
        ConfigurationError: A segment is not there, or they go round in a circle.
    """
    yield from _conditions(segment.rule, known, (segment.name,))


def _conditions(rule: Rule, known: Mapping[str, Segment], path: tuple[str, ...]) -> Iterator[Condition]:
    if isinstance(rule, (All, AnyOf)):
        for each in rule.rules:
            yield from _conditions(each, known, path)
    elif isinstance(rule, Not):
        yield from _conditions(rule.rule, known, path)
    elif isinstance(rule, InSegment):
        name = rule.segment
        if name not in known:
            there = f"There are {', '.join(sorted(known))}." if known else "There are none yet."
            raise ConfigurationError(
                f"The segment {name} is unknown.", place=rule.place, remedy=near(name, known) + there
            )
        if name in path:
            circle = " -> ".join([*path[path.index(name) :], name])
            raise ConfigurationError(
                f"Segments go round in a circle: {circle}.",
                place=rule.place,
                remedy="Take one of them out of the rule of another.",
            )
        yield from _conditions(known[name].rule, known, (*path, name))
    else:
        yield rule

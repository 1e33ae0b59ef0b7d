"""Which source columns each column of a query is made of."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

__all__ = ["column_lineage"]

Pair = tuple[str, str]


def column_lineage(
    query: "exp.Query", schemas: Mapping[str, Sequence[str]]
) -> list[tuple[str, tuple[Pair, ...]]]:
    """The source columns of each output column, in the query's order; what a `*` hides is left out.

    Only what a value is computed from counts, not what rows are joined or filtered by. The query is
    qualified and its scopes built once for all columns; asking sqlglot column by column is far slower.

    Args:
        query: The parsed query.
        schemas: Columns of the source tables, as far as they are known.
    """
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    known: dict[str, object] = {
        table.lower(): dict.fromkeys(columns, "UNKNOWN") for table, columns in schemas.items()
    }
    try:
        qualified = qualify(
            query.copy().unnest(),
            dialect="duckdb",
            schema=known,
            validate_qualify_columns=False,
            identify=False,
        )
        root = build_scope(qualified)
    except SqlglotError:
        return []
    if root is None:
        return []
    return [
        (column.alias_or_name, tuple(dict.fromkeys(_output(root, ordinal))))
        for ordinal, column in enumerate(_columns(root))
        if not column.is_star
    ]


def _output(scope: "Scope", ordinal: int) -> Iterator[Pair]:
    """What one output column of a scope comes from."""
    if scope.set_operation_scopes:
        for part in scope.set_operation_scopes:
            yield from _output(part, ordinal)
        return
    columns = _columns(scope)
    if ordinal < len(columns):
        yield from _expression(scope, columns[ordinal])


def _expression(scope: "Scope", expression: "exp.Expr") -> Iterator[Pair]:
    from sqlglot import exp

    subqueries = {id(sub.expression): sub for sub in scope.subquery_scopes}
    waiting = [expression]
    while waiting:
        node = waiting.pop()
        if isinstance(node, exp.Column):
            yield from _column(scope, node)
        elif id(node) in subqueries:
            inner = subqueries[id(node)]
            for ordinal in range(len(_columns(inner))):
                yield from _output(inner, ordinal)
        else:
            waiting.extend(reversed(list(node.iter_expressions())))


def _column(scope: "Scope", column: "exp.Column") -> Iterator[Pair]:
    from sqlglot import exp

    holder: Scope | None = scope
    source = None
    if not column.table and len(scope.selected_sources) == 1:
        source = next(source for _, source in scope.selected_sources.values())
    while holder is not None and source is None:
        source = holder.sources.get(column.table)
        holder = holder.parent
    if isinstance(source, exp.Table):
        if isinstance(source.this, exp.Identifier):
            yield source.name.lower(), column.name.lower()
    elif source is not None:
        names = [one.alias_or_name.lower() for one in _columns(source)]
        if column.name.lower() in names:
            yield from _output(source, names.index(column.name.lower()))


def _columns(scope: "Scope") -> "list[exp.Expr]":
    from sqlglot import exp

    return scope.expression.selects if isinstance(scope.expression, exp.Query) else []

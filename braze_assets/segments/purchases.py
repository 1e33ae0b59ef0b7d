"""Purchases as SQL: one GROUP BY a table of orders, whatever is asked of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from braze_assets.errors import SourceError
from braze_assets.segments.conditions import number_test_sql
from braze_assets.segments.instants import period_sql, start_sql
from braze_assets.segments.rules import Purchased
from braze_assets.segments.schemas import Family, Tables, family_of
from braze_assets.storage import quote_literal

__all__ = ["Purchases", "check_purchased"]


@dataclass(frozen=True)
class _Orders:
    """How a table of orders calls things."""

    table: str
    amount: str
    sold: tuple[tuple[str, str], ...]
    """What is true of a row that is no return and no cancellation: column, and SQL after it."""


_ORDERS = _Orders("unified_transactions", "order_revenue", (("order_quantity", "> 0"),))
_ITEMS = _Orders(
    "unified_itemized_transactions",
    "item_revenue",
    (("is_return", "IS NOT TRUE"), ("is_cancellation", "IS NOT TRUE")),
)
_TIME, _ORDER = "order_datetime", "order_id"
_CHOSEN = {
    "product_id": "products",
    "purchase_channel": "channels",
    "purchase_brand": "brands",
    "currency": "currencies",
}
"""Columns whose values a rule may list: how the rule calls them."""


def check_purchased(rule: Purchased, tables: Tables) -> None:
    """See that the table of orders has what is asked.

    Raises:
        SourceError: It lacks a table or column, or a column has the wrong type.
    """
    _Filter(rule, tables).check()


@dataclass
class Purchases:
    """What is asked of orders: of each of their tables once, by customer."""

    tables: Tables
    _rows: dict[str, list["_Filter"]] = field(default_factory=dict)
    """By relation: the rows that each rule is about."""

    def condition(self, rule: Purchased) -> tuple[str, str]:
        """The relation that has a row a customer who ordered, and the rule as SQL in its SELECT list."""
        rows = _Filter(rule, self.tables)
        self._rows.setdefault(rows.relation, []).append(rows)
        within = rows.sql
        by_items = rows.orders is _ITEMS and rule.count
        count = _filtered(f"count(DISTINCT {_ORDER})" if by_items else "count(*)", within)
        # An order at least, whatever else is asked of their number.
        tests = [f"{count} > 0", *(number_test_sql(each, count) for each in rule.count)]
        if rule.amount:
            revenue, no_number = rows.amount
            paid = _filtered(f"sum({revenue})", " AND ".join(filter(None, (within, no_number))))
            tests += [number_test_sql(each, f"coalesce({paid}, 0)") for each in rule.amount]
        return rows.relation, " AND ".join(tests)

    def rows(self, relation: str, key: str) -> str | None:
        """FROM and what follows, for a relation that `condition` named; None for any other."""
        asked = self._rows.get(relation)
        if asked is None:
            return None
        orders = asked[0].orders
        where = [*(f"{column} {is_so}" for column, is_so in orders.sold), *_in_common(asked)]
        return f"FROM {orders.table}\nWHERE {' AND '.join(where)}\nGROUP BY {key}"


def _in_common(asked: Sequence["_Filter"]) -> Iterator[str]:
    """Rows that no rule is about are not grouped: before the first instant, or of none of the products."""
    earliest = list(dict.fromkeys(each.start for each in asked))
    if None not in earliest:
        instants = ", ".join(map(str, earliest))
        yield f"{_TIME} >= {instants if len(earliest) == 1 else f'least({instants})'}"
    for column in _CHOSEN:
        values = [each.chosen.get(column) for each in asked]
        if None not in values:
            yield _one_of(column, list(dict.fromkeys(value for each in values for value in each or ())))


def _filtered(aggregate: str, where: str) -> str:
    return f"{aggregate} FILTER ({where})" if where else aggregate


@dataclass(frozen=True)
class _Filter:
    """Which rows of a table of orders a rule is about."""

    rule: Purchased
    tables: Tables

    @property
    def orders(self) -> _Orders:
        return _ORDERS if self.rule.products is None else _ITEMS

    @property
    def relation(self) -> str:
        return _relation(self.orders)

    @property
    def chosen(self) -> dict[str, tuple[str, ...]]:
        """By column: the values that the rule lists."""
        listed = {column: getattr(self.rule, name) for column, name in _CHOSEN.items()}
        return {column: values for column, values in listed.items() if values is not None}

    @property
    def sql(self) -> str:
        tests = []
        if self.rule.when is not None:
            tests.append(period_sql(_TIME, self._time, self.rule.when))
        tests += [_one_of(column, values) for column, values in self.chosen.items()]
        return " AND ".join(tests)

    @property
    def start(self) -> str | None:
        """The first instant that counts."""
        return start_sql(self._time, self.rule.when) if self.rule.when is not None else None

    @property
    def amount(self) -> tuple[str, str]:
        """The column of the revenue, and the SQL that leaves out what is no number."""
        name, sql_type = self.tables.column(self.orders.table, self.orders.amount, self.rule.place)
        return name, f"NOT isnan({name})" if (sql_type or "").upper() in ("DOUBLE", "FLOAT") else ""

    @property
    def _time(self) -> Family:
        _, sql_type = self.tables.column(self.orders.table, _TIME, self.rule.place)
        return family_of(sql_type or "TIMESTAMP WITH TIME ZONE")

    def check(self) -> None:
        """Raises SourceError where a column is missing or has the wrong type."""
        asked: list[tuple[str, tuple[Family, ...]]] = [
            (self.tables.key, ()),
            (_TIME, ("date", "timestamp", "instant")),
            *((column, ()) for column, _ in self.orders.sold),
            *((column, ("text",)) for column in self.chosen),
        ]
        if self.rule.amount:
            asked.append((self.orders.amount, ("number",)))
        if self.rule.count and self.orders is _ITEMS:
            asked.append((_ORDER, ()))
        for column, families in asked:
            _, sql_type = self.tables.column(self.orders.table, column, self.rule.place)
            if families and sql_type is not None and family_of(sql_type) not in families:
                raise SourceError(
                    f"The column {self.orders.table}.{column} is {sql_type}, which `purchased` cannot use.",
                    place=self.rule.place,
                    remedy=f"Make it a {families[-1] if families[-1] != 'instant' else 'timestamp'}.",
                )


def _one_of(column: str, values: Sequence[str]) -> str:
    return f"{column} IN ({', '.join(map(quote_literal, values))})" if values else "false"


def _relation(orders: _Orders) -> str:
    return f"{orders.table}_by_customer"

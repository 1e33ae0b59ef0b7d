"""The rule language: what a segment's members have in common.

Every rule is true or false for a customer, never unknown. A blank value (NULL, a text of nothing but spaces,
NaN, or no row at all) satisfies no test but `Blank`; a negation is the exact opposite of what it negates.
So "is not DE" is true of a customer whose country is blank.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from braze_assets.segments.moments import Bound

__all__ = [
    "All",
    "AnyOf",
    "Blank",
    "Column",
    "Compared",
    "Contains",
    "Field",
    "InSegment",
    "Not",
    "Number",
    "OneOf",
    "Purchased",
    "Rule",
    "Segment",
    "SqlCondition",
    "Test",
    "Truth",
    "Within",
]

Number = int | Decimal
Operator = Literal[">", ">=", "<", "<="]


@dataclass(frozen=True)
class Blank:
    """There is no value."""


@dataclass(frozen=True)
class Truth:
    """A yes-or-no column says this."""

    value: bool


@dataclass(frozen=True)
class OneOf:
    """The value is one of these texts, or one of these numbers; nothing is one of none."""

    values: tuple[str, ...] | tuple[Number, ...]


@dataclass(frozen=True)
class Compared:
    """The number is above or below another."""

    operator: Operator
    value: Number


@dataclass(frozen=True)
class Contains:
    """The text contains, starts with or ends with one of these; upper and lower case differ."""

    where: Literal["anywhere", "start", "end"]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Within:
    """The date or time lies in a period.

    It begins with the first instant of `start`, and takes in the last of `end`. With `start_after` it begins
    after the last instant of `start`, with `end_before` it ends before the first of `end`. Of an instant
    (`Ago`) both are the same: a period takes in the instant it begins with, not the one it ends with.
    """

    start: Bound | None = None
    end: Bound | None = None
    start_after: bool = False
    end_before: bool = False


Test = Blank | Truth | OneOf | Compared | Contains | Within


@dataclass(frozen=True)
class Column:
    """A column by its table, or without where it is unique among the tables of one row a customer."""

    name: str
    table: str | None = None

    def __str__(self) -> str:
        return f"{self.table}.{self.name}" if self.table else self.name


@dataclass(frozen=True)
class All:
    """All of these are true; of none, all are."""

    rules: tuple["Rule", ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one of these is true; of none, none is."""

    rules: tuple["Rule", ...]


@dataclass(frozen=True)
class Not:
    """The opposite, for every customer."""

    rule: "Rule"


@dataclass(frozen=True)
class Field:
    """A column of a table with one row a customer, and what is asked of it."""

    column: Column
    test: Test
    place: str = field(default="", compare=False)


@dataclass(frozen=True)
class Purchased:
    """The customer placed at least one such order, and as many, for as much, as is asked.

    Returns and cancellations are no orders. With products, only the items of these products count.
    """

    when: Within | None = None
    count: tuple[Compared | OneOf, ...] = ()
    amount: tuple[Compared | OneOf, ...] = ()
    products: tuple[str, ...] | None = None
    channels: tuple[str, ...] | None = None
    brands: tuple[str, ...] | None = None
    currencies: tuple[str, ...] | None = None
    place: str = field(default="", compare=False)


@dataclass(frozen=True)
class InSegment:
    """The customer is a member of another segment."""

    segment: str
    place: str = field(default="", compare=False)


@dataclass(frozen=True)
class SqlCondition:
    """A condition in SQL, for what the language has no words for; NULL is false."""

    text: str
    place: str = field(default="", compare=False)


Rule = All | AnyOf | Not | Field | Purchased | InSegment | SqlCondition


@dataclass(frozen=True)
class Segment:
    """A named rule: its members are the customers it is true of."""

    name: str
    rule: Rule
    place: str = field(default="", compare=False)

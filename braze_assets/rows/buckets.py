"""Buckets for churny attributes: a value that changes every day becomes a label that rarely does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from braze_assets.errors import QueryError
from braze_assets.rows.types import AttributeType
from braze_assets.storage import quote_literal

__all__ = ["Bucket"]

_NUMBERS = ("Integer", "Float", "Decimal")


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """How a number becomes a label, a flag or a rounder number. NULL stays NULL.

    Args:
        below: Label to the limit it is below, such as `{"green": 30, "yellow": 90}`; the lowest that fits.
        otherwise: The label at and over the highest limit; None: NULL.
        at_least: The flag is true from here on.
        round_to: The step that is rounded down to, such as 50.

    Raises:
        QueryError: Not exactly one of the three ways is given, or a number cannot be.
    """

    below: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    otherwise: str | None = None
    at_least: float | None = None
    round_to: float | None = None

    def __post_init__(self) -> None:
        ways = (bool(self.below), self.at_least is not None, self.round_to is not None)
        if sum(ways) != 1:
            raise QueryError(
                "A bucket is made in exactly one way.",
                place="bucket",
                remedy="Give one of `below` (label to limit), `at_least` (a flag) and `round_to` (a step).",
            )
        if self.otherwise is not None and not self.below:
            raise QueryError("`otherwise` needs `below`.", place="bucket", remedy="Leave it out.")
        if len(set(self.below.values())) < len(self.below):
            raise QueryError(
                "Two labels of a bucket have one limit.", place="bucket", remedy="Give each its own."
            )
        if self.round_to is not None and self.round_to <= 0:
            raise QueryError("The step of a bucket is not above 0.", place="bucket", remedy="Give 50, say.")

    def sql(self, column: str) -> str:
        """The SQL expression of the bucket.

        Args:
            column: The SQL expression of the number.
        """
        if self.at_least is not None:
            return f"{column} >= {self.at_least:g}"
        if self.round_to is not None:
            return f"floor({column} / {self.round_to:g}) * {self.round_to:g}"
        limits = sorted(self.below.items(), key=lambda item: item[1])
        cases = " ".join(f"WHEN {column} < {limit:g} THEN {quote_literal(label)}" for label, limit in limits)
        rest = f" WHEN {column} IS NOT NULL THEN {quote_literal(self.otherwise)}" if self.otherwise else ""
        return f"CASE {cases}{rest} END"

    def applied(self, column: str, sql_type: str, *, name: str) -> tuple[str, str]:
        """The SQL expression and the DuckDB type of the bucket of a column of that type.

        Raises:
            QueryError: The column is not a number.
        """
        kind = AttributeType.from_sql(sql_type, column=name)
        if kind.array or kind.name not in _NUMBERS:
            raise QueryError(
                f"The attribute {name} has a bucket, but it is no number: its type is {kind}.",
                place=f"column {name}",
                remedy="CAST the column to a number, or take the bucket out.",
            )
        if self.below:
            return f"({self.sql(column)})", "VARCHAR"
        if self.at_least is not None:
            return f"({self.sql(column)})", "BOOLEAN"
        step = self.round_to or 1
        whole = kind.name == "Integer" and step == int(step)
        made = "BIGINT" if whole else "DOUBLE" if kind.name != "Decimal" else kind.sql
        return f"CAST({self.sql(column)} AS {made})", made

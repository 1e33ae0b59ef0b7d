"""How many rows a query is expected to give, and what becomes of a table that has others."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Breach", "Otherwise", "Thresholds"]

Otherwise = Literal["warn", "fail"]


@dataclass(frozen=True)
class Breach:
    """A threshold that a table does not keep."""

    otherwise: Otherwise
    message: str


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Bounds of a query's rows; None where there is none.

    Args:
        min_rows: The fewest rows.
        max_rows: The most.
        max_change: The share that the number of rows may differ from that of the partition before, such as
            0.2; not asked where there is no such partition.
        rows_otherwise: What becomes of a table with fewer or more rows.
        change_otherwise: What becomes of a table that changed more.
    """

    min_rows: int | None = None
    max_rows: int | None = None
    max_change: float | None = None
    rows_otherwise: Otherwise = "fail"
    change_otherwise: Otherwise = "fail"

    def __bool__(self) -> bool:
        return not (self.min_rows is self.max_rows is self.max_change is None)

    def __str__(self) -> str:
        parts = []
        if self.min_rows is not None:
            parts.append(f"at least {self.min_rows:,} rows ({self.rows_otherwise})")
        if self.max_rows is not None:
            parts.append(f"at most {self.max_rows:,} rows ({self.rows_otherwise})")
        if self.max_change is not None:
            parts.append(f"{self.max_change:.1%} more or fewer than before ({self.change_otherwise})")
        return ", ".join(parts)

    def breaches(self, rows: int, before: int | None) -> tuple[Breach, ...]:
        """What a table does not keep.

        Args:
            rows: Its rows.
            before: Those of the partition before; None where there is none.
        """
        found = []
        if self.min_rows is not None and rows < self.min_rows:
            found.append(
                Breach(self.rows_otherwise, f"{rows:,} rows; the query promises at least {self.min_rows:,}.")
            )
        if self.max_rows is not None and rows > self.max_rows:
            found.append(
                Breach(self.rows_otherwise, f"{rows:,} rows; the query promises at most {self.max_rows:,}.")
            )
        if self.max_change is not None and before is not None:
            change = abs(rows - before) / before if before else float(rows > 0)
            if change > self.max_change:
                found.append(
                    Breach(
                        self.change_otherwise,
                        f"{rows:,} rows after {before:,} in the partition before: {change:.1%} "
                        f"{'more' if rows > before else 'fewer'}; {self.max_change:.1%} is allowed.",
                    )
                )
        return tuple(found)

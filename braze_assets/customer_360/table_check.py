"""A check of a table: a query that counts the rows something is not true of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from braze_assets.customer_360.sample_table import SampleTable, render, with_upstream
from braze_assets.errors import SourceError

__all__ = ["TableCheck", "never", "of_key"]


@dataclass(frozen=True, kw_only=True)
class TableCheck:
    """Something that should be true of every row of a table.

    Args:
        table: The table.
        name: What the check is called; unique for the table.
        description: What should be true.
        query: SQL with a row for each row it is not true of, over bare table names, `$day` and `$day_end`.
        severity: `error` where the table contradicts itself, else `warn`.
        reads: The other tables the query reads; the table depends on all of them.
    """

    table: str
    name: str
    description: str
    query: str
    severity: Literal["warn", "error"]
    reads: tuple[str, ...] = ()

    def sql(self, table: str, *, day: date, upstream: Mapping[str, str] | None = None) -> str:
        """The query that counts the rows the check is not true of: one row, one number.

        Args:
            table: SQL table expression of the table.
            day: The day of the snapshot.
            upstream: SQL table expressions of the tables in `reads`; more do no harm.

        Raises:
            SourceError: A table the check reads is not given.
        """
        given = {**(upstream or {}), self.table: table}
        missing = [name for name in self.reads if name not in given]
        if missing:
            raise SourceError(
                f"The check {self.name} of {self.table} also reads {', '.join(missing)}.",
                place="TableCheck.sql",
                remedy="Give these tables too.",
            )
        sources = {name: given[name] for name in (self.table, *self.reads)}
        return with_upstream(f"SELECT count(*) AS violations FROM ({render(self.query, day)})", sources)


def never(table: str, name: str, description: str, condition: str, *, error: bool = False) -> TableCheck:
    """No row should meet the condition."""
    return TableCheck(
        table=table,
        name=name,
        description=description,
        query=f"SELECT 1 FROM {table} WHERE {condition}",
        severity="error" if error else "warn",
    )


def of_key(table: SampleTable) -> tuple[TableCheck, TableCheck]:
    """Whether the key of a table is one."""
    words = " and ".join(table.key)
    null = " OR ".join(f"{column} IS NULL" for column in table.key)
    groups = f"SELECT count(*) AS n FROM {table.name} GROUP BY {', '.join(table.key)} HAVING n > 1"
    return (
        never(table.name, "key_is_present", f"Every row has {words}.", null, error=True),
        TableCheck(
            table=table.name,
            name="key_is_unique",
            description=f"No two rows have the same {words}.",
            query=f"SELECT unnest(range(n)) FROM ({groups})",
            severity="error",
        ),
    )

"""The plans of a range that is replayed: every partition's, as it would be after the one before."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from braze_assets.ledger import Ledger, Projection
from braze_assets.plan.plan import Plan

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["foresee_plans"]


@dataclass(frozen=True)
class _InHand:
    """A plan that is still in DuckDB, to be folded."""

    plan: Plan

    @property
    def schema(self) -> pa.Schema:
        connection = self.plan.connection
        assert connection is not None
        return connection.sql(f"SELECT * FROM ({self.plan.sql()}) LIMIT 0").to_arrow_table().schema

    def sql(self, connection: "DuckDBPyConnection") -> str:
        return f"({self.plan.sql()})"

    def document(self, key: str) -> Mapping[str, Any] | None:
        return self.plan.documents.get(key)


def foresee_plans(
    connection: "DuckDBPyConnection",
    ledger: Ledger,
    partitions: Sequence[str | None],
    make: Callable[[str | None, Projection | None], Plan],
    *,
    now: datetime,
) -> Iterator[Plan]:
    """One plan a partition, in order, each as if Braze had accepted those before it whole.

    The first that is not stale is made from the ledger itself and may be sent as it is. A plan's rows are
    gone when the next one is asked for: write them before.

    Args:
        connection: Holds the rows of one plan and of the projected ledger.
        ledger: The sync's ledger.
        partitions: In order.
        make: `make_plan` of a partition, with this projection.
        now: The current time.
    """
    projection: Projection | None = None
    for number, partition in enumerate(partitions):
        plan = make(partition, projection)
        yield plan
        header = plan.header
        if header.status != "stale" and number < len(partitions) - 1:
            projection = projection or Projection(ledger)
            projection.accept(
                connection,
                _InHand(plan),
                plan_id=header.plan_id,
                partition=partition,
                as_of=header.as_of,
                users=header.counts.users,
                vanished=header.counts.vanished,
                objects=header.counts.objects,
                now=now,
            )
        plan.drop()

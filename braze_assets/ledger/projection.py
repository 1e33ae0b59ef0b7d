"""The ledger as it would stand if plans that are not sent yet were accepted whole."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.ledger.fold import Fold
from braze_assets.ledger.held import Held, PlanRows
from braze_assets.ledger.journal import Position
from braze_assets.ledger.ledger import Ledger
from braze_assets.storage import quote_identifier

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Projection"]


@dataclass(frozen=True)
class _Projected:
    """A table of a DuckDB connection in place of `acknowledged`."""

    identifier: IdentifierKind
    name: str
    attributes: dict[str, str]
    users: int

    def types(self) -> dict[str, str]:
        return dict(self.attributes)

    def sql(self, connection: "DuckDBPyConnection") -> str | None:
        return quote_identifier(self.name) if self.users else None


class Projection:
    """Starts as the ledger is, and moves on with every plan it accepts; nothing is written to the ledger.

    Its rows live in a temporary table of the connection, which spills to disk.

    Args:
        ledger: Settled.
    """

    def __init__(self, ledger: Ledger) -> None:
        # In this order: what an operation changes in between, it takes the position from.
        self.position: Position = ledger.position()
        self.held: Held = ledger.acknowledged()

    def accept(
        self,
        connection: "DuckDBPyConnection",
        plan: PlanRows,
        *,
        plan_id: str,
        partition: str | None,
        as_of: datetime,
        users: int,
        vanished: int,
        objects: int,
        now: datetime,
    ) -> None:
        """Move on as a send would that Braze accepts whole.

        Args:
            connection: The connection that holds the projected rows.
            plan: The plan.
            plan_id: Its id.
            partition: Its partition.
            as_of: The end of that.
            users: Rows of the table it was made from.
            vanished: Users that are not in that table.
            objects: What it sends; without any only the position moves.
            now: The current time.
        """
        # The sequence stays: no plan that follows may be sent before the ledger itself has moved.
        self.position = replace(
            self.position, plan_id=plan_id, partition=partition, as_of=as_of, users=users, vanished=vanished
        )
        if not objects:
            return
        receipts = f"(SELECT n, 'accepted' AS outcome FROM {plan.sql(connection)} WHERE n IS NOT NULL)"
        fold = Fold(plan=plan, receipts=receipts, done=0, reach=None, now=now)
        name = f"projected_{plan_id}"
        rows = fold.rows(connection, self.held, everything=True)
        connection.execute(f"CREATE TEMP TABLE {quote_identifier(name)} AS {rows}")
        [(count,)] = connection.sql(f"SELECT count(*) FROM {quote_identifier(name)}").fetchall()
        before, columns = self.held, fold.columns(self.held)
        self.held = _Projected(before.identifier, name, columns, count)
        if isinstance(before, _Projected):
            connection.execute(f"DROP TABLE {quote_identifier(before.name)}")

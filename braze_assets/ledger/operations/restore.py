"""Back to an earlier version: on purpose, or because a table is damaged."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from braze_assets.ledger.acknowledged import Acknowledged
from braze_assets.ledger.operations.cells import marked, names_sql, none_sql, rows_like
from braze_assets.ledger.operations.history import held_on
from braze_assets.ledger.operations.operation import Rewrite, Size
from braze_assets.ledger.types import converted
from braze_assets.storage import quote_identifier

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from braze_assets.ledger.ledger import Ledger

__all__ = ["Restore"]


@dataclass(frozen=True)
class Restore:
    """The ledger says again what it said at a version; whatever differs from now is marked unknown.

    Braze was told other values since: none of those is certain, so the next plan sends them.

    Args:
        ledger: The ledger; its older version is looked up when the operation is made.
        version: The version of `acknowledged`, or a time.
    """

    ledger: "Ledger"
    version: int | datetime
    fenced: ClassVar[bool] = True
    name: ClassVar[str] = "restore"

    @property
    def _then(self) -> Acknowledged:
        return held_on(self.ledger, self.version)

    @property
    def summary(self) -> str:
        """What it does."""
        return f"restoration of version {self._then.version}"

    def arguments(self, connection: "DuckDBPyConnection") -> Mapping[str, Any]:
        """What decides what it does."""
        return {"version": self._then.version}

    def size(self, ledger: "Ledger", held: Acknowledged, connection: "DuckDBPyConnection") -> Size:
        """Users and values that differ."""
        rows = self._rows(held, connection)
        [(users, values)] = connection.sql(
            "SELECT count(*) FILTER (n > 0), coalesce(sum(n), 0) FROM "
            f"(SELECT len(coalesce(_unknown, [])) AS n FROM ({rows}))"
        ).fetchall()
        then = self._then
        return Size(
            users=users,
            values=int(values),
            bytes=then.bytes,
            more={"users_then": then.users, "users_before": held.users},
        )

    def _rows(self, held: Acknowledged, connection: "DuckDBPyConnection") -> str:
        then = self._then
        old, now = then.types(), held.types()
        columns = {**now, **old}
        identifier = quote_identifier(held.identifier)
        cells, differs = [], {}
        for name, type in columns.items():
            column = quote_identifier(name)
            value = f"t.{column}" if name in old else f"NULL::{type}"
            present = converted(f"h.{column}", now[name], type) if name in now else f"NULL::{type}"
            cells.append(f"{value} AS {column}")
            differs[name] = f"({value}) IS DISTINCT FROM ({present})"
            if name in now and now[name] != type:
                differs[name] += f" OR h.{column} IS NOT NULL"
        unknown = marked("t._unknown", "h._unknown", names_sql(differs))
        then_sql = then.sql(connection) or none_sql(rows_like(held.identifier, old))
        held_sql = held.sql(connection) or none_sql(rows_like(held.identifier, now))
        then_sql = f"(SELECT *, true AS _there FROM {then_sql})"
        stamps = ", ".join(
            f"CASE WHEN t._there THEN t.{name} ELSE h.{name} END AS {name}"
            for name in ("_plan_id", "_partition", "_acknowledged_at")
        )
        return (
            f"SELECT coalesce(t.{identifier}, h.{identifier}) AS {identifier}, {unknown} AS _unknown, "
            f"{stamps}{''.join(f', {cell}' for cell in cells)} "
            f"FROM {then_sql} AS t FULL JOIN {held_sql} AS h ON h.{identifier} = t.{identifier}"
        )

    def change(self, held: Acknowledged, connection: "DuckDBPyConnection", now: datetime) -> Rewrite:
        """The rows of then, and those of now that were not there yet, without values."""
        return Rewrite(self._rows(held, connection))

    def finish(
        self, ledger: "Ledger", connection: "DuckDBPyConnection", now: datetime
    ) -> Mapping[str, int | str]:
        """Figures only."""
        return {"users": ledger.acknowledged().users}

"""Some values are not relied on any more: the next plan sends them again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from braze_assets.ledger.acknowledged import Acknowledged
from braze_assets.ledger.operations.cells import marked
from braze_assets.ledger.operations.operation import Edit, Size
from braze_assets.storage import quote_identifier, quote_literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from braze_assets.ledger.ledger import Ledger

__all__ = ["Doubt"]


@dataclass(frozen=True)
class Doubt:
    """Mark single values as unknown: somebody else changed them in Braze, or may have.

    What the ledger does not have, or has marked already, stays as it is.

    Args:
        values: A table expression of the connection, with the columns `identifier` and `attribute`.
        reason: Why, in a few words.
    """

    values: str
    reason: str
    fenced: ClassVar[bool] = True
    name: ClassVar[str] = "doubt"

    @property
    def summary(self) -> str:
        """What it does."""
        return f"doubt of values: {self.reason}"

    def arguments(self, connection: "DuckDBPyConnection") -> Mapping[str, Any]:
        """What decides what it does."""
        [(count, digest)] = connection.sql(
            "SELECT count(*), bit_xor(hash(identifier, attribute)) FROM "
            f"(SELECT DISTINCT identifier, attribute FROM {self.values})"
        ).fetchall()
        return {"values": f"{count} {digest}", "reason": self.reason}

    def _marks(self, held: Acknowledged, connection: "DuckDBPyConnection") -> str:
        """The users of whom something new is marked: identifier, marks before and after."""
        identifier = quote_identifier(held.identifier)
        names = ", ".join(quote_literal(name) for name in held.types()) or "NULL"
        unknown = marked("h._unknown", "d.names")
        return (
            f"SELECT h.{identifier} AS {identifier}, h._unknown AS before, {unknown} AS _unknown "
            f"FROM {held.sql(connection)} AS h JOIN (SELECT identifier, list(DISTINCT attribute) AS names "
            f"FROM {self.values} WHERE attribute IN ({names}) GROUP BY 1) AS d "
            f"ON d.identifier = h.{identifier} WHERE {unknown} IS DISTINCT FROM {marked('h._unknown')}"
        )

    def size(self, ledger: "Ledger", held: Acknowledged, connection: "DuckDBPyConnection") -> Size:
        """Users and values that are marked anew."""
        if held.sql(connection) is None:
            return Size(nothing=True)
        [(users, values)] = connection.sql(
            "SELECT count(*), coalesce(sum(len(_unknown) - len(coalesce(before, []))), 0) "
            f"FROM ({self._marks(held, connection)})"
        ).fetchall()
        return Size(users=users, values=int(values), bytes=held.bytes, nothing=not users)

    def change(self, held: Acknowledged, connection: "DuckDBPyConnection", now: datetime) -> Edit | None:
        """Their marks."""
        if held.sql(connection) is None:
            return None
        identifier = quote_identifier(held.identifier)
        return Edit(f"SELECT {identifier}, false AS _gone, _unknown FROM ({self._marks(held, connection)})")

    def finish(
        self, ledger: "Ledger", connection: "DuckDBPyConnection", now: datetime
    ) -> Mapping[str, int | str]:
        """Nothing."""
        return {}

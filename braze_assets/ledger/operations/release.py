"""Users that Braze has no more leave the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from braze_assets.ledger.acknowledged import Acknowledged
from braze_assets.ledger.operations.cells import marked, names_sql, total
from braze_assets.ledger.operations.operation import Edit, Size
from braze_assets.ledger.operations.users import fingerprint, users_named, users_sql
from braze_assets.storage import quote_identifier

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from braze_assets.ledger.ledger import Ledger

__all__ = ["Release"]


@dataclass(frozen=True)
class Release:
    """Users leave because Braze has them no more: deleted, merged away, or never known.

    What was sent to them stays in the receipts.

    Args:
        users: A table with the column `identifier`.
        reason: Why, in a word or two.
        changed: Users that stay, but of whom nothing is certain any more: others were merged into them.
    """

    users: pa.Table
    reason: str
    changed: pa.Table = field(default_factory=lambda: users_named(()))
    fenced: ClassVar[bool] = True
    name: ClassVar[str] = "release"

    @property
    def summary(self) -> str:
        """What it does."""
        return f"release of users: {self.reason}"

    def arguments(self, connection: "DuckDBPyConnection") -> Mapping[str, Any]:
        """What decides what it does."""
        users, changed = fingerprint(connection, self.users), fingerprint(connection, self.changed)
        return {"users": users, "changed": changed, "reason": self.reason}

    def size(self, ledger: "Ledger", held: Acknowledged, connection: "DuckDBPyConnection") -> Size:
        """Those of them that the ledger holds."""
        source = held.sql(connection)
        asked = self.users.num_rows + self.changed.num_rows
        if source is None:
            return Size(more={"asked": asked}, nothing=True)
        count = total(f"{quote_identifier(name)} IS NOT NULL" for name in held.types())
        [(users, values)] = connection.sql(
            f"SELECT count(*), coalesce(sum({count}), 0) FROM {source} "
            f"WHERE {quote_identifier(held.identifier)} IN {self.gone_sql(connection)}"
        ).fetchall()
        [(marks,)] = connection.sql(f"SELECT count(*) FROM ({self._changes(held, connection)})").fetchall()
        more: dict[str, int | str] = {"asked": asked, **({"marked_unknown": marks} if marks else {})}
        return Size(
            users=users, values=int(values), bytes=held.bytes, more=more, nothing=not users and not marks
        )

    def gone_sql(self, connection: "DuckDBPyConnection") -> str:
        """The identifiers of those that leave, as a subquery."""
        return f"(SELECT identifier FROM {users_sql(connection, self.users)})"

    def _changes(self, held: Acknowledged, connection: "DuckDBPyConnection") -> str:
        """Users that stay, with all their values unknown."""
        identifier = quote_identifier(held.identifier)
        unknown = marked(
            "_unknown", names_sql({n: f"{quote_identifier(n)} IS NOT NULL" for n in held.types()})
        )
        changed = f"(SELECT identifier FROM {users_sql(connection, self.changed)})"
        return (
            f"SELECT {identifier}, false AS _gone, {unknown} AS _unknown FROM {held.sql(connection)} "
            f"WHERE {identifier} IN {changed} AND {identifier} NOT IN {self.gone_sql(connection)} "
            f"AND {unknown} IS DISTINCT FROM _unknown"
        )

    def change(self, held: Acknowledged, connection: "DuckDBPyConnection", now: datetime) -> Edit | None:
        """Their rows go."""
        if held.sql(connection) is None:
            return None
        identifier = quote_identifier(held.identifier)
        return Edit(
            f"SELECT identifier AS {identifier}, true AS _gone, NULL::VARCHAR[] AS _unknown "
            f"FROM {users_sql(connection, self.users)} "
            f"UNION ALL {self._changes(held, connection)}"
        )

    def finish(
        self, ledger: "Ledger", connection: "DuckDBPyConnection", now: datetime
    ) -> Mapping[str, int | str]:
        """Nothing."""
        return {}

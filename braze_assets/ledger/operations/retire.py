"""An attribute that is not in the table any more is removed in Braze, by the next plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from braze_assets.ledger.acknowledged import Acknowledged
from braze_assets.ledger.launches import RETIRE
from braze_assets.ledger.operations.operation import Rewrite, Size
from braze_assets.ledger.operations.resync import existing
from braze_assets.storage import quote_identifier

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from braze_assets.ledger.ledger import Ledger

__all__ = ["Retire"]


@dataclass(frozen=True)
class Retire:
    """Write down that nobody is to hold the attribute; what is held stays until Braze has acknowledged it.

    It has no effect while the attribute is in the table.

    Args:
        attribute: Its name.
    """

    attribute: str
    fenced: ClassVar[bool] = True
    name: ClassVar[str] = "retire"

    @property
    def summary(self) -> str:
        """What it does."""
        return f"{RETIRE}{self.attribute}"

    def arguments(self, connection: "DuckDBPyConnection") -> Mapping[str, Any]:
        """What decides what it does."""
        return {"attribute": self.attribute}

    def size(self, ledger: "Ledger", held: Acknowledged, connection: "DuckDBPyConnection") -> Size:
        """Users who lose it."""
        [name] = existing(held, [self.attribute])
        [(users,)] = connection.sql(
            f"SELECT count({quote_identifier(name)}) FROM {held.sql(connection)}"
        ).fetchall()
        return Size(users=users, values=users, bytes=held.bytes, nothing=not users)

    def change(self, held: Acknowledged, connection: "DuckDBPyConnection", now: datetime) -> Rewrite | None:
        """Nothing but a version of its own: what was planned before is not sent."""
        source = held.sql(connection)
        return None if source is None else Rewrite(f"SELECT * FROM {source}")

    def finish(
        self, ledger: "Ledger", connection: "DuckDBPyConnection", now: datetime
    ) -> Mapping[str, int | str]:
        """Nothing."""
        return {}

"""What an operation is: a size, and a change of `acknowledged` that one commit makes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from braze_assets.ledger.acknowledged import Acknowledged

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from braze_assets.ledger.ledger import Ledger

__all__ = ["Edit", "Operation", "Rewrite", "Size"]


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much an operation is about; it names nobody."""

    users: int = 0
    """Rows of the ledger."""
    values: int = 0
    """Values in them."""
    bytes: int = 0
    """Bytes of the data files that hold the ledger now."""
    more: Mapping[str, int | str] = field(default_factory=dict)
    """Whatever else there is to know."""
    nothing: bool = False
    """Whether there is nothing to do."""

    def figures(self) -> dict[str, int | str]:
        """All of it by name."""
        return {"users": self.users, "values": self.values, "bytes": self.bytes, **self.more}


@dataclass(frozen=True)
class Rewrite:
    """All rows anew.

    Args:
        rows: A query of complete rows: identifier, attributes, bookkeeping.
    """

    rows: str


@dataclass(frozen=True)
class Edit:
    """Some rows leave, others get new unknown marks.

    Args:
        rows: A query of the identifier column, `_gone` and `_unknown`.
    """

    rows: str


class Operation(Protocol):
    """One operation with its arguments."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def fenced(self) -> bool:
        """Whether it changes what the ledger says, so that what was planned before must not be sent."""

    @property
    def summary(self) -> str:
        """What it does and to what, for the journal: no identifiers."""

    def arguments(self, connection: "DuckDBPyConnection") -> Mapping[str, Any]:
        """What decides what it does; the confirmation code is derived from it."""

    def size(self, ledger: "Ledger", held: Acknowledged, connection: "DuckDBPyConnection") -> Size:
        """How much there is to do.

        Raises:
            LedgerError: It cannot be done to this ledger.
        """

    def change(
        self, held: Acknowledged, connection: "DuckDBPyConnection", now: datetime
    ) -> Rewrite | Edit | None:
        """What to commit onto this version of `acknowledged`."""

    def finish(
        self, ledger: "Ledger", connection: "DuckDBPyConnection", now: datetime
    ) -> Mapping[str, int | str]:
        """What else there is to do after the commit, and figures of how it is now. It may be done twice."""

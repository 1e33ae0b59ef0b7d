"""What a fold reads: the plan, and what Braze held before. Stored, or only foreseen."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from braze_assets.braze.identifiers import IdentifierKind

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

__all__ = ["Held", "PlanRows"]


class Held(Protocol):
    """What Braze has acknowledged (`Acknowledged`), or would have (`Projected`)."""

    @property
    def identifier(self) -> IdentifierKind:
        """The identifier column."""

    @property
    def users(self) -> int:
        """Rows."""

    def types(self) -> dict[str, str]:
        """The attributes and their canonical DuckDB types."""

    def sql(self, connection: "DuckDBPyConnection") -> str | None:
        """A table expression; None when there are no rows."""


class PlanRows(Protocol):
    """A plan: its file, or one that is not written yet."""

    @property
    def schema(self) -> "pa.Schema":
        """Its columns."""

    def sql(self, connection: "DuckDBPyConnection") -> str:
        """A table expression."""

    def document(self, key: str) -> Mapping[str, Any] | None:
        """A document of its metadata."""

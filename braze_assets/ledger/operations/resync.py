"""Everything goes again: what is held stays, but nobody relies on it any more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from braze_assets.errors import ConfigurationError
from braze_assets.ledger.acknowledged import Acknowledged
from braze_assets.ledger.operations.cells import marked, names_sql, total
from braze_assets.ledger.operations.operation import Rewrite, Size
from braze_assets.storage import quote_identifier, quote_literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from braze_assets.ledger.ledger import Ledger

__all__ = ["Resync", "existing"]


@dataclass(frozen=True)
class Resync:
    """Mark values as unknown: the next plan sends them all, whatever they are wanted to be.

    Nothing is forgotten, so that what is to be removed in Braze still is.

    Args:
        attributes: These only; all when empty.
    """

    attributes: Sequence[str] = ()
    fenced: ClassVar[bool] = True
    name: ClassVar[str] = "resync"

    @property
    def summary(self) -> str:
        """What it does."""
        return f"resync of {', '.join(self.attributes) or 'all attributes'}"

    def arguments(self, connection: "DuckDBPyConnection") -> Mapping[str, Any]:
        """What decides what it does."""
        return {"attributes": sorted(self.attributes)}

    def _new(self, held: Acknowledged) -> dict[str, str]:
        """Attribute to SQL: its value is held, and not marked yet."""
        return {
            name: f"({quote_identifier(name)} IS NOT NULL "
            f"AND NOT coalesce(list_contains(_unknown, {quote_literal(name)}), false))"
            for name in existing(held, self.attributes)
        }

    def size(self, ledger: "Ledger", held: Acknowledged, connection: "DuckDBPyConnection") -> Size:
        """Users and values that go again."""
        new, source = self._new(held), held.sql(connection)
        if source is None or not new:
            return Size(nothing=True)
        [(users, values)] = connection.sql(
            f"SELECT count(*) FILTER (n > 0), coalesce(sum(n), 0) FROM "
            f"(SELECT {total(new.values())} AS n FROM {source})"
        ).fetchall()
        return Size(users=users, values=int(values), bytes=held.bytes, nothing=not users)

    def change(self, held: Acknowledged, connection: "DuckDBPyConnection", now: datetime) -> Rewrite | None:
        """All rows with their marks."""
        source = held.sql(connection)
        if source is None:
            return None
        unknown = marked("_unknown", names_sql(self._new(held)))
        return Rewrite(f"SELECT * REPLACE ({unknown} AS _unknown) FROM {source}")

    def finish(
        self, ledger: "Ledger", connection: "DuckDBPyConnection", now: datetime
    ) -> Mapping[str, int | str]:
        """Nothing."""
        return {}


def existing(held: Acknowledged, names: Sequence[str]) -> list[str]:
    """The names, which the ledger must have; all of its attributes when there are none.

    Raises:
        ConfigurationError: It has not.
    """
    types = held.types()
    missing = [name for name in names if name not in types]
    if missing:
        raise ConfigurationError(
            f"The ledger has no attribute {', '.join(missing)}.",
            place=held.uri,
            remedy=f"It has {', '.join(types) or 'none yet'}.",
        )
    return list(dict.fromkeys(names)) or list(types)

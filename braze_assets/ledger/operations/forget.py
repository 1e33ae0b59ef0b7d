"""Users, attributes or all of it leave the ledger; the next plan sends anew what is wanted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from braze_assets.errors import ConfigurationError
from braze_assets.ledger.acknowledged import Acknowledged
from braze_assets.ledger.operations.cells import BOOKKEEPING, marked, none_sql, total
from braze_assets.ledger.operations.operation import Rewrite, Size
from braze_assets.ledger.operations.release import Release
from braze_assets.ledger.operations.resync import existing
from braze_assets.storage import quote_identifier, quote_literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from braze_assets.ledger.ledger import Ledger

__all__ = ["ForgetAttributes", "ForgetSync", "ForgetUsers"]


@dataclass(frozen=True)
class ForgetUsers(Release):
    """Everything about some users leaves: their rows, their receipts, the kept plan.

    Older versions of the tables hold them until `Compact` removes those.
    """

    reason: str = "forgotten"
    fenced: ClassVar[bool] = True
    name: ClassVar[str] = "forget"

    @property
    def summary(self) -> str:
        """What it does."""
        return "forgetting users"

    def size(self, ledger: "Ledger", held: Acknowledged, connection: "DuckDBPyConnection") -> Size:
        """Also their receipts."""
        size = super().size(ledger, held, connection)
        receipts = 0
        if (source := ledger.receipts.everything(connection)) is not None:
            [(receipts,)] = connection.sql(
                f"SELECT count(*) FROM {source} WHERE identifier IN {self.gone_sql(connection)}"
            ).fetchall()
        return Size(
            users=size.users,
            values=size.values,
            bytes=size.bytes,
            more={**size.more, "receipts": receipts},
            nothing=size.nothing and not receipts,
        )

    def finish(
        self, ledger: "Ledger", connection: "DuckDBPyConnection", now: datetime
    ) -> Mapping[str, int | str]:
        """Receipts, and the kept plan: no fold needs it any more."""
        ledger.receipts.forget(now, self.users)
        ledger.kept.drop_others("")
        return {}


@dataclass(frozen=True)
class ForgetAttributes:
    """Columns leave.

    Args:
        attributes: Their names.
    """

    attributes: Sequence[str]
    fenced: ClassVar[bool] = True
    name: ClassVar[str] = "forget"

    @property
    def summary(self) -> str:
        """What it does."""
        return f"forgetting the attributes {', '.join(self.attributes)}"

    def arguments(self, connection: "DuckDBPyConnection") -> Mapping[str, Any]:
        """What decides what it does."""
        return {"attributes": sorted(self.attributes)}

    def size(self, ledger: "Ledger", held: Acknowledged, connection: "DuckDBPyConnection") -> Size:
        """Users that have a value of them."""
        if not self.attributes:
            raise ConfigurationError("No attribute is named.", remedy="Name at least one.")
        names, source = existing(held, self.attributes), held.sql(connection)
        if source is None:
            return Size(more={"columns": len(names)})
        count = total(f"{quote_identifier(name)} IS NOT NULL" for name in names)
        [(users, values)] = connection.sql(
            f"SELECT count(*) FILTER (n > 0), coalesce(sum(n), 0) FROM (SELECT {count} AS n FROM {source})"
        ).fetchall()
        return Size(users=users, values=int(values), bytes=held.bytes, more={"columns": len(names)})

    def change(self, held: Acknowledged, connection: "DuckDBPyConnection", now: datetime) -> Rewrite:
        """All rows without the columns."""
        left = {name: type for name, type in held.columns.items() if name not in self.attributes}
        gone = ", ".join(quote_literal(name) for name in self.attributes)
        unknown = marked(f"list_filter(_unknown, lambda x: x NOT IN ({gone}))")
        columns = ", ".join(
            f"{unknown} AS _unknown" if name == "_unknown" else quote_identifier(name) for name in left
        )
        return Rewrite(f"SELECT {columns} FROM {held.sql(connection) or none_sql(held.columns)}")

    def finish(
        self, ledger: "Ledger", connection: "DuckDBPyConnection", now: datetime
    ) -> Mapping[str, int | str]:
        """The kept plan has their values; no fold needs it any more."""
        ledger.kept.drop_others("")
        return {}


@dataclass(frozen=True)
class ForgetSync:
    """All users and receipts leave; only the journal stays, so that no plan from before can be sent."""

    fenced: ClassVar[bool] = True
    name: ClassVar[str] = "forget"

    @property
    def summary(self) -> str:
        """What it does."""
        return "forgetting everything"

    def arguments(self, connection: "DuckDBPyConnection") -> Mapping[str, Any]:
        """What decides what it does."""
        return {"everything": True}

    def size(self, ledger: "Ledger", held: Acknowledged, connection: "DuckDBPyConnection") -> Size:
        """All there is."""
        source, receipts = held.sql(connection), ledger.receipts.everything(connection)
        values, sent = 0, 0
        if source is not None and held.types():
            count = total(f"{quote_identifier(name)} IS NOT NULL" for name in held.types())
            [(values,)] = connection.sql(f"SELECT sum({count}) FROM {source}").fetchall()
        if receipts is not None:
            [(sent,)] = connection.sql(f"SELECT count(*) FROM {receipts}").fetchall()
        stands = ledger.journal.read().begun is not None
        return Size(
            users=held.users,
            values=int(values),
            bytes=held.bytes,
            more={"receipts": sent},
            nothing=not held.columns and not sent and not stands,
        )

    def change(self, held: Acknowledged, connection: "DuckDBPyConnection", now: datetime) -> Rewrite:
        """No rows, no attributes."""
        return Rewrite(f"FROM {none_sql({held.identifier: 'VARCHAR', **BOOKKEEPING})}")

    def finish(
        self, ledger: "Ledger", connection: "DuckDBPyConnection", now: datetime
    ) -> Mapping[str, int | str]:
        """Receipts and kept plan go, and with them the files of older versions and their logs."""
        from braze_assets.ledger.operations.compact import remove_history

        ledger.receipts.forget(now)
        ledger.kept.drop_others("")
        state = ledger.journal.read()
        if state.last is not None and state.last.state == "operated":
            ledger.journal.append(
                state, replace(state.last, sequence=state.sequence + 1, state="emptied", time=now)
            )
        for table in (ledger.held_table, ledger.receipts.table):
            remove_history(table, days=0)
        return {}

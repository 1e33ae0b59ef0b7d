"""The ledger of one sync: what Braze has acknowledged, and who may move that."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.storage import Storage, StoredTable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["FoldResult", "Ledger", "Position", "Send"]


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where a ledger stands: the last step of its journal and the last plan that was begun."""

    sequence: int = 0
    plan_id: str | None = None
    partition: str | None = None
    as_of: datetime | None = None
    settled: bool = True


@dataclass(frozen=True, kw_only=True)
class FoldResult:
    """What a fold counted (objects), and how many rows of `acknowledged` it wrote."""

    plan_id: str
    accepted: int
    rejected: int
    unknown: int
    users: int


class Send:
    """One begun send of a plan; holds the fence until another run moves it."""

    plan_id: str
    sequence: int
    resumed: bool
    object_limit: int | None

    def pending_sql(self, connection: "DuckDBPyConnection", plan: StoredTable) -> str:
        """A SQL table expression: the plan's objects that have no accepted or rejected receipt yet."""
        raise NotImplementedError

    def pending(self, connection: "DuckDBPyConnection", plan: StoredTable) -> pa.RecordBatchReader:
        """Stream n, identifier, object of what is pending; keep `connection` to this reader alone."""
        raise NotImplementedError

    def record(self, receipts: pa.Table) -> None:
        """Append receipts (RECEIPTS_SCHEMA). Raises LedgerMovedError when another run took over."""
        raise NotImplementedError

    def finish(self, connection: "DuckDBPyConnection", now: datetime) -> FoldResult:
        """Fold the receipts into `acknowledged`."""
        raise NotImplementedError


class Ledger:
    """The ledger of one sync and identifier kind, under `<storage>/ledger/<sync>/<identifier kind>/`."""

    def __init__(self, storage: Storage, sync: str, identifier: IdentifierKind) -> None:
        self.storage, self.sync, self.identifier = storage, sync, identifier

    def position(self) -> Position:
        """Where the ledger stands."""
        raise NotImplementedError

    def settle(self, now: datetime) -> FoldResult | None:
        """Fold an earlier send that did not finish; None when there is none."""
        raise NotImplementedError

    def begin(
        self,
        *,
        plan_id: str,
        partition: str | None,
        as_of: datetime,
        plan_uri: str,
        expected_position: int,
        object_limit: int | None = None,
        now: datetime,
    ) -> Send:
        """Write down that the plan's first `object_limit` objects (all when None) are sent from now on."""
        raise NotImplementedError

    def lookup(self, connection: "DuckDBPyConnection", identifier: str) -> pa.Table:
        """Everything that was sent for one user."""
        raise NotImplementedError

"""The review: events of which nobody knows whether Braze took them."""

from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from braze_assets.errors import LedgerError, LedgerMovedError
from braze_assets.ledger.delta import CommitConflict
from braze_assets.ledger.events.event_ids import EventIds, IdsVersion
from braze_assets.ledger.schemas import TIMESTAMP

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["REVIEW_SCHEMA", "Review"]

REVIEW_SCHEMA = pa.schema(
    [
        ("event_id", pa.string()),
        ("partition", pa.string()),
        ("reason", pa.string()),
        ("time", TIMESTAMP),
        ("plan_id", pa.string()),
        ("object", pa.string()),
    ]
)
"""One row an event in doubt; `object` is what was, or was not, sent: look for it in Braze."""


class Review:
    """The review list of an event ledger."""

    def __init__(self, ids: EventIds, uri: str) -> None:
        self._ids = ids
        self._uri = uri

    def sql(self, connection: "DuckDBPyConnection", version: IdsVersion | None = None) -> str:
        """A SQL table expression of `REVIEW_SCHEMA`, and `as_of` and `n` beside it."""
        rows = (version or self._ids.now()).sql(connection)
        doubted = f"SELECT event_id FROM {rows} WHERE outcome = 'unknown'"
        newest = (
            f"SELECT event_id, max_by({{'outcome': outcome, 'partition': partition, 'reason': reason, "
            f"'time': time, 'plan_id': plan_id, 'object': object, 'as_of': as_of, 'n': n}}, step) AS last "
            f"FROM {rows} WHERE event_id IN ({doubted}) GROUP BY event_id"
        )
        return (
            "(SELECT event_id, last.partition AS partition, last.reason AS reason, last.time AS time, "
            "last.plan_id AS plan_id, last.object AS object, last.as_of AS as_of, last.n AS n "
            f"FROM ({newest}) WHERE last.outcome = 'unknown')"
        )

    def list(self, connection: "DuckDBPyConnection") -> pa.RecordBatchReader:
        """Stream the events in doubt (`REVIEW_SCHEMA`), the oldest first."""
        names = ", ".join(REVIEW_SCHEMA.names)
        return connection.sql(
            f"SELECT {names} FROM {self.sql(connection)} ORDER BY time, partition, n, event_id"
        ).to_arrow_reader(10_000)

    def count(self, connection: "DuckDBPyConnection") -> dict[tuple[str | None, str], int]:
        """How many events are in doubt, by partition and reason."""
        rows = connection.sql(
            f"SELECT partition, reason, count(*) FROM {self.sql(connection)} GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        return {(partition, reason): int(number) for partition, reason, number in rows}

    def expire(self, connection: "DuckDBPyConnection", before: datetime) -> int:
        """Forget the ids of partitions that ended before a moment; returns the rows removed.

        Plans of such partitions are refused from then on: nobody could tell what of them was sent. What was
        removed before stays so.

        Raises:
            LedgerError: Some of them are still in doubt.
            LedgerMovedError: Other runs write to the ledger at the same time.
        """
        horizon, ids = int(before.timestamp()), self._ids.now()
        if horizon <= ids.horizon:
            return 0
        [(open_,)] = connection.sql(
            f"SELECT count(*) FROM {self.sql(connection, ids)} WHERE epoch(as_of) < {horizon}"
        ).fetchall()
        if open_:
            raise LedgerError(
                f"{open_:,} events of these partitions are still in doubt.",
                place=self._uri,
                remedy="Settle them first.",
            )
        try:
            return self._ids.remove_before(ids, horizon)
        except CommitConflict:
            raise LedgerMovedError(
                "Another run wrote to this ledger at the same time.", place=self._uri, remedy="Try again."
            ) from None

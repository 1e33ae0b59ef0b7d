"""The fold of one send: from its receipts and its reservation to what is known of each event."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from braze_assets.errors import LedgerError
from braze_assets.ledger.events.event_ids import EventIds, IdsVersion
from braze_assets.ledger.events.schemas import EVENT_IDS_SCHEMA, Guarantee
from braze_assets.ledger.journal import FoldResult
from braze_assets.ledger.schemas import PLAN_KEY
from braze_assets.storage import StoredTable, quote_literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["NO_RECEIPT", "EventFold"]

NO_RECEIPT = "the send was interrupted: it may have gone out, no outcome was written down"

_BATCH = 50_000
_TABLE = "event_fold"


@dataclass(frozen=True, kw_only=True)
class EventFold:
    """What one send did, computed against one version of the ids.

    Args:
        plan: The kept plan.
        receipts: A table expression of the send's receipts, or None.
        send: The send's number in the journal.
        doubtful: Objects with a smaller ordinal and no receipt may have been sent.
        reach: Only this many first objects were to be sent; None for all.
        ids: The version it is computed against.
        now: The current time.
    """

    plan: StoredTable
    receipts: str | None
    send: int
    doubtful: int
    reach: int | None
    ids: IdsVersion
    now: datetime

    @property
    def _header(self) -> Mapping[str, Any]:
        document = self.plan.document(PLAN_KEY)
        if document is None:
            raise LedgerError(
                "The kept plan has no header.", place=self.plan.uris[0], remedy="Restore the file."
            )
        return document

    def compute(self, connection: "DuckDBPyConnection") -> FoldResult:
        """Gather the send's outcomes in a table of the connection, and count them."""
        header = self._header
        guarantee: Guarantee = header["guarantee"]
        plan_id: str = header["plan_id"]
        plan = self.plan.sql(connection)
        low = min(self.doubtful, self.doubtful if self.reach is None else self.reach)
        answered = (
            "(SELECT n, CASE WHEN bool_or(outcome = 'accepted') THEN 'accepted' "
            "WHEN bool_or(outcome = 'rejected') THEN 'rejected' ELSE 'unknown' END AS outcome, "
            f"arg_max(reason, time) AS reason FROM {self.receipts} GROUP BY n)"
            if self.receipts
            else "(SELECT NULL::BIGINT AS n, NULL::VARCHAR AS outcome, NULL::VARCHAR AS reason WHERE false)"
        )
        # Below the mark, but not sent by this send: what was not to be sent when it began.
        excluded = self.ids.excluded(
            connection,
            f"SELECT event_id FROM {plan} WHERE n < {low}",
            plan_id=plan_id,
            guarantee=guarantee,
            but=self.send,
        )
        connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE {_TABLE} AS
            SELECT p.event_id, coalesce(r.outcome, 'unknown') AS outcome,
                CASE WHEN r.n IS NULL THEN {quote_literal(NO_RECEIPT)} ELSE r.reason END AS reason, p.n,
                CASE WHEN coalesce(r.outcome, 'unknown') = 'unknown' THEN p.object END AS object
            FROM {plan} AS p LEFT JOIN {answered} AS r ON r.n = p.n
            WHERE p.n IS NOT NULL AND (r.n IS NOT NULL OR (p.n < {low}
                AND p.event_id NOT IN (SELECT event_id FROM {excluded})))"""
        )
        [(accepted, rejected, unknown)] = connection.sql(
            "SELECT count(*) FILTER (outcome = 'accepted'), count(*) FILTER (outcome = 'rejected'), "
            f"count(*) FILTER (outcome = 'unknown') FROM {_TABLE}"
        ).fetchall()
        return FoldResult(plan_id=plan_id, accepted=accepted, rejected=rejected, unknown=unknown)

    def commit(self, connection: "DuckDBPyConnection", target: EventIds) -> int:
        """Append what is not there yet; returns the rows.

        Raises:
            CommitConflict: Somebody wrote in the meantime; nothing was appended.
        """
        header = self._header
        partition = "NULL" if header["partition"] is None else quote_literal(header["partition"])
        as_of = datetime.fromisoformat(header["as_of"]).astimezone(timezone.utc)
        told = f"(SELECT event_id, outcome FROM {self.ids.sql(connection)} WHERE send = {self.send})"
        new = (
            f"SELECT f.* FROM {_TABLE} AS f WHERE NOT EXISTS (SELECT 1 FROM {told} AS t "
            "WHERE t.event_id = f.event_id AND t.outcome = f.outcome)"
        )
        [(count,)] = connection.sql(f"SELECT count(*) FROM ({new})").fetchall()
        if count:
            values = {
                "plan_id": quote_literal(header["plan_id"]),
                "partition": f"CAST({partition} AS VARCHAR)",
                "as_of": f"TIMESTAMPTZ {quote_literal(as_of.isoformat())}",
                "send": f"CAST({self.send} AS BIGINT)",
                "step": f"CAST({self.ids.step + 1} AS BIGINT)",
                "time": f"TIMESTAMPTZ {quote_literal(self.now.isoformat())}",
            }
            cells = ", ".join(f"{values.get(name, name)} AS {name}" for name in EVENT_IDS_SCHEMA.names)
            reader = connection.sql(f"SELECT {cells} FROM ({new})").to_arrow_reader(_BATCH)
            target.append(self.ids, _cast(reader))
        return int(count)


def _cast(reader: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """The batches in the types of the table."""
    return pa.RecordBatchReader.from_batches(
        EVENT_IDS_SCHEMA, (batch.cast(EVENT_IDS_SCHEMA) for batch in reader)
    )

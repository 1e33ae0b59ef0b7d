"""What becomes of a batch's objects once a reply decides."""

from collections.abc import Mapping
from datetime import datetime

import pyarrow as pa

from braze_assets.braze.replies import Reply
from braze_assets.delivery.batches import Batch
from braze_assets.delivery.outcomes import Outcome, Settled

__all__ = ["accepted", "refused", "settled"]


def accepted(batch: Batch, reply: Reply, time: datetime) -> list[Settled]:
    """A batch that was taken, but for the objects the reply names."""
    if not reply.rejected or not _maybe_taken(batch):
        return [settled(batch, "accepted", reply.status, time, rejected=reply.rejected)]
    others = batch.without(reply.rejected)
    others.number = batch.number
    taken = [settled(others, "accepted", reply.status, time)] if len(others) else []
    return [*taken, refused(batch, reply.rejected, reply.status, time)]


def refused(batch: Batch, reasons: Mapping[int, str], status: int | None, time: datetime) -> Settled:
    """The objects at these places were refused.

    Where an earlier attempt may have been taken, Braze may hold what that one brought: their outcome is
    unknown, and the next plan sends them whatever they are then wanted to be.
    """
    blamed = sorted(reasons)
    rows = batch.rows.take(pa.array(blamed, pa.int64()))
    if _maybe_taken(batch):
        reason = f"{reasons[blamed[0]]}; an earlier attempt may have been taken"
        return Settled(rows, batch.number, "unknown", status, time, reason)
    told = {place: reasons[index] for place, index in enumerate(blamed)}
    return Settled(rows, batch.number, "rejected", status, time, None, told)


def _maybe_taken(batch: Batch) -> bool:
    return batch.ambiguous or batch.doubted


def settled(
    batch: Batch,
    outcome: Outcome,
    status: int | None,
    time: datetime,
    *,
    reason: str | None = None,
    rejected: Mapping[int, str] | None = None,
) -> Settled:
    """All objects of a batch with one outcome, but for the `rejected` ones."""
    return Settled(batch.rows, batch.number, outcome, status, time, reason, rejected or {}, batch.points)

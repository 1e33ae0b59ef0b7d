"""What became of objects, in bulk: from settled batches to the ledger's receipts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from braze_assets.ledger.schemas import RECEIPTS_SCHEMA

__all__ = ["Outcome", "Settled", "receipts"]

Outcome = Literal["accepted", "rejected", "unknown"]

_NOTHING: Mapping[int, str] = {}


@dataclass(eq=False)
class Settled:
    """Objects of one request whose outcome is known to be known, or known to stay unknown."""

    rows: pa.RecordBatch
    """`n`, `identifier`, `object` of each."""
    batch: int
    """Ordinal of the request."""
    outcome: Outcome
    """Of all but the `rejected` ones."""
    status: int | None
    """HTTP status; None where no reply came."""
    time: datetime
    reason: str | None = None
    rejected: Mapping[int, str] = field(default_factory=lambda: _NOTHING)
    """Row to reason."""
    points: Sequence[int] = ()
    """Data points of each row, or nothing if they were not read."""


def receipts(plan_id: str, settled: Sequence[Settled]) -> pa.Table:
    """One receipt an object, in the order given; made column by column, not object by object."""
    names = ["n", "identifier", "object"]
    rows = pa.Table.from_batches([each.rows.select(names) for each in settled]).combine_chunks()
    counts = np.fromiter((each.rows.num_rows for each in settled), np.int64, len(settled))
    request = np.repeat(np.arange(len(settled)), counts)

    def spread(values: list[object], kind: pa.DataType) -> pa.Array:
        return pa.array(values, kind).take(pa.array(request))

    columns = {
        "plan_id": spread([plan_id] * len(settled), pa.string()),
        "batch": spread([each.batch for each in settled], pa.int64()),
        "outcome": spread([each.outcome for each in settled], pa.string()),
        "reason": spread([each.reason for each in settled], pa.string()),
        "http_status": spread([each.status for each in settled], pa.int32()),
        "time": spread([each.time for each in settled], RECEIPTS_SCHEMA.field("time").type),
    }
    starts = np.cumsum(counts) - counts
    if blamed := {
        int(starts[position]) + index: reason
        for position, each in enumerate(settled)
        for index, reason in each.rejected.items()
    }:
        columns["outcome"] = _replaced(columns["outcome"], dict.fromkeys(blamed, "rejected"))
        columns["reason"] = _replaced(columns["reason"], blamed)
    for name in names:
        columns[name] = rows.column(name)
    return pa.table([columns[name] for name in RECEIPTS_SCHEMA.names], names=RECEIPTS_SCHEMA.names).cast(
        RECEIPTS_SCHEMA
    )


def _replaced(column: pa.Array, values: Mapping[int, str]) -> pa.Array:
    mask = np.zeros(len(column), bool)
    places = sorted(values)
    mask[places] = True
    return pc.replace_with_mask(column, pa.array(mask), pa.array([values[p] for p in places], pa.string()))

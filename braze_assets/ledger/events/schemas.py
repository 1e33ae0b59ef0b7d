"""The tables of an event ledger: names and columns."""

from typing import Literal

import pyarrow as pa

from braze_assets.ledger.schemas import TIMESTAMP

__all__ = ["EVENT_IDS_SCHEMA", "RESERVED_SCHEMA", "Guarantee", "settled_outcomes"]

Guarantee = Literal["at_most_once", "at_least_once"]
"""What is preferred when nobody knows whether Braze took an event: that it may be missing, or twice there."""

EVENT_IDS_SCHEMA = pa.schema(
    [
        ("event_id", pa.string()),
        ("outcome", pa.string()),
        ("reason", pa.string()),
        ("object", pa.string()),
        ("plan_id", pa.string()),
        ("partition", pa.string()),
        ("as_of", TIMESTAMP),
        ("send", pa.int64()),
        ("n", pa.int64()),
        ("step", pa.int64()),
        ("time", TIMESTAMP),
    ]
)
"""Append-only: one row for everything that became known of an event. The one with the highest `step` counts.

`outcome` is `accepted`, `rejected` or `unknown` after a send, and `sent` or `not_sent` where a person settled
an unknown one. `object` is kept of unknown ones only, for the person to look at. `send` is the number of the
send in the journal (NULL for what a person said), `n` the ordinal in its plan, `as_of` the partition's end.
"""

RESERVED_SCHEMA = pa.schema(
    [
        ("send", pa.int64()),
        ("mark", pa.int64()),
        ("state", pa.string()),
        ("time", TIMESTAMP),
    ]
)
"""One row: how far the last send may have come. Objects from `mark` on were certainly not sent.

`state` is `open` while the send may move the mark, `closed` once another run has stopped that, and `released`
when the send itself has written down the outcome of everything it sent.
"""


def settled_outcomes(guarantee: Guarantee) -> tuple[str, ...]:
    """The outcomes after which an event is not sent again."""
    return ("accepted", "sent") if guarantee == "at_least_once" else ("accepted", "sent", "unknown")

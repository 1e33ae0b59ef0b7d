"""The tables of a ledger: names, columns and reserved words."""

import pyarrow as pa

__all__ = [
    "FORMAT",
    "OUTCOMES",
    "PLAN_KEY",
    "RECEIPTS_SCHEMA",
    "SENDS_SCHEMA",
    "TIMESTAMP",
    "acknowledged_schema",
]

TIMESTAMP = pa.timestamp("us", tz="UTC")

FORMAT = 2
"""The version of all this, kept in the configuration of each table; tables without one are of version 1.

1: as it was first. 2: the column `operation` of `sends`, and the states `operated`, `emptied`, `restoring`.
"""

PLAN_KEY = "braze_assets.plan"
"""The Parquet metadata key under which a plan file carries its header."""

OUTCOMES = ("accepted", "rejected", "unknown")
"""What can become of an object: Braze took it, refused it, or did not say."""

RECEIPTS_SCHEMA = pa.schema(
    [
        ("plan_id", pa.string()),
        ("n", pa.int64()),
        ("batch", pa.int64()),
        ("identifier", pa.string()),
        ("object", pa.string()),
        ("outcome", pa.string()),
        ("reason", pa.string()),
        ("http_status", pa.int32()),
        ("time", TIMESTAMP),
    ]
)
"""One row an object sent: the crash journal and the row-level log.

`n` is the object's ordinal in its plan, `batch` the ordinal of the request in its send, `object` the JSON
text that went on the wire. `reason` is NULL where Braze accepted it, `http_status` where no reply came.
"""

SENDS_SCHEMA = pa.schema(
    [
        ("sequence", pa.int64()),
        ("plan_id", pa.string()),
        ("partition", pa.string()),
        ("as_of", TIMESTAMP),
        ("plan_uri", pa.string()),
        ("state", pa.string()),
        ("object_limit", pa.int64()),
        ("users", pa.int64()),
        ("vanished", pa.int64()),
        ("accepted", pa.int64()),
        ("rejected", pa.int64()),
        ("unknown", pa.int64()),
        ("receipts", pa.int64()),
        ("operation", pa.string()),
        ("time", TIMESTAMP),
    ]
)
"""The journal of sends, one row a step; `sequence` is 1, 2, 3 ... and each number is given once.

`begun` and `resumed` rows move the fence and say which plan is sent from then on, and how many of its
objects; `users` and `vanished` are what that plan counted. `folded` rows say how it ended, `settled` ones the
same where another run wrote them in its place; `receipts` is the number of receipts they were counted from.

`operated` rows move the fence as well: `operation` says what was done to the ledger by hand, `plan_id` is the
code it was confirmed with, `users` how many it was about. `emptied`: all of it was forgotten, and what stands
before that row counts no more. `restoring`: a damaged table is in repair, nothing else may be done.
"""


def acknowledged_schema(identifier: str) -> pa.Schema:
    """The columns of `acknowledged` before it has attributes.

    `_unknown` names the attributes whose value in Braze is not known (NULL when all are); `_plan_id` and
    `_partition` say which plan touched the row last, `_acknowledged_at` when that was written down.
    """
    return pa.schema(
        [
            (identifier, pa.string()),
            ("_unknown", pa.list_(pa.string())),
            ("_plan_id", pa.string()),
            ("_partition", pa.string()),
            ("_acknowledged_at", TIMESTAMP),
        ]
    )

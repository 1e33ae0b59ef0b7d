"""Which events are there twice.

Currents delivers at least once: the same event, with the same `id`, can be in two files of an hour or in two
hours (Currents documentation, "Event delivery semantics", September 2026). Of several, the first by file key
and position stays; one that a file of an earlier hour has goes.

Ids are compared as what they are, never as hashes, so that no two can collide. Braze's are UUIDs: those are
kept in the 16 bytes they stand for, all others as text.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from braze_assets.storage import EngineSettings, connect, quote_literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["DOCUMENT", "Duplicates", "find_duplicates", "shared", "write_ids"]

DOCUMENT = "braze_assets.ids"
"""The key of the document in the Parquet metadata of a file of ids."""

_KINDS = ("uuid", "text")
_SCHEMA = pa.schema([("position", pa.int64()), ("id", pa.string())])
_AS_UUID = (
    "CASE WHEN length(id) = 36 AND CAST(TRY_CAST(id AS UUID) AS VARCHAR) = id THEN TRY_CAST(id AS UUID) END"
)


@dataclass(frozen=True)
class Duplicates:
    """What goes.

    Args:
        positions: Ordinals of the events to leave out, ascending, counted over all files.
        in_hour: How many of them repeat an event of the same hour only.
        of_earlier_hours: How many are in a file of an earlier hour.
    """

    positions: npt.NDArray[np.int64]
    in_hour: int
    of_earlier_hours: int


Ids = Callable[[], Iterable[pa.ChunkedArray]]
"""Gives the `id` column of each file, in the order of the files."""


def find_duplicates(
    ids: Ids,
    earlier: Sequence[Path] = (),
    *,
    keep: Path | None = None,
    document: Mapping[str, Any] | None = None,
    settings: EngineSettings | None = None,
) -> Duplicates:
    """Find the events to leave out. Events without an id are all kept.

    The ids wait in DuckDB, which spills what exceeds its memory; of the earlier hours it reads along, and
    keeps nothing but what is found.

    Args:
        ids: The ids of the hour, a file at a time.
        earlier: The ids of earlier hours, as `write_ids` keeps them.
        keep: Where to keep the ids of this hour in the same way.
        document: What to say about them in the file.
        settings: How much of the machine DuckDB may take.
    """
    with connect(settings) as con:
        _gather(con, ids)
        if keep is not None:
            _keep(con, keep, document or {})
        con.execute("CREATE TEMP TABLE gone (position BIGINT, earlier BOOLEAN)")
        for kind in _KINDS:
            _repeated(con, kind)
            if earlier:
                _known(con, kind, earlier)
        found = con.sql(
            "SELECT position, bool_or(earlier) AS earlier FROM gone GROUP BY position ORDER BY position"
        ).to_arrow_table()
    of_earlier = int(np.count_nonzero(found["earlier"].to_numpy()))
    gone = found["position"].to_numpy()
    return Duplicates(gone, len(gone) - of_earlier, of_earlier)


def write_ids(
    ids: Ids, path: Path, document: Mapping[str, Any], settings: EngineSettings | None = None
) -> None:
    """Keep the distinct ids of an hour in a Parquet file: `uuid` where they are UUIDs, else `text`."""
    with connect(settings) as con:
        _gather(con, ids)
        _keep(con, path, document)


def shared(one: Path, other: Path, settings: EngineSettings | None = None) -> bool:
    """Whether two files of ids have an id in common."""
    with connect(settings) as con:
        return any(
            con.execute(
                f"SELECT 1 FROM read_parquet($one) WHERE {kind} IN "
                f"(SELECT {kind} FROM read_parquet($other) WHERE {kind} IS NOT NULL) LIMIT 1",
                {"one": str(one), "other": str(other)},
            ).fetchone()
            for kind in _KINDS
        )


def _gather(con: "DuckDBPyConnection", ids: Ids) -> None:
    """`mine`: every event's position and id; `first_<kind>`: every distinct id, its place, its number."""
    con.execute("CREATE TEMP TABLE mine (position BIGINT, uuid UUID, text VARCHAR)")
    con.register("ids", pa.RecordBatchReader.from_batches(_SCHEMA, _positioned(ids())))
    con.execute(
        f"INSERT INTO mine SELECT position, uuid, CASE WHEN uuid IS NULL THEN id END "
        f"FROM (SELECT position, id, {_AS_UUID} AS uuid FROM ids WHERE id IS NOT NULL)"
    )
    con.unregister("ids")
    for kind in _KINDS:
        con.execute(
            f"CREATE TEMP TABLE first_{kind} AS SELECT {kind} AS id, min(position) AS position, "
            f"count(*) AS times FROM mine WHERE {kind} IS NOT NULL GROUP BY {kind}"
        )


def _positioned(columns: Iterable[pa.ChunkedArray]) -> Iterator[pa.RecordBatch]:
    start = 0
    for column in columns:
        for chunk in column.chunks:
            positions = pa.array(np.arange(start, start + len(chunk), dtype=np.int64))
            yield pa.record_batch([positions, chunk], schema=_SCHEMA)
            start += len(chunk)


def _keep(con: "DuckDBPyConnection", path: Path, document: Mapping[str, Any]) -> None:
    about = quote_literal(json.dumps(dict(document)))
    con.execute(
        "COPY (SELECT id AS uuid, NULL::VARCHAR AS text FROM first_uuid "
        "UNION ALL SELECT NULL, id FROM first_text) "
        f"TO {quote_literal(str(path))} (FORMAT parquet, COMPRESSION zstd, "
        f"KV_METADATA {{'{DOCUMENT}': {about}}})"
    )


def _repeated(con: "DuckDBPyConnection", kind: str) -> None:
    con.execute(
        f"INSERT INTO gone SELECT mine.position, false FROM mine JOIN "
        f"(SELECT id, position FROM first_{kind} WHERE times > 1) AS first ON mine.{kind} = first.id "
        "WHERE mine.position > first.position"
    )


def _known(con: "DuckDBPyConnection", kind: str, earlier: Sequence[Path]) -> None:
    files = ", ".join(quote_literal(str(path)) for path in earlier)
    # The hour's own ids are the side that is held in memory: the others may be 24 times as many.
    con.execute(
        f"INSERT INTO gone SELECT position, true FROM mine WHERE {kind} IN (SELECT DISTINCT {kind} "
        f"FROM read_parquet([{files}]) AS known SEMI JOIN first_{kind} ON known.{kind} = first_{kind}.id)"
    )

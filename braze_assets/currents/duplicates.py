"""Which events are there twice.

Currents delivers at least once: the same event, with the same `id`, can be in two files of an hour or in two
hours (Currents documentation, "Event delivery semantics", September 2026). Of several, the first by file key
and position stays; one that an earlier hour already has goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from braze_assets.storage import EngineSettings, StoredTable, connect

__all__ = ["Duplicates", "find_duplicates"]


@dataclass(frozen=True)
class Duplicates:
    """What goes.

    Args:
        positions: Ordinals of the events to leave out, ascending, counted over all files.
        in_hour: How many of them repeat an event of the same hour only.
        of_earlier_hours: How many are in an earlier hour's table.
    """

    positions: npt.NDArray[np.int64]
    in_hour: int
    of_earlier_hours: int


def find_duplicates(
    ids: Sequence[pa.ChunkedArray], earlier: Sequence[StoredTable], *, settings: EngineSettings | None = None
) -> Duplicates:
    """Find the events to leave out. Events without an id are all kept.

    Args:
        ids: The `id` column of each file, in the order of the files.
        earlier: Tables of earlier hours with an `id` column.
        settings: How much of the machine DuckDB may take.
    """
    chunks = [chunk for column in ids for chunk in column.chunks]
    column = pa.chunked_array(chunks, pa.string())
    if not len(column):
        return Duplicates(np.empty(0, dtype=np.int64), 0, 0)
    positions = pa.array(np.arange(len(column), dtype=np.int64))
    with connect(settings) as con:
        con.register("ids", pa.table({"id": column, "position": positions}))
        elsewhere = ""
        if earlier:
            known = StoredTable(tuple(uri for table in earlier for uri in table.uris)).sql(con)
            elsewhere = f"""
                UNION ALL
                SELECT position, true FROM ids
                SEMI JOIN (SELECT CAST(id AS VARCHAR) AS id FROM {known}) AS known USING (id)"""
        found = con.sql(
            f"""
            WITH repeated AS (
                SELECT id, min(position) AS first FROM ids
                WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1
            ), out (position, earlier) AS (
                SELECT position, false FROM ids JOIN repeated USING (id) WHERE position > first
                {elsewhere}
            )
            SELECT position, bool_or(earlier) AS earlier FROM out GROUP BY position ORDER BY position
            """
        ).to_arrow_table()
    of_earlier = int(np.count_nonzero(found["earlier"].to_numpy()))
    gone = found["position"].to_numpy()
    return Duplicates(gone, len(gone) - of_earlier, of_earlier)

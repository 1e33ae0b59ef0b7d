"""The ids of an hour that are no UUIDs, as Braze's are.

They are compared as text. A few are looked up in memory; more wait in DuckDB, which spills.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from braze_assets.storage import EngineSettings, connect

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["GatheredTexts"]

_IN_MEMORY = 100_000
_SCHEMA = pa.schema([("position", pa.int64()), ("id", pa.string())])

Positions = npt.NDArray[np.int64]


class GatheredTexts:
    """Texts and the positions of their events."""

    def __init__(self, settings: EngineSettings | None, in_memory: int = _IN_MEMORY) -> None:
        """Gather texts.

        Args:
            settings: How much of the machine DuckDB may take.
            in_memory: How many are kept in memory.
        """
        self._settings, self._most = settings, in_memory
        self._stack = ExitStack()
        self._here: list[pa.RecordBatch] = []
        self._waiting = 0
        self._con: DuckDBPyConnection | None = None

    def __enter__(self) -> "GatheredTexts":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, texts: pa.Array, positions: Positions) -> None:
        """Add some."""
        self._here.append(pa.record_batch([pa.array(positions), texts], schema=_SCHEMA))
        self._waiting += len(texts)
        if self._waiting > self._most:
            if self._con is None:
                self._con = self._stack.enter_context(connect(self._settings))
                self._con.execute("CREATE TEMP TABLE mine (position BIGINT, id VARCHAR)")
            _insert(self._con, "mine", self._here)
            self._here, self._waiting = [], 0

    def finish(self) -> None:
        """No more will come."""
        if self._con is not None:
            _insert(self._con, "mine", self._here)
            self._con.execute(
                "CREATE TEMP TABLE first AS SELECT id, min(position) AS position, count(*) AS times "
                "FROM mine GROUP BY id"
            )
        elif self._here:
            self._table = pa.Table.from_batches(self._here).combine_chunks()
            codes = pc.dictionary_encode(self._table["id"]).combine_chunks()
            self._codes = codes.indices.to_numpy()
            # They come by position, so the first of a code is its first event.
            _, self._first = np.unique(self._codes, return_index=True)

    def distinct(self) -> Iterator[pa.Array]:
        """Every text once."""
        if self._con is not None:
            for batch in self._con.sql("SELECT id FROM first").to_arrow_reader(100_000):
                yield batch.column(0)
        elif self._here:
            yield self._table["id"].combine_chunks().take(pa.array(self._first))

    def again(self) -> Positions:
        """Positions of the events whose text an earlier event has."""
        if self._con is not None:
            return _positions(
                self._con,
                "SELECT mine.position FROM mine JOIN first ON mine.id = first.id AND first.times > 1 "
                "WHERE mine.position > first.position",
            )
        if not self._here:
            return np.empty(0, np.int64)
        gone = np.ones(len(self._codes), dtype=bool)
        gone[self._first] = False
        return self._here_positions()[gone]

    def find(self, others: Iterable[pa.Array]) -> Positions:
        """Positions of the events whose text is among these."""
        if self._con is not None:
            self._con.execute("CREATE OR REPLACE TEMP TABLE found (id VARCHAR)")
            for texts in others:
                self._con.register("texts", pa.table({"id": texts}))
                self._con.execute("INSERT INTO found SELECT id FROM texts SEMI JOIN first USING (id)")
                self._con.unregister("texts")
            return _positions(self._con, "SELECT position FROM mine WHERE id IN (SELECT id FROM found)")
        if not self._here:
            return np.empty(0, np.int64)
        known = np.zeros(self._table.num_rows, dtype=bool)
        for texts in others:
            known |= pc.is_in(self._table["id"], value_set=texts).to_numpy()
        return self._here_positions()[known]

    def _here_positions(self) -> Positions:
        found: Positions = self._table["position"].to_numpy()
        return found


def _insert(con: "DuckDBPyConnection", table: str, batches: list[pa.RecordBatch]) -> None:
    if batches:
        con.register("ids", pa.Table.from_batches(batches))
        con.execute(f"INSERT INTO {table} SELECT * FROM ids")
        con.unregister("ids")


def _positions(con: "DuckDBPyConnection", query: str) -> Positions:
    found: Positions = con.sql(query).to_arrow_table()["position"].to_numpy()
    return found

"""The decoded files of an hour, on disk until it is known which of their events are duplicates."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from braze_assets.currents.avro_types import cast_column
from braze_assets.currents.columns import ADDED
from braze_assets.currents.decode import Decoded, Quarantined, UnreadableError, decode
from braze_assets.currents.listing import CurrentsSource, FileRef

__all__ = ["SpooledFile", "leave_out", "spool_files"]


@dataclass(frozen=True)
class SpooledFile:
    """A decoded file: its columns are in an Arrow file, only its ids are in memory."""

    file: FileRef
    path: Path | None
    """None where nothing could be decoded."""
    schema: pa.Schema
    ids: pa.ChunkedArray
    slow: bool
    quarantined: Quarantined | None

    @property
    def records(self) -> int:
        """Records decoded."""
        return len(self.ids)

    def table(self) -> pa.Table:
        """The records, memory-mapped."""
        if self.path is None:
            return self.schema.empty_table()
        return pa.ipc.open_file(pa.memory_map(str(self.path))).read_all()


def spool_files(
    source: CurrentsSource, files: Sequence[FileRef], folder: Path, *, workers: int
) -> Iterator[SpooledFile]:
    """Read and decode files, some at a time, in their order.

    Raises:
        StorageError: A file cannot be read at all. (One that does not decode is quarantined.)
    """

    def spool(number: int, file: FileRef) -> SpooledFile:
        return _spool(file, source.read(file), folder / f"{number:06d}.arrow")

    with ThreadPoolExecutor(workers, thread_name_prefix="currents") as pool:
        ahead: deque[Future[SpooledFile]] = deque()
        try:
            for number, file in enumerate(files):
                ahead.append(pool.submit(spool, number, file))
                if len(ahead) > 2 * workers:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for waiting in ahead:
                waiting.cancel()


def _spool(file: FileRef, data: bytes, path: Path) -> SpooledFile:
    try:
        decoded = decode(data)
    except UnreadableError as error:
        empty = pa.chunked_array([], pa.string())
        return SpooledFile(file, None, pa.schema([]), empty, False, Quarantined(file.uri, str(error), 0))
    table = decoded.table.rename_columns(
        [f"{name}_" if name in ADDED.names else name for name in decoded.table.column_names]
    )
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return SpooledFile(
        file, path, table.schema, _ids(table), decoded.engine == "fastavro", _quarantined(file, decoded)
    )


def _ids(table: pa.Table) -> pa.ChunkedArray:
    if "id" not in table.column_names:
        return pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
    return cast_column(table.column("id"), pa.string())


def _quarantined(file: FileRef, decoded: Decoded) -> Quarantined | None:
    if decoded.problem is None:
        return None
    return Quarantined(file.uri, decoded.problem, decoded.table.num_rows)


def leave_out(table: pa.Table, start: int, positions: npt.NDArray[np.int64]) -> pa.Table:
    """A table without the rows at these ordinals, its own first row being number `start`."""
    first, last = np.searchsorted(positions, (start, start + table.num_rows))
    if first == last:
        return table
    keep = np.ones(table.num_rows, dtype=bool)
    keep[positions[first:last] - start] = False
    return table.filter(pa.array(keep))

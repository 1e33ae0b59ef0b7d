"""The decoded files of an hour, kept until it is known which of their events are duplicates.

The first are kept in memory, as far as there is room: an hour of small files needs no disk. The others are
on disk.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from braze_assets.currents.columns import ADDED
from braze_assets.currents.decode import DecodeSettings, Quarantined, UnreadableError, decode, decode_ids
from braze_assets.currents.evolution import cast_column
from braze_assets.currents.field_rules import FieldRules
from braze_assets.currents.listing import CurrentsSource, FileRef
from braze_assets.currents.uuids import SplitIds, split_ids
from braze_assets.storage.dictionaries import plain, plain_schema, plain_table

__all__ = ["Reading", "SpooledFile", "leave_out", "read_files", "read_ids", "spool_files"]

_BYTES_AHEAD = 256 << 20
"""Files are read ahead of the decoders up to this size in all, so that memory is bounded."""

_TAKEN = frozenset(ADDED.names)

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How files are read."""

    workers: int = 4
    """Files decoded at a time, if there are so many processors."""
    readers: int = 16
    """Files requested at a time: a request waits for the server, not for a processor."""
    in_memory: int = 64 << 20
    """Bytes of decoded files kept in memory, in all; those that come after are on disk."""
    decoding: DecodeSettings = field(default_factory=DecodeSettings)
    fields: FieldRules = field(default_factory=FieldRules)

    @property
    def busy(self) -> int:
        """Files decoded at a time: more than there are processors would only take memory."""
        mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return max(1, min(self.workers, mine or 1))


@dataclass(frozen=True)
class SpooledFile:
    """A decoded file."""

    file: FileRef
    kept: "pa.Table | Path | None"
    """Its columns, or the Arrow file they are in. None where nothing could be decoded. Text that comes again
    and again is in dictionaries."""
    schema: pa.Schema
    records: int
    """Records decoded."""
    without_id: int
    slow: bool
    quarantined: Quarantined | None
    copy: Path | None = None
    """Where the bytes of a quarantined file are."""
    not_finite: Mapping[str, int] = field(default_factory=dict)
    """Numbers kept as text that were none (NaN or infinite), by field; they are NULL."""

    def table(self) -> pa.Table:
        """The records."""
        return plain_table(self.encoded())

    def encoded(self) -> pa.Table:
        """The records as they are kept, memory-mapped where they are on disk."""
        if isinstance(self.kept, Path):
            return pa.ipc.open_file(pa.memory_map(str(self.kept))).read_all()
        return self.schema.empty_table() if self.kept is None else self.kept

    def ids(self) -> pa.ChunkedArray:
        """The `id` of each record as text."""
        return _ids(self.encoded())


def read_files(
    files: Sequence[FileRef],
    read: Callable[[FileRef], bytes],
    use: Callable[[int, FileRef, bytes], T],
    *,
    readers: int,
    workers: int,
) -> Iterator[T]:
    """Read files and do something with each, some at a time; the results come in the order of the files.

    Stopped in the middle, it waits for what has begun and begins nothing more.
    """

    def take(number: int, file: FileRef, fetched: "Future[bytes]") -> T:
        return use(number, file, fetched.result())

    ahead: deque[tuple[int, Future[bytes], Future[T]]] = deque()
    waiting = 0
    with (
        ThreadPoolExecutor(readers, thread_name_prefix="currents-read") as reading,
        ThreadPoolExecutor(workers, thread_name_prefix="currents") as working,
    ):
        try:
            for number, file in enumerate(files):
                while ahead and (waiting + file.size > _BYTES_AHEAD or len(ahead) >= 2 * readers):
                    size, _, done = ahead.popleft()
                    yield done.result()
                    waiting -= size
                fetched = reading.submit(read, file)
                ahead.append((file.size, fetched, working.submit(take, number, file, fetched)))
                waiting += file.size
            while ahead:
                yield ahead.popleft()[2].result()
        finally:
            for _, fetched, done in ahead:
                done.cancel()
                fetched.cancel()


def spool_files(
    source: CurrentsSource, files: Sequence[FileRef], folder: Path, settings: Reading
) -> Iterator[SpooledFile]:
    """Read and decode files, some at a time, in their order.

    Raises:
        StorageError: A file cannot be read at all. (One that does not decode is quarantined.)
    """

    def use(number: int, file: FileRef, data: bytes) -> SpooledFile:
        return _spool(file, data, folder / f"{number:06d}", settings, room)

    room = _Room(settings.in_memory)
    yield from read_files(files, source.read, use, readers=settings.readers, workers=settings.busy)


def read_ids(source: CurrentsSource, files: Sequence[FileRef], settings: Reading) -> Iterator[SplitIds]:
    """The ids of the same records that `spool_files` gives, a file at a time.

    Raises:
        StorageError: A file cannot be read at all.
    """

    def use(number: int, file: FileRef, data: bytes) -> SplitIds:
        return split_ids(_ids_of(data, settings.decoding))

    yield from read_files(files, source.read, use, readers=settings.readers, workers=settings.busy)


def _ids_of(data: bytes, settings: DecodeSettings) -> pa.ChunkedArray:
    # All fields are decoded: the ids of a block that is damaged in another field are not in the table.
    try:
        return cast_column(decode_ids(data, settings), pa.string())
    except UnreadableError:
        return pa.chunked_array([], pa.string())


class _Room:
    """Memory that several threads fill."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        """Whether there was so much left; then it is taken."""
        with self._lock:
            fits = size <= self._left
            self._left -= size if fits else 0
            return fits


def _spool(file: FileRef, data: bytes, place: Path, settings: Reading, room: _Room) -> SpooledFile:
    copy = partial(_copy, data, place.with_suffix(".avro"))
    try:
        decoded = decode(data, settings.decoding, dictionaries=True)
    except UnreadableError as error:
        bad = Quarantined(file.uri, str(error), 0, getattr(error, "offset", None))
        return SpooledFile(file, None, pa.schema([]), 0, 0, False, bad, copy())
    table = settings.fields.apply(decoded.table)
    names = table.column_names
    if not _TAKEN.isdisjoint(names):
        table = table.rename_columns([f"{name}_" if name in _TAKEN else name for name in names])
    kept = table if room.take(table.nbytes) else _on_disk(table, place.with_suffix(".arrow"))
    problem = decoded.problem
    return SpooledFile(
        file,
        kept,
        plain_schema(table.schema),
        table.num_rows,
        _ids(table).null_count,
        decoded.engine == "fastavro",
        None if problem is None else Quarantined(file.uri, problem, table.num_rows, decoded.offset),
        None if problem is None else copy(),
        decoded.not_finite,
    )


def _on_disk(table: pa.Table, path: Path) -> Path:
    table = table.unify_dictionaries()  # There can be only one of each in the file.
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return path


def _copy(data: bytes, path: Path) -> Path:
    path.write_bytes(data)
    return path


def _ids(table: pa.Table) -> pa.ChunkedArray:
    if "id" not in table.column_names:
        return pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
    return cast_column(plain(table.column("id")), pa.string())


def leave_out(table: pa.Table, start: int, positions: npt.NDArray[np.int64]) -> pa.Table:
    """A table without the rows at these ordinals, its own first row being number `start`."""
    first, last = np.searchsorted(positions, (start, start + table.num_rows))
    if first == last:
        return table
    keep = np.ones(table.num_rows, dtype=bool)
    keep[positions[first:last] - start] = False
    # Of one batch, not of the table: pyarrow filters that several times as fast. In memory of the system's
    # allocator, which gives again what the batch before has left; Arrow's own takes new pages first.
    kept = [
        pc.filter(batch, pa.array(keep), memory_pool=pa.system_memory_pool())
        for batch in table.combine_chunks().to_batches()
    ]
    return pa.Table.from_batches(kept, table.schema)

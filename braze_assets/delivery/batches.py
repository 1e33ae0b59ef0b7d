"""Batches: at most so many objects and so many bytes in one request, in the order of the plan.

The objects come as the JSON texts that the plan rendered; a body is these bytes joined, never JSON made anew.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Batch", "Packer"]

_TAIL = b"]}"


@dataclass(eq=False)
class Batch:
    """Objects that travel together, and what they have been through."""

    rows: pa.RecordBatch
    """The plan's columns of these objects: `n`, `identifier`, `object`, and what else was read."""
    texts: list[bytes]
    """The objects' JSON texts, in the order of `rows`: position here is the index in a reply."""
    points: list[int] = field(default_factory=list)
    """The objects' data points; empty if they were not read."""
    number: int = 0
    """Ordinal of the last request that carried them."""
    attempts: int = 0
    throttled: int = 0
    ambiguous: bool = False
    """Whether an earlier attempt may have been taken."""
    doubted: bool = False
    """Whether an earlier run may have sent it, and no receipt tells what came of it."""
    first_sent: float = 0.0
    """When it was sent first, by the monotonic clock."""
    depth: int = 0
    """Times it was cut in two in search of an object that spoils it."""
    cut_at: float = 0.0
    """When, last."""
    array: str = "attributes"
    """The request's array they travel in: `attributes`, `events` or `purchases`."""
    _body: bytes = field(default=b"", repr=False)

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def body(self) -> bytes:
        """The request's body; the same bytes at every attempt."""
        if not self._body:
            self._body = _head(self.array) + b",".join(self.texts) + _TAIL
        return self._body

    def leaves(self, number: int, now: float) -> None:
        """Note that it is sent, with the request of this ordinal."""
        self.number = number
        self.attempts += 1
        if self.attempts == 1:
            self.first_sent = now

    @property
    def last(self) -> int:
        """The highest ordinal in it."""
        return int(pc.max(self.rows.column("n")).as_py())

    def part(self, start: int, stop: int) -> "Batch":
        """A stretch of it, as a batch of its own."""
        rows = self.rows.slice(start, stop - start)
        texts, points = self.texts[start:stop], self.points[start:stop]
        return Batch(
            rows,
            texts,
            points,
            ambiguous=self.ambiguous,
            doubted=self.doubted,
            depth=self.depth,
            cut_at=self.cut_at,
            array=self.array,
        )

    def without(self, indexes: Iterable[int]) -> "Batch":
        """The other objects, as a batch of their own."""
        gone = set(indexes)
        kept = [index for index in range(len(self)) if index not in gone]
        return Batch(
            self.rows.take(pa.array(kept, pa.int64())),
            [self.texts[index] for index in kept],
            [self.points[index] for index in kept] if self.points else [],
            ambiguous=self.ambiguous,
            doubted=self.doubted,
            depth=self.depth,
            cut_at=self.cut_at,
            array=self.array,
        )

    def halves(self) -> tuple["Batch", "Batch"]:
        """Two batches of half the objects; at least two objects are needed."""
        middle = len(self) // 2
        return self.part(0, middle), self.part(middle, len(self))

    def byte_halves(self) -> tuple["Batch", "Batch"]:
        """Two batches of about half the bytes; at least two objects are needed."""
        half, count = sum(map(len, self.texts)) / 2, 0
        middle = 1
        for index, text in enumerate(self.texts[:-1]):
            count += len(text)
            middle = index + 1
            if count >= half:
                break
        return self.part(0, middle), self.part(middle, len(self))


class Packer:
    """Cuts a stream of plan rows into batches.

    Args:
        objects: Objects in a request at most. May be lowered while packing.
        size: Bytes of a request's body at most. May be lowered while packing.
        array: The request's array the objects travel in.
    """

    def __init__(self, *, objects: int, size: int, array: str = "attributes") -> None:
        self.objects = objects
        self.size = size
        self._array = array
        self._around = len(_head(array)) + len(_TAIL)

    def pack(self, stream: Iterable[pa.RecordBatch]) -> Iterator[Batch]:
        """Batches in the stream's order; all but the last are as full as the limits allow.

        An object that alone is larger than a request gets a batch of its own: the reply decides.

        Args:
            stream: Record batches with a text column `object`, and optionally whole numbers in `data_points`.
        """
        rest: pa.RecordBatch | None = None
        for rows in stream:
            if rows.num_rows == 0:
                continue
            whole = rows if rest is None else pa.concat_batches([rest, rows])
            used = 0
            for batch in self._cut(whole, final=False):
                used += len(batch)
                yield batch
            rest = whole.slice(used) if used < whole.num_rows else None
        if rest is not None:
            yield from self._cut(rest, final=True)

    def _cut(self, rows: pa.RecordBatch, *, final: bool) -> Iterator[Batch]:
        texts: list[bytes] = pc.cast(rows.column("object"), pa.binary()).to_pylist()
        # Here, not in the sender's loop: there a call into Arrow can cost a wait for the interpreter.
        priced = rows.schema.get_field_index("data_points") >= 0
        points: list[int] = pc.fill_null(rows.column("data_points"), 0).to_pylist() if priced else []
        start, count = 0, len(texts)
        while start < count:
            stop = min(start + self.objects, count)
            if self._bytes(texts, start, stop) > self.size:
                stop = self._fitting(texts, start, stop)
            elif stop == count and stop - start < self.objects and not final:
                return
            some = rows.slice(start, stop - start)
            yield Batch(some, texts[start:stop], points[start:stop], array=self._array)
            start = stop

    def _bytes(self, texts: list[bytes], start: int, stop: int) -> int:
        return self._around + sum(map(len, texts[start:stop])) + stop - start - 1

    def _fitting(self, texts: list[bytes], start: int, stop: int) -> int:
        count, end = self._around - 1, start
        while end < stop and count + len(texts[end]) + 1 <= self.size:
            count += len(texts[end]) + 1
            end += 1
        return max(end, start + 1)


def _head(array: str) -> bytes:
    return b'{"%s":[' % array.encode()

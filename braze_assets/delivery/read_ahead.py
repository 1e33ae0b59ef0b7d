"""Batches read ahead of the sender by a thread of its own, as many as memory allows."""

import threading
from collections import deque
from collections.abc import Callable, Iterable

import pyarrow as pa

from braze_assets.delivery.batches import Batch, Packer

__all__ = ["ReadAhead"]

_MAX_BYTES = 64_000_000


class ReadAhead:
    """A bounded buffer filled from a stream of plan rows.

    Args:
        stream: Record batches of the plan's objects; read in the thread.
        packer: Cuts them into batches.
        batches: Batches held at most.
        wake: Called from the thread when a batch comes after none was `ready`, at the end, and on failure.
    """

    def __init__(
        self, stream: Iterable[pa.RecordBatch], packer: Packer, *, batches: int, wake: Callable[[], None]
    ) -> None:
        self.failure: BaseException | None = None
        self._stream, self._packer, self._wake = stream, packer, wake
        self._limit = batches
        self._ready: deque[Batch] = deque()
        self._bytes = 0
        self._ended = False
        self._closed = False
        self._hungry = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="braze-reader", daemon=True)
        self._thread.start()

    @property
    def exhausted(self) -> bool:
        """Whether the stream has ended and everything was taken."""
        with self._changed:
            return self._ended and not self._ready

    @property
    def ready(self) -> bool:
        """Whether `take` has a batch; if not, `wake` is called when it has."""
        with self._changed:
            self._hungry = not self._ready
            return not self._hungry

    @property
    def head(self) -> Batch:
        """What `take` would give; there must be one `ready`."""
        with self._changed:
            return self._ready[0]

    def take(self) -> Batch:
        """The next batch; there must be one `ready`."""
        with self._changed:
            batch = self._ready.popleft()
            self._bytes -= _size(batch)
            if len(self._ready) <= self._limit // 2:
                self._changed.notify()
            return batch

    def close(self) -> None:
        """Stop reading and wait for the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            for batch in self._packer.pack(self._stream):
                if not self._put(batch):
                    return
        except BaseException as error:  # handed to the sender, which raises it
            self.failure = error
        finally:
            with self._changed:
                self._ended = True
            self._wake()

    def _put(self, batch: Batch) -> bool:
        with self._changed:
            while not self._closed and (
                len(self._ready) >= self._limit or (self._ready and self._bytes >= _MAX_BYTES)
            ):
                self._changed.wait()
            if self._closed:
                return False
            self._ready.append(batch)
            self._bytes += _size(batch)
            hungry, self._hungry = self._hungry, False
        if hungry:
            self._wake()
        return True


def _size(batch: Batch) -> int:
    return sum(map(len, batch.texts))

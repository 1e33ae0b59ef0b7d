"""A small file that the processes of one machine change in turn."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

try:
    import fcntl
except ImportError:  # Windows has no flock
    fcntl = None  # type: ignore[assignment]

__all__ = ["SlotFile"]

_Result = TypeVar("_Result")

_SIZE = 65_536
_PATIENCE = 1.0
"""Seconds after which a lock is broken. It is held for less than a millisecond, except by a process that was
stopped (or swapped out) while it held it."""


class SlotFile:
    """One file, its lock beside it; replaced as a whole, so that a kill at any instant leaves it readable.

    A process whose lock was broken notices before it writes, and writes nothing.

    Args:
        path: The file; its folder exists.
        name: This process; nobody else has that name.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._lock = str(path), f"{path}.lock"
        self._new = f"{path}.{name}.new"
        self._waiting_for: tuple[int, float] | None = None

    @staticmethod
    def supported() -> bool:
        """Whether this system has such locks."""
        return fcntl is not None

    def change(
        self, change: Callable[[bytes | None], tuple[bytes, _Result]], *, now: float
    ) -> _Result | None:
        """Replace the content by what `change` makes of it (None: there is none); returns its result.

        Never waits: None if another process is at it, or the file was taken away meanwhile. Ask again.

        Raises:
            OSError: The folder is gone, full, or not on a disk that can lock.
        """
        # Bare system calls: this happens many times a second.
        lock = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._blocked(os.fstat(lock).st_ino, now)
                return None
            self._waiting_for = None
            if not self._valid(lock):
                return None
            content, result = change(self._read())
            self._write(content)
            if not self._valid(lock):
                return None
            os.replace(self._new, self._path)
            return result
        finally:
            os.close(lock)

    def _read(self) -> bytes | None:
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        try:
            content = b""
            while part := os.read(file, _SIZE):
                content += part
                if len(part) < _SIZE:
                    break
            return content
        finally:
            os.close(file)

    def _write(self, content: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        file = os.open(self._new, flags, 0o600)
        try:
            while content:
                content = content[os.write(file, content) :]
        finally:
            os.close(file)

    def _valid(self, lock: int) -> bool:
        """Whether the lock is still the one that others see."""
        with contextlib.suppress(FileNotFoundError):
            return os.stat(self._lock).st_ino == os.fstat(lock).st_ino
        return False

    def _blocked(self, inode: int, now: float) -> None:
        if self._waiting_for is None or self._waiting_for[0] != inode:
            self._waiting_for = (inode, now)
        elif now - self._waiting_for[1] > _PATIENCE:
            self._waiting_for = None
            with contextlib.suppress(FileNotFoundError):
                if os.stat(self._lock).st_ino == inode:
                    os.unlink(self._lock)

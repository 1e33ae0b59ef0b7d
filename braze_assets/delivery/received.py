"""The bytes of a reply as they come in, until a deadline."""

import io
import socket
import time
from typing import Any

__all__ = ["Received", "Resumed"]

_READ = 65_536


class Received:
    """What comes over a connection until a deadline."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._connection, self._deadline = connection, time.monotonic() + seconds
        self.times = 0

    def next(self) -> bytes:
        """Some bytes; none at the end.

        Raises:
            TimeoutError: The time is up.
        """
        self.times += 1
        if self.times > 1:  # nearly every reply comes at once
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._connection.settimeout(left)
        return self._connection.recv(_READ)


class Resumed(io.RawIOBase):
    """A connection of which some bytes were read already."""

    def __init__(self, connection: Received, data: bytes) -> None:
        self._connection, self._data = connection, data

    def makefile(self, mode: str) -> io.BufferedReader:
        """What the standard library asks of a socket."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Some bytes; 0 at the end."""
        self._data = self._data or self._connection.next()
        count = min(len(buffer), len(self._data))
        buffer[:count], self._data = self._data[:count], self._data[count:]
        return count

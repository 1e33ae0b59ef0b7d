"""Real processes, forked in milliseconds from one that has everything imported, and their ends."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["Process"]


class Process:
    """A forked process that runs one function.

    The process that forks must be single-threaded, and must never itself have used DuckDB or delta-rs: what
    they keep in threads does not survive a fork.

    Args:
        work: Called in the new process; what it returns (plain JSON) is its `result`.
        environment: Variables set there.
        disk: No file may grow beyond so many bytes: what a full disk looks like.
        log: Where its standard error goes.
    """

    def __init__(
        self,
        work: Callable[[], Mapping[str, Any]],
        *,
        environment: Mapping[str, str],
        disk: int | None = None,
        log: Path,
    ) -> None:
        self._memory = os.memfd_create("result")
        self.started = time.monotonic()
        self.status: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                _child(work, environment, disk, log, self._memory)
                code = 0
            except BaseException as error:
                sys.stderr.write(f"{type(error).__name__}: {error}\n")
            finally:
                os._exit(code)

    @property
    def ended(self) -> bool:
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
        return self.status is not None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def signal(self, number: int) -> None:
        if not self.ended:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """kill -9, and wait for the end."""
        self.signal(signal.SIGKILL)
        while not self.ended:
            time.sleep(0.001)

    def result(self) -> dict[str, Any] | None:
        """What it returned, or None if it died before; to be asked once it has ended."""
        size = os.fstat(self._memory).st_size
        text = os.pread(self._memory, size, 0)
        os.close(self._memory)
        return json.loads(text) if text else None


def _child(
    work: Callable[[], Mapping[str, Any]],
    environment: Mapping[str, str],
    disk: int | None,
    log: Path,
    memory: int,
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    errors = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(errors, 1)
    os.dup2(errors, 2)
    os.environ.update(environment)
    random.seed()
    if disk is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (disk, resource.RLIM_INFINITY))
    result = json.dumps(work()).encode()
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    # At once, so that a killed process has said all or nothing.
    os.pwrite(memory, result, 0)

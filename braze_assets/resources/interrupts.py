"""Stopping a run where it can be stopped, and for certain."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["interruptible", "remembered_interrupts"]


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """While this lasts, Dagster's "Terminate" (SIGINT or SIGTERM) is not raised but told when asked for.

    A second one is raised as usual, for those who cannot wait. Does nothing outside the main thread, where
    no signal arrives.
    """
    asked = False
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        handler = before[signal.Signals(number)]
        if asked and callable(handler):
            handler(number, frame)
        asked = True

    for number in before:
        signal.signal(number, note)
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def remembered_interrupts() -> Iterator[Callable[[], None]]:
    """While this lasts, Dagster's "Terminate" is raised as usual, and once more when the caller looks.

    Python drops what is raised within a finalizer or a callback of a weak reference, and says so on standard
    error only: a run of a thousand partitions would go on as if nobody had asked it to stop. Does nothing
    outside the main thread, where no signal arrives.

    Yields:
        What to call between two parts of the work; it raises what was dropped.
    """
    lost: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def handle(number: int, frame: FrameType | None) -> None:
        lost.append(number)
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    def look() -> None:
        if lost:
            handle(lost[-1], None)

    for number in before:
        signal.signal(number, handle)
    try:
        yield look
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

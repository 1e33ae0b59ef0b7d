"""Stopping a run between two requests instead of in the middle of whatever it does."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["interruptible"]


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

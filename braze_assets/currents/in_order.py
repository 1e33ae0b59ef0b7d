"""Some things done at a time, what becomes of them in their order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["in_order"]

S = TypeVar("S")
T = TypeVar("T")


def in_order(use: Callable[[S], T], items: Iterable[S], workers: int) -> Iterator[T]:
    """What becomes of each item, in their order.

    As many are worked on or wait to be taken as there are workers. Stopped in the middle, it waits for what
    has begun and begins nothing more.

    Args:
        use: What is done with each. It should leave the interpreter to others, as NumPy and Arrow do.
        items: The items.
        workers: How many at a time. One is done without a thread.
    """
    if workers == 1:
        yield from map(use, items)
        return
    ahead: deque[Future[T]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="currents-order") as pool:
        try:
            for item in items:
                if len(ahead) >= workers:
                    yield ahead.popleft().result()
                ahead.append(pool.submit(use, item))
            while ahead:
                yield ahead.popleft().result()
        finally:
            for each in ahead:
                each.cancel()

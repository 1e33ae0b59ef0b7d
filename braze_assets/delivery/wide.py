"""Sends of wide objects in little memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pyarrow as pa

from braze_assets.delivery.settings import DeliverySettings

__all__ = ["for_wide_objects", "holding_little"]


def for_wide_objects(settings: DeliverySettings) -> DeliverySettings:
    """The same, holding less: objects that are read ahead, and receipts, each of which carries its object."""
    return replace(settings, journal_backlog=30_000, journal_interval=0.25, ready_batches=64)


@contextmanager
def holding_little() -> Iterator[None]:
    """Arrow with the system's allocator: its own keeps room for each of a hundred threads."""
    before = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(before)

"""Sends of wide objects in little memory."""

from dataclasses import replace

from braze_assets.delivery.settings import DeliverySettings

__all__ = ["for_wide_objects"]


def for_wide_objects(settings: DeliverySettings) -> DeliverySettings:
    """The same with fewer batches read ahead and fewer receipts waiting, which are written more often: each
    carries its object."""
    return replace(settings, journal_backlog=30_000, journal_interval=0.25, ready_batches=64)

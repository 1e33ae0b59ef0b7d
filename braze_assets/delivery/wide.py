"""Sends of wide objects in little memory."""

from dataclasses import replace

from braze_assets.delivery.settings import DeliverySettings

__all__ = ["for_wide_objects"]


def for_wide_objects(settings: DeliverySettings) -> DeliverySettings:
    """The same, holding less: objects that are read ahead, and receipts, each of which carries its object."""
    return replace(settings, journal_backlog=30_000, journal_interval=0.25, ready_batches=64)

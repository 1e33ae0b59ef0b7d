"""Sends of wide objects in little memory."""

from dataclasses import replace

from braze_assets.delivery.settings import DeliverySettings

__all__ = ["for_wide_objects"]


def for_wide_objects(settings: DeliverySettings) -> DeliverySettings:
    """The same with receipts written twice as often, and fewer of them waiting: each carries its object."""
    return replace(settings, journal_backlog=60_000, journal_interval=0.5)

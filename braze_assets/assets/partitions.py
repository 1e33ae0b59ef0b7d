"""The partitions that all assets share."""

import os
from datetime import date

import dagster as dg

from braze_assets.errors import ConfigurationError

__all__ = ["daily_partitions", "hourly_partitions", "start_date"]

_DEFAULT_START = "2026-07-01"


def start_date() -> date:
    """The first day of all tables: `BRAZE_ASSETS_START_DATE`.

    Raises:
        ConfigurationError: It is not a date.
    """
    text = os.environ.get("BRAZE_ASSETS_START_DATE") or _DEFAULT_START
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"{text!r} is not a date.",
            place="BRAZE_ASSETS_START_DATE",
            remedy=f"Write it as YYYY-MM-DD, such as {_DEFAULT_START}.",
        ) from None


def daily_partitions(start: date | None = None) -> dg.DailyPartitionsDefinition:
    """One partition a day, UTC; a day's table is as of its end."""
    return dg.DailyPartitionsDefinition(start_date=f"{start or start_date():%Y-%m-%d}")


def hourly_partitions(start: date | None = None) -> dg.HourlyPartitionsDefinition:
    """One partition an hour, UTC."""
    return dg.HourlyPartitionsDefinition(start_date=f"{start or start_date():%Y-%m-%d}-00:00")

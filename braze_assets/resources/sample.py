"""The settings of the Customer 360 sample."""

import os
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from braze_assets.errors import ConfigurationError

if TYPE_CHECKING:
    from braze_assets.customer_360 import SampleSettings

__all__ = ["SampleResource"]


class SampleResource(dg.ConfigurableResource[None]):
    """How many customers the sample has, and from which day on."""

    customers: int = Field(default=0, description="0: BRAZE_ASSETS_SAMPLE_CUSTOMERS, else 10,000.")
    seed: int = Field(default=0, description="0: BRAZE_ASSETS_SAMPLE_SEED, else 360.")

    def settings(self, start: date) -> "SampleSettings":
        """The sample's settings, with `start` as its first day.

        Raises:
            ConfigurationError: A number is not one, or out of range.
        """
        from braze_assets.customer_360 import SampleSettings

        return SampleSettings(
            customers=self.customers or _number("BRAZE_ASSETS_SAMPLE_CUSTOMERS", 10_000),
            seed=self.seed or _number("BRAZE_ASSETS_SAMPLE_SEED", 360),
            start=start,
        )


def _number(variable: str, default: int) -> int:
    text = os.environ.get(variable) or str(default)
    try:
        return int(text)
    except ValueError:
        raise ConfigurationError(
            f"{variable} is not a whole number.", place=variable, remedy=f"Set it to one, such as {default}."
        ) from None

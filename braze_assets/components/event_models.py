"""The YAML vocabulary of a sync of events; its defaults are those of the settings it is turned into."""

from collections.abc import Sequence

import dagster as dg
from pydantic import Field, field_validator

from braze_assets.components.models import count_or_null
from braze_assets.plan.events import EventGuardSettings
from braze_assets.rows.events import EventColumns

__all__ = ["EventColumnsModel", "EventGuardsModel"]


class EventColumnsModel(dg.Model, dg.Resolvable):
    """Which column of the table is what; all others are properties, unless `properties` names them."""

    event_id: str = Field(default=EventColumns.event_id, description="Unique for all time.")
    time: str = Field(default=EventColumns.time, description="A timestamp; without a zone it is UTC.")
    name: str = Field(default=EventColumns.name, description="Of events without `event_name`.")
    product_id: str = Field(default=EventColumns.product_id, description="Of purchases.")
    currency: str = Field(default=EventColumns.currency, description="Of purchases: ISO 4217.")
    price: str = Field(default=EventColumns.price, description="Of purchases: of one.")
    quantity: str | None = Field(default=None, description="Of purchases: 1 to 100; 1 when left out.")
    properties: Sequence[str] | None = Field(default=None, description="Only these columns are sent as such.")


class EventGuardsModel(dg.Model, dg.Resolvable):
    """When a plan must not be sent. Shares are of 1, such as 0.01."""

    max_id_errors: float = Field(default=EventGuardSettings.max_id_errors, ge=0, le=1)
    max_identifier_errors: float = Field(default=EventGuardSettings.max_identifier_errors, ge=0, le=1)
    max_times_mean: float | None = Field(
        default=EventGuardSettings.max_times_mean,
        description="Rows of a partition, in means of those sent before.",
    )
    data_point_budget: int | None = EventGuardSettings.data_point_budget
    min_rows: int = Field(
        default=EventGuardSettings.min_rows, ge=0, description="Nothing is compared with fewer rows."
    )

    @field_validator("max_times_mean")
    @classmethod
    def _more_than_none(cls, value: float | None) -> float | None:
        if value is not None and value <= 0:
            raise ValueError("give a number above 0, or null for no such guard")
        return value

    _budget = field_validator("data_point_budget")(count_or_null)

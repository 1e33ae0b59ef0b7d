"""The settings of the plans of a sync of events."""

from dataclasses import dataclass, field

from braze_assets.braze.limits import Limits
from braze_assets.ledger.events import Guarantee

__all__ = ["EventGuardSettings", "EventPlanSettings"]


@dataclass(frozen=True, kw_only=True)
class EventGuardSettings:
    """When a plan must not be sent. Shares are of 1; None switches a guard off."""

    max_id_errors: float = 0.01
    """Of the rows, those whose event id is missing or used for different events."""
    max_identifier_errors: float = 0.01
    """Of the rows, those without a user."""
    max_times_mean: float | None = 10.0
    """Rows of the partition, in means of the partitions sent before."""
    data_point_budget: int | None = None
    """Data points one plan may cost."""
    min_rows: int = 100
    """Shares and means are not asked about while the partition has fewer rows."""


@dataclass(frozen=True, kw_only=True)
class EventPlanSettings:
    """What a plan does with what is found."""

    guarantee: Guarantee = "at_most_once"
    """What is done with an event of which nobody knows whether Braze took it."""
    app_id: str | None = None
    """Braze's identifier of the app the events are filed under."""
    update_existing_only: bool = True
    """Whether events of users that Braze does not know are dropped rather than creating the user."""
    properties_bytes: int = 100_000
    """Properties of one event (documented: 100 KB; read as decimal to stay below either reading)."""
    guards: EventGuardSettings = field(default_factory=EventGuardSettings)
    limits: Limits = field(default_factory=Limits)

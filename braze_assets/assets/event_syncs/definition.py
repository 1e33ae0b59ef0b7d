"""What a sync of events is: the Python form of its YAML."""

from dataclasses import dataclass, field

from braze_assets.assets.flow import Flow
from braze_assets.plan.events import EventPlanSettings
from braze_assets.rows.events import EventsSpec

__all__ = ["EventSyncDefinition"]


@dataclass(frozen=True, kw_only=True)
class EventSyncDefinition(Flow):
    """One configured flow of events or purchases into one Braze workspace.

    `braze_assets.components.EventSync` makes it from YAML; `build_event_sync` makes assets from it.
    """

    events: EventsSpec
    """The table of events: its SQL or file, and which column is what."""
    plan: EventPlanSettings = field(default_factory=EventPlanSettings)
    """What is promised, and the guards."""
    kind: str = "event sync"
    test_events: int = 10
    keep_ids_days: int | None = None
    """Days that ids are kept after their partition's end; None: for good. Older partitions are refused."""

    @property
    def name(self) -> str:
        """The name of the sync, and of its table."""
        return self.events.name

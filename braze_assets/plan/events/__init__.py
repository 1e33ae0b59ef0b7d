"""The plan of events: which would be sent now, whether they may be, and what they cost."""

from braze_assets.plan.events.guards import EVENT_GUARDS
from braze_assets.plan.events.header import EventCounts, EventPlanHeader, read_event_plan_header
from braze_assets.plan.events.make import EventPlan, make_event_plan
from braze_assets.plan.events.settings import EventGuardSettings, EventPlanSettings

__all__ = [
    "EVENT_GUARDS",
    "EventCounts",
    "EventGuardSettings",
    "EventPlan",
    "EventPlanHeader",
    "EventPlanSettings",
    "make_event_plan",
    "read_event_plan_header",
]

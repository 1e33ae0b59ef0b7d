"""Tables of events and purchases: one row an event, validated before it can be sent once and for all."""

from braze_assets.rows.events.build import BuiltEvents, build_events
from braze_assets.rows.events.header import EVENTS_KEY, EventsHeader, read_events_header
from braze_assets.rows.events.reasons import REASONS
from braze_assets.rows.events.spec import EventColumns, EventKind, EventsSpec

__all__ = [
    "EVENTS_KEY",
    "REASONS",
    "BuiltEvents",
    "EventColumns",
    "EventKind",
    "EventsHeader",
    "EventsSpec",
    "build_events",
    "read_events_header",
]

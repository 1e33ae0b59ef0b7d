"""The ledger of events: which ids were sent, which were not, and of which nobody knows."""

from braze_assets.ledger.events.compact import compact_events, stored_events
from braze_assets.ledger.events.ledger import EventLedger
from braze_assets.ledger.events.review import REVIEW_SCHEMA
from braze_assets.ledger.events.schemas import EVENT_IDS_SCHEMA, Guarantee
from braze_assets.ledger.events.send import EventSend
from braze_assets.ledger.events.settle import Settlement, Word, propose_settlement, settle_events

__all__ = [
    "EVENT_IDS_SCHEMA",
    "REVIEW_SCHEMA",
    "EventLedger",
    "EventSend",
    "Guarantee",
    "Settlement",
    "Word",
    "compact_events",
    "propose_settlement",
    "settle_events",
    "stored_events",
]

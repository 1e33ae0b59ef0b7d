"""What Braze has acknowledged, per user and attribute, and the journal of how that came about."""

from braze_assets.ledger.acknowledged import Acknowledged
from braze_assets.ledger.held import Held, PlanRows
from braze_assets.ledger.journal import FoldResult, Position
from braze_assets.ledger.ledger import Ledger
from braze_assets.ledger.projection import Projection
from braze_assets.ledger.schemas import OUTCOMES, PLAN_KEY, RECEIPTS_SCHEMA
from braze_assets.ledger.send import Send

__all__ = [
    "OUTCOMES",
    "PLAN_KEY",
    "RECEIPTS_SCHEMA",
    "Acknowledged",
    "FoldResult",
    "Held",
    "Ledger",
    "PlanRows",
    "Position",
    "Projection",
    "Send",
]

"""What Braze has acknowledged, per user and attribute, and the journal of how that came about."""

from braze_assets.ledger.ledger import FoldResult, Ledger, Position, Send
from braze_assets.ledger.schemas import OUTCOMES, PLAN_KEY, RECEIPTS_SCHEMA

__all__ = ["OUTCOMES", "PLAN_KEY", "RECEIPTS_SCHEMA", "FoldResult", "Ledger", "Position", "Send"]

"""The header of a plan of events: what it would send, what it costs, and whether it may be sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from braze_assets.errors import PlanError
from braze_assets.ledger.events import Guarantee
from braze_assets.ledger.schemas import PLAN_KEY
from braze_assets.plan.base_header import BaseHeader
from braze_assets.rows.events import EventKind
from braze_assets.storage import StoredTable

__all__ = ["EventCounts", "EventPlanHeader", "read_event_plan_header"]


@dataclass(frozen=True, kw_only=True)
class EventCounts:
    """What a plan counts: `rows` = `objects` to be sent + `known` + `left_out`.

    `known` events were sent before, and are not in the plan.
    """

    rows: int = 0
    objects: int = 0
    known: int = 0
    left_out: int = 0
    users: int = 0
    """Different users among the objects."""
    data_points: int = 0
    bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class EventPlanHeader(BaseHeader):
    """What a plan of events says about itself.

    It does not grow stale: what is sent in the meantime is left out when it is sent.
    """

    kind: EventKind
    guarantee: Guarantee
    status: Literal["ready", "empty"]
    counts: EventCounts = field(default_factory=EventCounts)
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Rows that are left out, by reason."""
    names: Mapping[str, int] = field(default_factory=dict)
    """Objects by event name or product, the most frequent ones."""

    @classmethod
    def _parts(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        return {"counts": EventCounts(**values.get("counts", {}))}


def read_event_plan_header(plan: StoredTable) -> EventPlanHeader:
    """The header of a stored plan of events.

    Raises:
        StorageError: The file is not there or not Parquet.
        PlanError: It is not a plan of events.
    """
    document = plan.document(PLAN_KEY)
    if document is None or "guarantee" not in document:
        raise PlanError(
            "The file is not a plan of events.",
            place=", ".join(plan.uris),
            remedy="Give the file that the delta asset of a sync of events wrote.",
        )
    return EventPlanHeader.from_document(document)

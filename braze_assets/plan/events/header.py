"""The header of a plan of events: what it would send, what it costs, and whether it may be sent."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timezone
from typing import Any, Literal

from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.errors import PlanError
from braze_assets.ledger.events import Guarantee
from braze_assets.ledger.schemas import PLAN_KEY
from braze_assets.plan.header import Verdict
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
class EventPlanHeader:
    """What a plan says about itself; kept in its file's metadata."""

    plan_id: str
    sync: str
    kind: EventKind
    guarantee: Guarantee
    partition: str | None
    as_of: datetime
    created_at: datetime
    identifier: IdentifierKind
    ledger_position: int
    """The ledger's step it was made at. A plan of events does not grow stale: what is sent in the meantime
    is left out when it is sent."""
    status: Literal["ready", "empty"]
    note: str = ""
    verdicts: tuple[Verdict, ...] = ()
    counts: EventCounts = field(default_factory=EventCounts)
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Rows that are left out, by reason."""
    names: Mapping[str, int] = field(default_factory=dict)
    """Objects by event name or product, the most frequent ones."""

    @property
    def blocked(self) -> bool:
        """Whether a guard failed and was not waived: such a plan must not be sent."""
        return bool(self.blocking)

    @property
    def blocking(self) -> tuple[Verdict, ...]:
        """The verdicts that block it."""
        return tuple(v for v in self.verdicts if not v.passed and not v.allowed)

    def to_document(self) -> dict[str, Any]:
        """As plain JSON."""
        document = asdict(self)
        for name in ("as_of", "created_at"):
            document[name] = document[name].astimezone(timezone.utc).isoformat()
        document["verdicts"] = list(document["verdicts"])
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "EventPlanHeader":
        """Read what `to_document` wrote; fields of newer versions are ignored.

        Raises:
            PlanError: A field is missing.
        """
        known = {name.name for name in fields(cls)}
        try:
            values = {name: value for name, value in document.items() if name in known}
            values["as_of"] = datetime.fromisoformat(values["as_of"])
            values["created_at"] = datetime.fromisoformat(values["created_at"])
            values["verdicts"] = tuple(Verdict(**verdict) for verdict in values.get("verdicts", ()))
            values["counts"] = EventCounts(**values.get("counts", {}))
            return cls(**values)
        except (KeyError, TypeError, ValueError) as error:
            raise PlanError(
                f"The plan's header cannot be read: {type(error).__name__}.",
                remedy="Make the plan again with this version of the software.",
            ) from error


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

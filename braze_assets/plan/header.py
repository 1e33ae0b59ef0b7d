"""The header of a plan: what it would do, what it costs, and whether it may be sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from braze_assets.errors import PlanError
from braze_assets.ledger.schemas import PLAN_KEY
from braze_assets.plan.base_header import BaseHeader
from braze_assets.storage import StoredTable

__all__ = ["AttributeCount", "Counts", "PlanHeader", "PlanStatus", "read_plan_header"]

PlanStatus = Literal["ready", "empty", "stale", "collapsed"]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What a plan counts.

    `users` are the rows of the wanted table, `objects` = new + changed + unset are to be sent, `left_out`
    rows are not, and `vanished` users are in the ledger but no longer in the table. `attributes`,
    `data_points` and `bytes` are of the objects to be sent; `data_points_if_resent` is what sending every row
    whole would cost.
    """

    users: int = 0
    objects: int = 0
    new: int = 0
    changed: int = 0
    unset: int = 0
    left_out: int = 0
    vanished: int = 0
    attributes: int = 0
    data_points: int = 0
    data_points_if_resent: int = 0
    bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class AttributeCount:
    """How often a plan sets and unsets one attribute, and the data points of that."""

    set: int = 0
    unset: int = 0
    data_points: int = 0


@dataclass(frozen=True, kw_only=True)
class PlanHeader(BaseHeader):
    """What a plan says about itself. `Ledger.begin` refuses it when the ledger has moved since."""

    status: PlanStatus
    rewind: bool = False
    counts: Counts = field(default_factory=Counts)
    per_attribute: Mapping[str, AttributeCount] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    """Canonical DuckDB type of every attribute the table has or the plan unsets."""
    flipped: tuple[str, ...] = ()
    """Attributes whose kind of type changed; their ledger columns start afresh."""
    update_existing_only: bool = True
    rows: tuple[str, ...] = ()
    """The files of the wanted table."""
    follows: str | None = None
    """The partition before it in a replayed range: the plan is what is foreseen to be sent once that one's
    plan was accepted. It is made again, against the ledger itself, right before it is sent."""
    allow: tuple[str, ...] = ()
    """Guards that were to be waived for it."""

    @classmethod
    def _parts(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        per_attribute = values.get("per_attribute", {})
        return {
            "counts": Counts(**values.get("counts", {})),
            "per_attribute": {name: AttributeCount(**count) for name, count in per_attribute.items()},
            **{name: tuple(values.get(name, ())) for name in ("flipped", "rows", "allow")},
        }


def read_plan_header(plan: StoredTable) -> PlanHeader:
    """The header of a stored plan.

    Raises:
        StorageError: The file is not there or not Parquet.
        PlanError: It is not a plan.
    """
    document = plan.document(PLAN_KEY)
    if document is None:
        raise PlanError(
            "The file is not a plan: it carries no plan header.",
            place=", ".join(plan.uris),
            remedy="Give the file that the delta asset wrote.",
        )
    return PlanHeader.from_document(document)

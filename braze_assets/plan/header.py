"""The header of a plan: what it would do, what it costs, and whether it may be sent."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timezone
from typing import Any, Literal

from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.errors import PlanError
from braze_assets.ledger.schemas import PLAN_KEY
from braze_assets.storage import StoredTable

__all__ = ["AttributeCount", "Counts", "PlanHeader", "PlanStatus", "Verdict", "read_plan_header"]

PlanStatus = Literal["ready", "empty", "stale", "collapsed"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one guard found.

    A guard that neither passed nor was allowed blocks the plan. `message` says cause, figures and remedy.
    """

    guard: str
    passed: bool
    allowed: bool = False
    observed: str | float | None = None
    limit: str | float | None = None
    message: str = ""


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
class PlanHeader:
    """What a plan says about itself; kept in its file's metadata."""

    plan_id: str
    sync: str
    partition: str | None
    as_of: datetime
    created_at: datetime
    identifier: IdentifierKind
    ledger_position: int
    """The ledger's sequence it was made at; `Ledger.begin` refuses it when the ledger has moved since."""
    status: PlanStatus
    note: str = ""
    collapsed_into: str | None = None
    rewind: bool = False
    verdicts: tuple[Verdict, ...] = ()
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

    @property
    def blocked(self) -> bool:
        """Whether a guard failed and was not waived: such a plan must not be sent."""
        return any(not verdict.passed and not verdict.allowed for verdict in self.verdicts)

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
        for name in ("flipped", "rows", "allow"):
            document[name] = list(document[name])
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "PlanHeader":
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
            values["counts"] = Counts(**values.get("counts", {}))
            values["per_attribute"] = {
                name: AttributeCount(**count) for name, count in values.get("per_attribute", {}).items()
            }
            for name in ("flipped", "rows", "allow"):
                values[name] = tuple(values.get(name, ()))
            return cls(**values)
        except (KeyError, TypeError, ValueError) as error:
            raise PlanError(
                f"The plan's header cannot be read: {type(error).__name__}.",
                remedy="Make the plan again with this version of the software.",
            ) from error


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

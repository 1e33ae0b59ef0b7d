"""What the headers of plans of all kinds have in common."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timezone
from typing import Any, TypeVar

from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.errors import PlanError
from braze_assets.plan.judging import Verdict

__all__ = ["BaseHeader"]

T = TypeVar("T", bound="BaseHeader")


@dataclass(frozen=True, kw_only=True)
class BaseHeader:
    """What every plan says about itself; kept in its file's metadata."""

    plan_id: str
    sync: str
    partition: str | None
    as_of: datetime
    created_at: datetime
    identifier: IdentifierKind
    ledger_position: int
    """The ledger's step it was made at."""
    note: str = ""
    verdicts: tuple[Verdict, ...] = ()

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
        for name, value in document.items():
            if isinstance(value, datetime):
                document[name] = value.astimezone(timezone.utc).isoformat()
            elif isinstance(value, tuple):
                document[name] = list(value)
        return document

    @classmethod
    def from_document(cls: type[T], document: Mapping[str, Any]) -> T:
        """Read what `to_document` wrote; fields of newer versions are ignored.

        Raises:
            PlanError: A field is missing.
        """
        known = {each.name for each in fields(cls)}
        try:
            values = {name: value for name, value in document.items() if name in known}
            values["as_of"] = datetime.fromisoformat(values["as_of"])
            values["created_at"] = datetime.fromisoformat(values["created_at"])
            values["verdicts"] = tuple(Verdict(**verdict) for verdict in values.get("verdicts", ()))
            return cls(**{**values, **cls._parts(values)})
        except (KeyError, TypeError, ValueError) as error:
            raise PlanError(
                f"The plan's header cannot be read: {type(error).__name__}.",
                remedy="Make the plan again with this version of the software.",
            ) from error

    @classmethod
    def _parts(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a kind of plan that are more than JSON, from their JSON."""
        return {}

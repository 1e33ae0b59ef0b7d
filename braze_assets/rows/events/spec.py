"""How a table of events is declared."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.braze.limits import Limits
from braze_assets.errors import ConfigurationError

if TYPE_CHECKING:
    from braze_assets.rows.files import TableFile
    from braze_assets.rows.query import TableQuery

__all__ = ["EventColumns", "EventKind", "EventsSpec"]

EventKind = Literal["events", "purchases"]
"""The array of `/users/track` they travel in."""


@dataclass(frozen=True, kw_only=True)
class EventColumns:
    """Which column is what. All other columns are properties, unless `properties` names them."""

    event_id: str = "event_id"
    """Unique for all time: by it an event is sent once."""
    time: str = "time"
    name: str = "name"
    """The event's name; not read where the spec has a constant name, nor for purchases."""
    product_id: str = "product_id"
    currency: str = "currency"
    price: str = "price"
    quantity: str | None = None
    """Braze takes a missing one for 1."""
    properties: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class EventsSpec:
    """A table of events: where its rows come from, and what its columns are.

    Args:
        name: The name of the sync.
        kind: Events or purchases.
        query: The SQL, or a file by URL.
        identifier: What a user is known by; the column (or the two of `user_alias`) must be there.
        columns: Which column is what.
        event_name: The name of all events; None where a column has it.
        max_ahead: A later time than this after the partition's end is taken for a mistake.
        limits: What the destination accepts.

    Raises:
        ConfigurationError: The settings contradict each other.
    """

    name: str
    kind: EventKind
    query: "TableQuery | TableFile"
    identifier: IdentifierKind = "external_id"
    columns: EventColumns = field(default_factory=EventColumns)
    event_name: str | None = None
    max_ahead: timedelta = timedelta(days=1)
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if self.event_name is None:
            return
        if self.kind == "purchases":
            raise ConfigurationError(
                "Purchases have no event name.", place=f"event_name of {self.name}", remedy="Leave it out."
            )
        if not self.event_name.strip() or len(self.event_name) > self.limits.name_chars:
            raise ConfigurationError(
                f"The event name has {len(self.event_name.strip())} characters; Braze takes 1 to "
                f"{self.limits.name_chars}.",
                place=f"event_name of {self.name}",
                remedy="Correct it.",
            )

    @property
    def roles(self) -> dict[str, str]:
        """Column by role, without identifier and properties."""
        named = {"event_id": self.columns.event_id, "time": self.columns.time}
        if self.kind == "events":
            return named if self.event_name is not None else {**named, "name": self.columns.name}
        named |= {
            "product_id": self.columns.product_id,
            "currency": self.columns.currency,
            "price": self.columns.price,
        }
        return {**named, "quantity": self.columns.quantity} if self.columns.quantity else named

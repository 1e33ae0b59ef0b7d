"""What the guards look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from braze_assets.plan.header import AttributeCount, Counts
from braze_assets.plan.settings import GuardSettings, PlanSettings
from braze_assets.rows import RowsHeader

__all__ = ["Facts"]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the guards look at.

    Args:
        header: The wanted table's header.
        settings: The sync's settings.
        counts: The plan's counts.
        per_attribute: The plan's counts by attribute.
        ledger_users: Rows of the ledger.
        ledger_changed: Ledger users that are in the table and get an object because something changed.
        removed: Ledger users that newly vanished from the table.
        identifier_errors: Rows that cannot be sent for their identifier, by reason.
        too_large: Objects left out for their size.
        flipped: Attributes whose kind of type changed: old and new type.
        held: Attributes the ledger has.
        churn: Share of the users that an attribute changes for, in this plan and in those before.
        rewinds: The newer partition that is overwritten on purpose.
        rows_before: Rows of the partition before; None where there is none.
        emptied: Audiences that have no members any more, with the members they had.
        launched: When the one launch of a one-off was, and of which partition, if it was.
    """

    header: RowsHeader
    settings: PlanSettings
    counts: Counts
    per_attribute: Mapping[str, AttributeCount]
    ledger_users: int
    ledger_changed: int
    removed: int
    identifier_errors: Mapping[str, int]
    too_large: int
    flipped: Mapping[str, tuple[str, str]]
    rewinds: str | None
    held: frozenset[str] = frozenset()
    rows_before: int | None = None
    churn: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    emptied: Mapping[str, int] = field(default_factory=dict)
    launched: str | None = None

    @property
    def guards(self) -> GuardSettings:
        """The guards' settings."""
        return self.settings.guards

"""What a sync is: the Python form of its YAML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from braze_assets.assets.flow import Flow, Mode, Source
from braze_assets.plan import PlanSettings
from braze_assets.rows import RowsSpec

__all__ = ["Mode", "Replay", "Source", "SyncDefinition"]

Replay = Literal["collapse", "each"]


@dataclass(frozen=True, kw_only=True)
class SyncDefinition(Flow):
    """One configured flow into one Braze workspace.

    `braze_assets.components.AttributeSync` makes it from YAML; `build_sync` makes assets from it.
    """

    rows: RowsSpec
    """The wanted table: its SQL or file, identifier and attributes."""
    plan: PlanSettings = field(default_factory=PlanSettings)
    """How the difference is made, and its guards."""
    test_users: int = 10
    replay: Replay = "collapse"
    """What a run for a range of partitions sends: only its newest state, or every partition's in order."""
    audit_sample: int = 200
    """Users read back from Braze after a send; 0 for none."""
    lineage: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    """For each column of the table, the (source table, column) pairs it is made from."""

    @property
    def name(self) -> str:
        """The name of the sync, and of its table."""
        return self.rows.name

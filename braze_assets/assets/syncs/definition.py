"""What a sync is: the Python form of its YAML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Literal

import dagster as dg

from braze_assets.plan import PlanSettings
from braze_assets.rows import RowsSpec

__all__ = ["Mode", "Replay", "Source", "SyncDefinition"]

Mode = Literal["preview", "test", "live"]
Replay = Literal["collapse", "each"]


@dataclass(frozen=True)
class Source:
    """Where a table named in the SQL comes from: an asset of this project, or a file by URL."""

    asset: dg.AssetKey | None = None
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class SyncDefinition:
    """One configured flow into one Braze workspace.

    `braze_assets.components.AttributeSync` makes it from YAML; `build_sync` makes assets from it.
    """

    rows: RowsSpec
    """The wanted table: its SQL or file, identifier and attributes."""
    plan: PlanSettings = field(default_factory=PlanSettings)
    """How the difference is made, and its guards."""
    sources: Mapping[str, Source] = field(default_factory=dict)
    """By table name in lower case."""
    destination: str = "braze"
    """The key of the `BrazeResource`."""
    mode: Mode = "preview"
    test_users: int = 10
    replay: Replay = "collapse"
    """What a run for a range of partitions sends: only its newest state, or every partition's in order."""
    partitions: dg.TimeWindowPartitionsDefinition | None = None
    """Without partitions, a run takes the tables as they are now."""
    cron_schedule: str | None = None
    audit_sample: int = 200
    """Users read back from Braze after a send; 0 for none."""
    show_values: bool = False
    """Whether previews in Dagster may show values, which are personal data."""
    description: str | None = None
    owners: Sequence[str] = ()
    group: str = "braze"
    lineage: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    """For each column of the table, the (source table, column) pairs it is made from."""

    @property
    def name(self) -> str:
        """The name of the sync, and of its table."""
        return self.rows.name

    def key(self, part: Literal["", "findings", "delta", "sync", "audit"] = "") -> dg.AssetKey:
        """The asset key of the table or of one of the assets that follow from it."""
        return dg.AssetKey(f"{self.name}_{part}" if part else self.name)

    def keys(self, context: dg.AssetExecutionContext) -> list[str | None]:
        """The partitions a run is for, in order; one None without partitions."""
        return list(context.partition_keys) if self.partitions else [None]

    def as_of(self, partition: str | None, now: datetime) -> datetime:
        """The moment a partition is computed for: its end, or now where there are no partitions."""
        if self.partitions is None or partition is None:
            return now
        return self.partitions.time_window_for_partition_key(partition).end.astimezone(timezone.utc)

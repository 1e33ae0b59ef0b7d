"""What every flow into Braze has in common: where its tables come from, where it goes, when it runs."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any, Literal

import dagster as dg

from braze_assets.assets.timing import BY_HAND, Timing

__all__ = ["ALWAYS", "AssetDecorator", "Flow", "Mode", "Part", "Source", "Timed", "flow_asset"]

AssetDecorator = Callable[[Callable[..., Any]], dg.AssetsDefinition]
Mode = Literal["preview", "test", "live"]
Part = Literal["", "findings", "delta", "sync", "audit", "review", "recipients", "sample", "csv"]
"""The assets a flow may have; without a name, its table."""


@dataclass(frozen=True)
class Source:
    """Where a table named in the SQL comes from: an asset of this project, or a file by URL."""

    asset: dg.AssetKey | None = None
    url: str | None = None


ALWAYS: tuple[date | None, date | None] = (None, None)
"""No first and no last day."""


@dataclass(frozen=True, kw_only=True)
class Timed:
    """What a schedule or a sensor can start: a flow, or segments, which several flows read."""

    sources: Mapping[str, Source] = field(default_factory=dict)
    """By table name in lower case."""
    partitions: dg.TimeWindowPartitionsDefinition | None = None
    """Without partitions, a run takes the tables as they are now."""
    timing: Timing = BY_HAND
    """When it runs."""
    within: tuple[date | None, date | None] = ALWAYS
    """First and last day the schedule runs for."""

    if TYPE_CHECKING:
        # Only said: as a property here it would be in the way of a field.
        @property
        def name(self) -> str:
            """Its job and what starts it are named after it."""

    @property
    @abstractmethod
    def leads(self) -> Sequence[dg.AssetKey]:
        """Those of its assets that new data starts; the others follow."""

    def as_of(self, partition: str | None, now: datetime) -> datetime:
        """The moment a partition is computed for: its end, or now where there are no partitions."""
        if self.partitions is None or partition is None:
            return now
        return self.partitions.time_window_for_partition_key(partition).end.astimezone(timezone.utc)


@dataclass(frozen=True, kw_only=True)
class Flow(Timed):
    """One configured flow into one Braze workspace."""

    kind: str = "sync"
    """What it is called in the list of orchestrations."""
    destination: str = "braze"
    """The key of the `BrazeResource`."""
    mode: Mode = "preview"
    held_back: str = ""
    """Why nothing may be sent, whatever the mode: the query is a draft. Empty where it may."""
    show_values: bool = False
    """Whether previews in Dagster may show values, which are personal data."""
    description: str | None = None
    owners: Sequence[str] = ()
    group: str = "braze"

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of the sync, and of its table."""

    @property
    def leads(self) -> Sequence[dg.AssetKey]:
        """The table."""
        return [self.key()]

    def key(self, part: Part = "") -> dg.AssetKey:
        """The asset key of the table or of one of the assets that follow from it."""
        return dg.AssetKey(f"{self.name}_{part}" if part else self.name)

    def keys(self, context: dg.AssetExecutionContext) -> list[str | None]:
        """The partitions a run is for, in order; one None without partitions."""
        return list(context.partition_keys) if self.partitions else [None]


def flow_asset(flow: Flow, part: Part = "", **more: Any) -> AssetDecorator:
    """`dg.asset` with what every partitioned asset of a flow has; a range of partitions is one run."""
    made: AssetDecorator = dg.asset(
        key=flow.key(part),
        partitions_def=flow.partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=flow.group,
        owners=list(flow.owners),
        **more,
    )
    return made

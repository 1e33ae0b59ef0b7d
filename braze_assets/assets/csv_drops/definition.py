"""What a CSV drop is: the Python form of its YAML."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from braze_assets.assets.flow import AssetDecorator, Flow
from braze_assets.csv_files.place import Place, WhenDone, open_place
from braze_assets.csv_files.progress import Progress
from braze_assets.csv_files.settings import CsvSettings
from braze_assets.ledger import Ledger
from braze_assets.plan import GuardSettings, PlanSettings
from braze_assets.storage import Storage

__all__ = ["CsvDropDefinition", "drop_asset"]


@dataclass(frozen=True, kw_only=True)
class CsvDropDefinition(Flow):
    """A folder whose CSV files go to Braze.

    `braze_assets.components.CsvDrop` makes it from YAML; `build_csv_drop` makes assets from it.
    """

    drop: str
    """The name."""
    url: str
    """The folder: of this machine, or s3://bucket/folder."""
    csv: CsvSettings = field(default_factory=CsvSettings)
    plan: PlanSettings = field(
        # A file is no list of everybody, and names whom it changes.
        default_factory=lambda: PlanSettings(
            guards=GuardSettings(max_share_changed=None, max_share_removed=None, max_identifier_errors=1.0)
        )
    )
    delta: bool = False
    """Whether cells that Braze has acknowledged are left out."""
    kind: str = "csv drop"
    test_users: int = 10
    time_budget_minutes: float = 0
    """After so long a send stops and another run goes on; 0: never."""
    when_done: WhenDone = "keep"
    look_seconds: int = 20
    forget_after_days: int = 90
    """Days after which a version that is no longer in the folder has no partition any more."""

    @property
    def name(self) -> str:
        """The name of the drop."""
        return self.drop

    @property
    def versions(self) -> dg.DynamicPartitionsDefinition:
        """One partition for each content of each file."""
        return dg.DynamicPartitionsDefinition(name=f"{self.drop}_files")

    @property
    def tags(self) -> Mapping[str, str]:
        """What the runs of the drop have."""
        return {"braze_assets/csv_drop": self.drop}

    def keys(self, context: dg.AssetExecutionContext) -> list[str | None]:
        """The one partition of a run."""
        return [context.partition_key]

    def part(self, name: str) -> dg.AssetKey:
        """The key of one of its assets."""
        return dg.AssetKey(f"{self.drop}_{name}")

    def place(self) -> Place:
        """The folder, opened."""
        return open_place(self.url)

    def ledger(self, storage: Storage) -> Ledger:
        """What Braze has acknowledged of this drop."""
        return Ledger(storage, self.drop, self.csv.identifier)

    def progress(self, storage: Storage) -> Progress:
        """How far its files are."""
        return Progress(storage, self.drop)


def drop_asset(drop: CsvDropDefinition, part: str, **more: Any) -> AssetDecorator:
    """`dg.asset` with what every asset of a drop has. Files go one by one: a range is a run for each."""
    made: AssetDecorator = dg.asset(
        key=drop.part(part),
        partitions_def=drop.versions,
        backfill_policy=dg.BackfillPolicy.multi_run(1),
        group_name=drop.group,
        owners=list(drop.owners),
        pool=drop.name,
        **more,
    )
    return made

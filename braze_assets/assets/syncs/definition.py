"""What a sync is: the Python form of its YAML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import dagster as dg

from braze_assets.assets.flow import Flow, Mode, Part, Source
from braze_assets.braze.limits import Limits
from braze_assets.csv_files.settings import CsvSettings
from braze_assets.plan import PlanSettings
from braze_assets.plan.csv_out import CsvForm
from braze_assets.rows import RowsSpec

__all__ = ["CsvDelivery", "Mode", "Replay", "Source", "SyncDefinition"]

Replay = Literal["collapse", "each"]


@dataclass(frozen=True, kw_only=True)
class CsvDelivery:
    """Delivery by CSV files instead of requests."""

    form: CsvForm
    url: str = ""
    """The folder of the drop they are for; without, they are kept in the project's storage."""
    reads: CsvSettings | None = None
    """How that drop reads its files, where it is one of this project."""
    file_bytes: int = Limits.csv_file_bytes
    """No file is larger."""


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

    show_sql: bool = False
    """Whether the page of the table shows its SQL: where nobody wrote it."""
    target: str = ""
    """Where one table goes to several destinations: this one's name. Plan, send, audit, pool and ledger are
    named `<table>_<target>` then; without, after the table alone."""
    csv: CsvDelivery | None = None
    """How it is delivered where that is by files: then there are no send, no audit, and the ledger stands."""
    enabled: bool = True
    """Whether anything is sent there; a job of several destinations leaves out those that are disabled."""

    @property
    def name(self) -> str:
        """The name of the sync: of its table, and of its destination where that has several."""
        return f"{self.rows.name}_{self.target}" if self.target else self.rows.name

    def key(self, part: Part = "") -> dg.AssetKey:
        """The asset key of the table, of which there is one, or of what follows from it."""
        if part in ("", "findings"):
            return dg.AssetKey(f"{self.rows.name}_{part}" if part else self.rows.name)
        return super().key(part)

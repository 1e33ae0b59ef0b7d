"""A town of customers, some of them in segments, and the Braze they are kept in."""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq

from braze_assets.assets.partitions import daily_partitions
from braze_assets.emulator.process import LocalBraze
from braze_assets_tests.projects import Project

__all__ = ["CAMPAIGN", "D1", "D2", "D3", "NAME", "PARTS", "SEGMENTS", "Town"]

D1, D2, D3 = "2026-07-01", "2026-07-02", "2026-07-03"
SEGMENTS = """\
type: braze_assets.Segments
attributes:
  sources: {flags: {asset: customer_360/flags}}
  segments:
    - {name: lapsing, rule: {flags.lapsing: is true}}
    - {name: employees, rule: {flags.employees: is true}}
    - {name: vip, rule: {flags.vip: is true}}
"""
CAMPAIGN = """\
type: braze_assets.Campaign
attributes:
  name: Summer Win-back
  include: [lapsing]
  exclude: [employees]
  identifier: external_id
  mode: live
"""
NAME = "campaign_summer_win_back"
PARTS = [NAME, f"{NAME}_delta", f"{NAME}_sync", f"{NAME}_recipients", f"{NAME}_sample"]
FLAGS = ("lapsing", "employees", "vip")


def _source(name: str, rows: Any, schema: pa.Schema) -> Any:
    @dg.asset(
        key=["customer_360", name],
        partitions_def=daily_partitions(),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def source(context: dg.AssetExecutionContext) -> Any:
        return dg.MaterializeResult(
            value=((key, pa.Table.from_pylist(rows(key), schema=schema)) for key in context.partition_keys)
        )

    return source


class Town:
    """Customers c0000 to c0199, whom Braze knows as 0000 to 0199, and who is in which segment."""

    def __init__(self, project: Project, braze: LocalBraze) -> None:
        self.project, self.braze = project, braze
        self.instance = dg.DagsterInstance.ephemeral()
        self.members: dict[tuple[str, str], set[int]] = {}
        self.gone: set[int] = set()
        """Customers who are in the table no more."""
        texts = ("amperity_id", "external_id", "given_name")
        self.assets = [
            _source(
                "flags", self._flags, pa.schema([("amperity_id", "string"), *((f, "bool") for f in FLAGS)])
            ),
            _source("merged_customers", self._customers, pa.schema([(name, "string") for name in texts])),
        ]
        project.write("seg/defs.yaml", SEGMENTS)

    def _customers(self, day: str) -> list[dict[str, Any]]:
        return [
            {"amperity_id": f"c{n:04}", "external_id": f"{n:04}", "given_name": f"Name {n}"}
            for n in range(200)
            if n not in self.gone
        ]

    def _flags(self, day: str) -> list[dict[str, Any]]:
        return [
            {"amperity_id": f"c{n:04}", **{f: n in self.members.get((f, day), ()) for f in FLAGS}}
            for n in range(200)
        ]

    def put(self, segment: str, day: str, numbers: Iterable[int]) -> None:
        self.members[segment, day] = {*numbers}

    def run(self, parts: list[str], day: str, **config: Mapping[str, Any]) -> dg.ExecuteInProcessResult:
        tables = ["customer_360/flags", "customer_360/merged_customers", *(f"segments/{f}" for f in FLAGS)]
        result = self.project.run(
            [*tables, *parts], instance=self.instance, assets=self.assets, first=day, config=config
        )
        self.braze.control.wait_until_applied()
        return result

    def held(self, number: int) -> dict[str, Any]:
        return self.braze.control.attributes(f"{number:04}") or {}

    def table(self, asset: str, day: str) -> list[dict[str, Any]]:
        folder = f"{self.project.storage}/tables/{asset}/date={day}"
        return list(pq.read_table(f"{folder}/data.parquet", partitioning=None).to_pylist())

    @property
    def objects(self) -> int:
        return int(self.braze.control.counters()["objects"])

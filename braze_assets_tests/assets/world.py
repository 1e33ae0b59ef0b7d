"""A brand with a table of members, a sync of theirs, and the Braze it is kept in."""

from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from braze_assets.emulator.process import LocalBraze
from braze_assets_tests.projects import Project, daily_source, metadata

__all__ = ["ANYWHERE", "PARTS", "YAML", "World", "user"]

PARTS = ["vip", "vip_findings", "vip_delta", "vip_sync"]
SCHEMA = pa.schema([("external_id", "string"), ("tier", "string"), ("points", "int64"), ("since", "date32")])
LIVE = {"vip_sync": {"mode": "live"}}
YAML = """\
type: braze_assets.AttributeSync
attributes:
  name: vip
  table: {sql: vip.sql}
  audit_sample: 50
  guards: {min_users: 1000}
  attributes:
    tier: {null_policy: unset}
"""


class World:
    """What the brand knows, day by day, and the Braze it is kept in."""

    def __init__(self, project: Project, braze: LocalBraze) -> None:
        self.project = project
        self.braze = braze
        self.days: dict[str, list[dict[str, Any]]] = {}
        self.instance = dg.DagsterInstance.ephemeral()
        project.write("vip/defs.yaml", YAML)
        project.write("vip/vip.sql", "SELECT external_id, tier, points, since FROM members")

    def source(self) -> Any:
        return daily_source("members", self.days, SCHEMA)

    def run(self, names: list[str], first: str, last: str | None = None, **config: Any) -> Any:
        return self.project.run(
            names,
            config={**LIVE, **config} if "vip_sync" in names else config,
            assets=[self.source()],
            first=first,
            last=last,
            instance=self.instance,
        )

    def page(self, asset: str, partition: str) -> dict[str, Any]:
        """What Dagster shows of a partition of an asset; empty when there is nothing."""
        of = dg.AssetRecordsFilter(dg.AssetKey.from_user_string(asset), asset_partitions=[partition])
        records = self.instance.fetch_materializations(of, limit=1).records
        event = records[0].asset_materialization if records else None
        return {name: getattr(each, "value", each) for name, each in event.metadata.items()} if event else {}

    def sync(self, day: str, **config: Any) -> dict[str, Any]:
        result = self.run(["customer_360/members", *PARTS], day, **config)
        assert result.success
        self.braze.control.wait_until_applied()
        return metadata(result, "vip_sync")

    def held(self, external_id: str) -> dict[str, Any] | None:
        return self.braze.control.attributes(external_id)

    @property
    def objects(self) -> int:
        return int(self.braze.control.counters()["objects"])


def user(number: int, tier: str | None = "gold", points: int = 1) -> dict[str, Any]:
    return {"external_id": f"{number:04}", "tier": tier, "points": points, "since": None}


ANYWHERE = pytest.mark.parametrize("place", ["folder", "s3"], indirect=True)

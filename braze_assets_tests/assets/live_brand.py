"""What the live tests share: a brand with one sync and two feeds of Currents, and the files of those."""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from braze_assets.currents.events import avro_schema
from braze_assets.currents.paths import hour_name
from braze_assets_tests.assets.live import Live
from braze_assets_tests.currents.conftest import OPEN, avro, event

__all__ = ["ALL", "FILES", "Brand", "days"]

ALL = ["customer_360/members", "vip", "vip_findings", "vip_delta", "vip_sync"]
YAML = """\
type: braze_assets.AttributeSync
attributes:
  name: vip
  table: {sql: vip.sql}
  mode: live
  audit_sample: 0
  guards: {min_users: 10000}
  schedule: "0 3 * * *"
"""

FEED = """\
type: braze_assets.CurrentsFeed
attributes:
  event_types: [users.messages.email.Open, users.messages.email.Click]
"""
LATE = """\
type: braze_assets.CurrentsFeed
attributes:
  name: late
  url: "{{ env.BRAND }}/late"
  event_types: [users.messages.email.Open]
  look_seconds: 5
"""
FILES = {
    "vip/defs.yaml": YAML,
    "vip/vip.sql": "SELECT external_id, points FROM members",
    "feed/defs.yaml": FEED,
    "late/defs.yaml": LATE,
}


def days(first: str, count: int) -> list[str]:
    start = date.fromisoformat(first)
    return [(start + timedelta(days=number)).isoformat() for number in range(count)]


class Brand:
    """The live instance and what the brand knows each day."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.known: dict[str, tuple[int, int]] = {}
        self.knows({})

    def knows(self, members: dict[str, tuple[int, int]]) -> None:
        """Members and points by day."""
        self.known |= members
        (self.live.folder / "days.json").write_text(json.dumps(self.known))

    def held(self, external_id: str) -> int | None:
        """The points Braze holds."""
        points = (self.live.braze.control.attributes(external_id) or {}).get("points")
        return None if points is None else int(points)

    @property
    def objects(self) -> int:
        return int(self.live.braze.control.counters()["objects"])

    def run(self, names: list[str], on: list[str], **config: object) -> dict[str, str]:
        """A backfill that must succeed in one run; returns that run."""
        done = self.live.finished(self.live.backfill(names, on, **config))
        assert done["status"] == "COMPLETED_SUCCESS"
        [run] = done["runs"]
        assert run["status"] == "SUCCESS"
        return dict(run)

    def put(self, hour: datetime, numbers: Sequence[int], name: str = "f") -> Path:
        """A file of events in the bucket of the feed `late`."""
        folder = f"late/d.S3.integration.1/event_type={OPEN}/date={hour_name(hour)}"
        path = self.live.folder / folder / f"{name}.avro"
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not as a file that grows: the sensor may look at any time.
        path.with_name(f".{name}").write_bytes(avro(avro_schema(OPEN), [event(each) for each in numbers]))
        return path.with_name(f".{name}").rename(path)

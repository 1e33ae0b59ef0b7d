"""P06: a sync of events as its user runs it: YAML, real Dagster runs, real HTTP, in a folder and on S3."""

from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from braze_assets.emulator.process import LocalBraze
from braze_assets_tests.assets.world import ANYWHERE
from braze_assets_tests.projects import Project, daily_source, failure, metadata

PARTS = ["orders", "orders_delta", "orders_sync", "orders_review"]
SCHEMA = pa.schema(
    [
        ("order_id", "string"),
        ("external_id", "string"),
        ("ordered_at", pa.timestamp("us", "UTC")),
        ("channel", "string"),
        ("items", "int64"),
    ]
)
LIVE = {"orders_sync": {"mode": "live"}}
EVENTS = """\
type: braze_assets.EventSync
attributes:
  name: orders
  table: {sql: orders.sql}
  columns: {event_id: order_id, time: ordered_at}
  event_name: order
  app_id: app-4711
  guards: {min_rows: 1000}
"""
SQL = "SELECT order_id, external_id, ordered_at, channel, items FROM log"
PURCHASES = """\
type: braze_assets.EventSync
attributes:
  name: orders
  kind: purchases
  table: {sql: orders.sql}
  columns: {event_id: order_id, time: ordered_at, product_id: sku}
  guards: {min_rows: 1000}
"""
PURCHASES_SQL = """
SELECT order_id, external_id, ordered_at, 'sku-' || items AS sku, 'EUR' AS currency,
  CAST(9.90 AS DECIMAL(9, 2)) AS price, channel
FROM log
"""


class World:
    """The shop's log, day by day, and the Braze it is told to."""

    def __init__(self, project: Project, braze: LocalBraze) -> None:
        self.project, self.braze = project, braze
        self.days: dict[str, list[dict[str, Any]]] = {}
        project.write("orders/defs.yaml", EVENTS)
        project.write("orders/orders.sql", SQL)

    def source(self) -> Any:
        return daily_source("log", self.days, SCHEMA)

    def run(self, names: list[str], first: str | None, last: str | None = None, **config: Any) -> Any:
        chosen = {**LIVE, **config} if "orders_sync" in names else config
        return self.project.run(names, config=chosen, assets=[self.source()], first=first, last=last)

    def sync(self, day: str, last: str | None = None, **config: Any) -> Any:
        result = self.run(["customer_360/log", *PARTS[:3]], day, last, **config)
        assert result.success
        return result

    def counts(self, what: str = "events") -> Counter[str]:
        self.braze.control.wait_until_applied()
        found: Counter[str] = Counter()
        for profile in self.braze.control.profiles():
            for name, entry in (profile.get(what) or {}).items():
                found[name] += entry["count"]
        return found

    def settle(self, **config: Any) -> Any:
        job = self.project.definitions(assets=[self.source()]).resolve_job_def("orders_settle")
        return job.execute_in_process(
            run_config={"ops": {"settle_orders": {"config": config}}}, raise_on_error=False
        )


def order(number: int, day: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "order_id": f"o{number:04}",
        "external_id": f"{number % 20:04}",
        "ordered_at": datetime(2026, 7, day, tzinfo=timezone.utc) + timedelta(seconds=number),
        "channel": "web" if number % 2 else None,
        "items": number % 3,
        **more,
    }


@pytest.fixture
def world(tmp_path: Path, place: str, braze: LocalBraze, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("BRAZE_API_KEY", braze.api_key)
    braze.control.seed([{"external_id": f"{number:04}", "attributes": {}} for number in range(20)])
    return World(Project(tmp_path, place, braze.url), braze)


@ANYWHERE
def test_each_order_is_told_once(world: World) -> None:
    world.days["2026-07-01"] = [order(number) for number in range(100)]
    facts = metadata(world.sync("2026-07-01"), "orders_sync")
    assert (facts["accepted"], facts["requests"]) == (100, 2)
    assert world.counts() == {"order": 100}
    profile = world.braze.control.profile("0001")
    assert profile is not None
    assert profile["events"]["order"]["recent"][0] == {
        "time": "2026-07-01T00:00:01.000Z",
        "properties": {"channel": "web", "items": 1},
    }
    requests = world.braze.control.counters()["requests"]
    again = world.sync("2026-07-01")
    assert metadata(again, "orders_delta")["known"] == 100
    assert metadata(again, "orders_sync")["state"] == "nothing"
    assert world.braze.control.counters()["requests"] == requests


def test_a_preview_is_the_default(world: World) -> None:
    world.days["2026-07-01"] = [order(number) for number in range(10)]
    facts = metadata(world.sync("2026-07-01", orders_sync={"mode": "as configured"}), "orders_sync")
    assert (facts["mode"], facts["objects"], facts["accepted"]) == ("preview", 10, 0)
    assert world.braze.control.counters()["requests"] == 0


@ANYWHERE
def test_a_range_sends_every_partition_and_the_past_is_not_stale(world: World) -> None:
    for day in range(1, 5):
        world.days[f"2026-07-{day:02}"] = [order(number, day) for number in range(day * 100, day * 100 + 10)]
    world.sync("2026-07-04")
    result = world.sync("2026-07-01", "2026-07-03")
    sent = {
        event.partition: event.metadata["accepted"].value
        for event in result.asset_materializations_for_node("orders_sync")
        if "accepted" in event.metadata
    }
    assert sent == {"2026-07-01": 10, "2026-07-02": 10, "2026-07-03": 10}
    assert world.counts() == {"order": 40}


def test_purchases(world: World) -> None:
    world.project.write("orders/defs.yaml", PURCHASES)
    world.project.write("orders/orders.sql", PURCHASES_SQL)
    world.days["2026-07-01"] = [order(number) for number in range(30)]
    world.sync("2026-07-01")
    assert world.counts("purchases") == {"sku-0": 10, "sku-1": 10, "sku-2": 10}
    world.sync("2026-07-01")
    assert sum(world.counts("purchases").values()) == 30


@ANYWHERE
def test_the_review_is_listed_and_settled_from_the_launchpad(world: World) -> None:
    """Size first, then the code."""
    world.days["2026-07-01"] = [order(number) for number in range(100)]
    world.braze.control.fault(effect="status", status=504, when="before", nth=(2,))
    world.sync("2026-07-01")
    result = world.run(["orders_review"], None)
    assert metadata(result, "orders_review")["in_doubt"] == 75
    assert not result.get_asset_check_evaluations()[0].passed
    assert world.counts() == {"order": 25}

    proposed = world.settle(word="not-sent")
    assert proposed.success
    code = _figures(proposed)["code"]
    assert (_figures(proposed)["events"], _figures(proposed)["done"]) == (75, "false")
    wrong = world.settle(word="not-sent", confirm="not-sent-0-000000")
    assert not wrong.success
    assert "is not of this settlement" in failure(wrong, "settle_orders")
    assert _figures(world.settle(word="not-sent", confirm=code))["done"] == "true"

    world.sync("2026-07-01")
    assert world.counts() == {"order": 100}
    assert metadata(world.run(["orders_review"], None), "orders_review")["in_doubt"] == 0


def test_ids_are_kept_as_long_as_the_setting_says(world: World) -> None:
    """P06: what is removed can never be sent again; newer partitions are not touched."""
    today = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [f"{today - timedelta(days=back):%Y-%m-%d}" for back in (40, 3)]
    for number, day in enumerate(days):
        at = datetime.fromisoformat(f"{day}T00:00:00+00:00")
        world.days[day] = [order(n, ordered_at=at) for n in range(number * 10, number * 10 + 10)]
        world.sync(day)
    assert "ids_removed" not in metadata(world.run(PARTS[3:], None), "orders_review")
    world.project.write("orders/defs.yaml", EVENTS + "  keep_ids_days: 30\n")
    assert metadata(world.run(PARTS[3:], None), "orders_review")["ids_removed"] == 10
    assert metadata(world.run(PARTS[3:], None), "orders_review")["ids_removed"] == 0
    assert metadata(world.sync(days[1]), "orders_sync")["objects"] == 0
    world.days[days[0]] = [order(99, ordered_at=today - timedelta(days=40))]
    again = world.run(["customer_360/log", *PARTS[:3]], days[0])
    assert not again.success
    assert "ids_kept" in failure(again, "orders_sync")
    assert sum(world.counts().values()) == 20
    # A longer time does not bring them back.
    world.project.write("orders/defs.yaml", EVENTS + "  keep_ids_days: 60\n")
    assert metadata(world.run(PARTS[3:], None), "orders_review")["ids_removed"] == 0
    assert not world.run(["customer_360/log", *PARTS[:3]], days[0]).success


def test_what_cannot_be_sent_is_left_out_and_named(world: World) -> None:
    world.days["2026-07-01"] = [
        order(1),
        order(1, items=2),
        order(2, order_id=None),
        order(3, external_id=None),
        order(4, channel="x" * 300),
        order(5, ordered_at=datetime(2026, 9, 1, tzinfo=timezone.utc)),
        order(6),
    ]
    result = world.sync("2026-07-01")
    facts = metadata(result, "orders_delta")
    assert (facts["rows"], facts["objects"], facts["left_out"]) == (7, 1, 6)
    for reason in (
        "duplicate_event_id",
        "null_event_id",
        "null_identifier",
        "bad_property",
        "time_in_future",
    ):
        assert reason in facts["left_out_reasons"]
    assert "| channel | too_long | 1 |" in metadata(result, "orders")["findings"]
    assert world.counts() == {"order": 1}


def test_the_job_makes_all_of_it(world: World) -> None:
    world.days["2026-07-01"] = [order(number) for number in range(3)]
    definitions = world.project.definitions(assets=[world.source()])
    assert world.run(["customer_360/log"], "2026-07-01").success
    result = definitions.resolve_job_def("orders_job").execute_in_process(
        partition_key="2026-07-01", run_config={"ops": {"orders_sync": {"config": {"mode": "live"}}}}
    )
    assert result.success
    assert world.counts() == {"order": 3}
    assert metadata(result, "orders_review")["in_doubt"] == 0


def test_a_wrong_setting_is_explained(world: World) -> None:
    from braze_assets.errors import ConfigurationError

    world.project.write("orders/defs.yaml", EVENTS.replace("event_id: order_id", "even_id: order_id"))
    with pytest.raises(ConfigurationError, match="even_id") as error:
        world.project.load()
    assert "Did you mean 'event_id'" in str(error.value)


def _figures(result: Any) -> dict[str, Any]:
    [event] = [each for each in result.all_events if each.event_type_value == "STEP_OUTPUT"]
    found = event.step_output_data.metadata
    return {name: getattr(value, "value", value) for name, value in found.items()}

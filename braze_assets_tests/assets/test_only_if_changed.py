"""A tick that has nothing to do is skipped, and says why; whatever is not sure is due (K21)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from braze_assets.emulator.process import LocalBraze
from braze_assets_tests.assets.ticking import ALL, DAYS, SELECT, Shop
from braze_assets_tests.assets.world import SCHEMA, user
from braze_assets_tests.projects import Project


@pytest.fixture(scope="module")
def server() -> Iterator[LocalBraze]:
    with LocalBraze() as started:
        started.control.seed([{"external_id": f"{number:04}", "attributes": {}} for number in range(20)])
        yield started


@pytest.fixture
def shop(tmp_path: Path, server: LocalBraze, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("BRAZE_API_KEY", server.api_key)
    return Shop(Project(tmp_path, str(tmp_path / "storage"), server.url))


def test_a_tick_without_changes_is_skipped_and_says_so(shop: Shop) -> None:
    """K21: until a table is made again."""
    shop.says()
    assert "customer_360/members has not been made for 2026-07-01 yet" in shop.tick()
    assert shop.run(ALL[:1])
    assert shop.tick() == DAYS[0]
    assert shop.run(ALL[1:])
    said = shop.tick()
    assert "Nothing changed since the last send of vip" in said
    assert "customer_360/members and the query are the same" in said
    assert "has not been made for 2026-07-02 yet" in shop.tick("2026-07-03")

    shop.made(ALL[:1])
    assert shop.tick() == DAYS[0]
    # A look at the table is no send; nor is a plan.
    assert shop.run(ALL[1:3])
    assert shop.tick() == DAYS[0]
    assert shop.run(ALL[3:])
    assert "Nothing changed" in shop.tick()

    assert shop.run(ALL[:1], first=DAYS[1])
    assert shop.tick("2026-07-03") == DAYS[1]
    # The day before has not changed by that.
    assert shop.run(ALL[1:], first=DAYS[1])
    assert "Nothing changed" in shop.tick("2026-07-03")


def test_what_was_read_counts_and_not_when_it_was_sent(shop: Shop) -> None:
    """A table that is made between the read and the send is not lost."""
    shop.says()
    assert shop.run(ALL[:4])
    shop.made(ALL[:1])
    assert shop.run(ALL[4:])
    assert shop.tick() == DAYS[0]


def test_a_day_that_was_never_filled_is_due(shop: Shop) -> None:
    """Its tables were there already when the day before was filled."""
    shop.says()
    assert shop.run(ALL[:1])
    shop.made(ALL[:1], first=DAYS[1])
    assert shop.run(ALL[1:])
    assert "Nothing changed" in shop.tick()
    assert shop.tick("2026-07-03") == DAYS[1]


def test_another_query_is_a_change(shop: Shop) -> None:
    shop.says()
    assert shop.run()
    shop.says(select=SELECT.replace("points", "points + 1 AS points"))
    assert shop.tick() == DAYS[0]


def test_going_further_than_the_last_send_is_a_change(shop: Shop) -> None:
    """A preview was not sent."""
    shop.says()
    assert shop.run(vip_sync={"mode": "preview"})
    assert shop.tick() == DAYS[0]
    shop.says(more="  guards: {min_users: 3}\n")
    assert shop.run()
    assert "Nothing changed" in shop.tick()
    shop.project.braze = {"most": "preview"}
    assert shop.tick() == DAYS[0]


def test_a_tick_after_a_send_that_failed_is_not_skipped(shop: Shop, server: LocalBraze) -> None:
    """K21: a run that failed at all, and objects that Braze refused."""
    shop.says()
    assert shop.run()
    assert "Nothing changed" in shop.tick()
    shop.project.braze = {"enabled": False}
    assert not shop.run(["vip_sync"])
    assert shop.tick() == DAYS[0]
    shop.project.braze = {}
    assert shop.run(ALL[3:])
    assert "Nothing changed" in shop.tick()

    shop.rows[DAYS[0]] = [user(each, points=7) for each in range(5)]
    server.control.fault(effect="status", status=400, identifier="0003", document={"message": "no"})
    try:
        assert shop.run()
    finally:
        server.control.clear_faults()
    assert shop.tick() == DAYS[0]
    assert shop.run(ALL[1:])
    assert "Nothing changed" in shop.tick()


def test_each_destination_counts(shop: Shop, server: LocalBraze) -> None:
    """One of two was never sent to; nobody waits for one that is disabled."""
    other = (
        "type: braze_assets.Destination\nattributes:\n  name: other\n"
        f"  instance: {server.url}\n  identifier: external_id\n"
    )
    shop.project.write("other/defs.yaml", other)
    shop.says(more="  destination: [braze, other]\n")
    assert shop.run([*ALL[:2], "vip_braze_delta", "vip_braze_sync"])
    assert shop.tick() == DAYS[0]
    shop.project.write("other/defs.yaml", other + "  enabled: false\n")
    assert "Nothing changed" in shop.tick()
    shop.project.write("other/defs.yaml", other)
    assert shop.run(["vip_other_delta", "vip_other_sync"])
    assert "Nothing changed" in shop.tick()


def test_without_partitions_a_tick_takes_the_tables_as_they_are(shop: Shop) -> None:
    """K21; and a version that a table tells of itself counts, not how often it was made."""
    version = ["1"]

    @dg.asset(key=["customer_360", "members"])
    def members() -> dg.MaterializeResult[Any]:
        table = pa.Table.from_pylist([user(1)], schema=SCHEMA)
        return dg.MaterializeResult(value=table, data_version=dg.DataVersion(version[0]))

    shop.sources[:] = [members]
    shop.says(more="  partitions: {cadence: none}\n")
    assert shop.run(first=None)
    assert shop.run(ALL[:1], first=None)
    assert "Nothing changed" in shop.tick()
    version[0] = "2"
    assert shop.run(ALL[:1], first=None)
    assert shop.tick() is None

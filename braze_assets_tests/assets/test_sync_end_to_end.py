"""A sync as its user runs it: YAML, real Dagster runs, real HTTP, in a folder and on S3."""

from datetime import datetime, timezone
from pathlib import Path

import pytest

from braze_assets.ledger import Ledger
from braze_assets.ledger.operations import Adopt, operate
from braze_assets.storage import Storage, connect
from braze_assets_tests.assets.world import ANYWHERE, PARTS, YAML, World, user
from braze_assets_tests.projects import failure, metadata


@ANYWHERE
def test_only_what_changed_is_sent(world: World) -> None:
    """K16, K18a: first everything, then nothing, then one cell."""
    world.days["2026-07-01"] = [user(number) for number in range(100)]
    assert world.sync("2026-07-01")["accepted"] == 100
    assert world.held("0007") == {"tier": "gold", "points": 1}
    requests = world.braze.control.counters()["requests"]

    assert world.sync("2026-07-01")["requests"] == 0
    assert world.braze.control.counters()["requests"] == requests

    world.days["2026-07-02"] = [user(number) for number in range(100)]
    world.days["2026-07-02"][7]["points"] = 5
    world.days["2026-07-02"][8]["tier"] = None
    sent = world.sync("2026-07-02")
    assert (sent["accepted"], sent["requests"], world.objects) == (2, 1, 102)
    assert world.held("0007") == {"tier": "gold", "points": 5}
    assert world.held("0008") == {"points": 1}


def test_what_changed_is_seen_before_it_is_sent(world: World) -> None:
    """K23, X4: a preview is the default, and touches nothing."""
    world.days["2026-07-01"] = [user(number) for number in range(3)]
    sent = world.sync("2026-07-01", vip_sync={"mode": "as configured"})
    assert (sent["mode"], sent["objects"], sent["accepted"]) == ("preview", 3, 0)
    assert world.braze.control.counters()["requests"] == 0
    assert world.held("0001") == {}


def test_a_test_goes_to_a_few_users_and_the_rest_follows(world: World) -> None:
    """K23: the ledger moves for the users of the test only."""
    world.days["2026-07-01"] = [user(number) for number in range(30)]
    sent = world.sync("2026-07-01", vip_sync={"mode": "test", "test_users": 4})
    assert sent["accepted"] == 4
    reached = [number for number in range(30) if world.held(f"{number:04}")]
    assert len(reached) == 4
    assert world.sync("2026-07-01")["accepted"] == 26
    assert all(world.held(f"{number:04}") for number in range(30))


def test_users_braze_does_not_know_are_never_created(world: World) -> None:
    """K14."""
    world.days["2026-07-01"] = [user(1), user(900)]
    world.sync("2026-07-01")
    assert world.held("0001") is not None
    assert world.held("0900") is None


@ANYWHERE
def test_a_range_is_one_plan_of_its_newest_state(world: World) -> None:
    """D7, X6: a backfill of a range sends what its last day wants, once."""
    for number, day in enumerate(("2026-07-01", "2026-07-02", "2026-07-03")):
        world.days[day] = [user(each, points=number) for each in range(10)]
    result = world.run(["customer_360/members", *PARTS], "2026-07-01", "2026-07-03")
    assert result.success
    world.braze.control.wait_until_applied()
    assert world.objects == 10
    assert world.held("0003") == {"tier": "gold", "points": 2}
    plans = {
        event.partition: event.metadata["status"].value
        for event in result.asset_materializations_for_node("vip_delta")
    }
    assert plans == {"2026-07-01": "collapsed", "2026-07-02": "collapsed", "2026-07-03": "ready"}


def test_an_older_day_never_overwrites_a_newer_one_unless_asked(world: World) -> None:
    """X6."""
    for number, day in enumerate(("2026-07-01", "2026-07-02")):
        world.days[day] = [user(each, points=number) for each in range(3)]
    world.sync("2026-07-02")
    stale = world.run(["customer_360/members", *PARTS], "2026-07-01")
    assert stale.success
    assert metadata(stale, "vip_delta")["status"] == "stale"
    assert "Stale" in metadata(stale, "vip_sync")["summary"]
    assert world.held("0001") == {"tier": "gold", "points": 1}

    world.sync("2026-07-01", vip_delta={"rewind": True})
    assert world.held("0001") == {"tier": "gold", "points": 0}


def test_a_skipped_day_costs_nothing(world: World) -> None:
    """The plan is against the ledger, not against yesterday."""
    world.days["2026-07-01"] = [user(1, points=1)]
    world.days["2026-07-05"] = [user(1, points=5)]
    world.sync("2026-07-01")
    assert world.sync("2026-07-05")["accepted"] == 1
    assert world.held("0001") == {"tier": "gold", "points": 5}


def test_a_guard_blocks_the_send_in_whichever_run(world: World) -> None:
    """K13, X5: the send reads the verdict itself; allowed by name it goes."""
    world.project.write("vip/vip.sql", "SELECT external_id, since AS birthday FROM members")
    world.project.write("vip/defs.yaml", YAML.replace("tier: {null_policy: unset}", "birthday: {}"))
    world.days["2026-07-01"] = [{**user(1), "since": __import__("datetime").date(1990, 2, 3)}]
    planned = world.run(["customer_360/members", "vip", "vip_delta"], "2026-07-01")
    assert planned.success
    assert not planned.get_asset_check_evaluations()[0].passed or any(
        not check.passed for check in planned.get_asset_check_evaluations()
    )
    refused = world.run(["vip_sync"], "2026-07-01")
    text = failure(refused, "vip_sync")
    assert "`birthday` looks like `dob`" in text
    assert "What to do" in text
    assert world.objects == 0

    allowed = world.run(["vip_delta", "vip_sync"], "2026-07-01", vip_delta={"allow": ["shadow_fields"]})
    assert allowed.success
    assert world.objects == 1


def test_rows_and_cells_that_cannot_be_sent_are_kept_and_named(world: World) -> None:
    """K06, K12: the rest goes on."""
    world.days["2026-07-01"] = [
        user(1),
        user(2, tier="x" * 300),
        user(3),
        user(3),
        {**user(4), "external_id": None},
    ]
    world.project.write(
        "vip/defs.yaml", YAML.replace("min_users: 1000", "min_users: 1000, max_identifier_errors: 1")
    )
    result = world.run(["customer_360/members", *PARTS], "2026-07-01")
    assert result.success
    world.braze.control.wait_until_applied()
    assert world.held("0001") == {"tier": "gold", "points": 1}
    assert world.held("0002") == {"points": 1}
    assert world.held("0003") == {}
    assert metadata(result, "vip_findings")["dagster/partition_row_count"] == 4
    assert metadata(result, "vip_delta")["left_out"] == 3


def test_a_bad_gateway_in_html_is_tried_again(world: World) -> None:
    world.days["2026-07-01"] = [user(number) for number in range(5)]
    world.braze.control.fault(effect="status", status=502, body="html", count=1, identifier="0003")
    sent = world.sync("2026-07-01")
    assert (sent["accepted"], sent["retries"]) == (5, 1)


def test_a_rejected_user_is_named_and_tried_again(world: World) -> None:
    """X1, X2: the ledger moves only for what Braze accepted; a poisoned batch spares its neighbours."""
    world.days["2026-07-01"] = [user(number) for number in range(20)]
    fault = world.braze.control.fault(
        effect="status", status=400, identifier="0003", document={"message": "no"}
    )
    assert fault
    sent = world.sync("2026-07-01")
    assert (sent["accepted"], sent["rejected"]) == (19, 1)
    assert world.held("0003") == {}

    world.braze.control.clear_faults()
    sent = world.sync("2026-07-01")
    assert (sent["objects"], sent["accepted"]) == (1, 1)
    assert world.held("0003") == {"tier": "gold", "points": 1}


@ANYWHERE
def test_the_audit_reads_back(world: World) -> None:
    """X8."""
    world.days["2026-07-01"] = [user(number) for number in range(20)]
    world.sync("2026-07-01")
    result = world.run(["vip_audit"], "2026-07-01")
    assert result.success
    facts = metadata(result, "vip_audit")
    assert (facts["found"], facts["compared"], facts["matching"]) == (20, 40, 40)

    assert (facts["unknown_users"], facts["released_users"]) == (0, 0)

    world.braze.control.seed([{"external_id": "0003", "attributes": {"tier": "lead", "points": 1}}])
    drifted = world.run(["vip_audit"], "2026-07-01")
    assert metadata(drifted, "vip_audit")["drift"] == {"tier": 1}
    assert not drifted.get_asset_check_evaluations()[0].passed


def test_users_that_braze_does_not_know_leave_the_ledger(world: World, tmp_path: Path) -> None:
    """X13: Braze drops what is sent to them, so the ledger must not claim it; the next plan tries again."""
    world.days["2026-07-01"] = [user(number) for number in range(3)]
    world.sync("2026-07-01")
    ledger = Ledger(Storage(world.project.storage), "vip", "external_id")
    file = tmp_path / "held.csv"
    file.write_text("external_id,tier\nghost,gold\n")
    with connect() as connection:
        operate(
            ledger,
            Adopt(url=str(file), existing="merge"),
            connection,
            now=datetime.now(timezone.utc),
        )
    assert ledger.acknowledged().users == 4
    facts = metadata(world.run(["vip_audit"], "2026-07-01"), "vip_audit")
    assert (facts["unknown_users"], facts["released_users"]) == (1, 1)
    assert ledger.acknowledged().users == 3


def test_a_partition_that_was_never_made_is_named(world: World) -> None:
    result = world.run(["vip_delta"], "2026-07-04")
    assert "vip of partition 2026-07-04 was never materialized" in failure(result, "vip_delta")


def test_a_wrong_key_is_explained_and_not_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """K01, K02: both causes of a 401 are named; Braze echoes the key, nothing else does."""
    world.days["2026-07-01"] = [user(1)]
    monkeypatch.setenv("BRAZE_API_KEY", "planted-key-marmalade")
    result = world.run(["customer_360/members", *PARTS], "2026-07-01")
    text = failure(result, "vip_sync")
    assert "key" in text
    assert "instance" in text
    assert "planted-key-marmalade" not in "".join(str(event) for event in result.all_events)


@pytest.mark.parametrize(
    ("variable", "value", "cause"),
    [
        ("BRAZE_API_KEY", "", "BRAZE_API_KEY"),
        ("BRAZE_INSTANCE", "http://127.0.0.1:9", "127.0.0.1:9"),
        ("BRAZE_INSTANCE", "US-99", "There is no Braze instance"),
        ("BRAZE_INSTANCE", "", "BRAZE_INSTANCE"),
    ],
)
def test_a_missing_or_wrong_destination_is_explained(
    world: World, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, cause: str
) -> None:
    world.days["2026-07-01"] = [user(1)]
    if variable == "BRAZE_INSTANCE":
        world.project.braze_url = ""
    monkeypatch.setenv(variable, value)
    result = world.run(["customer_360/members", *PARTS], "2026-07-01")
    text = failure(result, "vip_sync")
    assert cause in text
    assert "What to do" in text

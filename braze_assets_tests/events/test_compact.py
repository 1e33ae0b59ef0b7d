"""P06: a compacted ledger of events knows as much as before, in fewer files."""

import pytest
from click.testing import CliRunner

from braze_assets.commands.main import main
from braze_assets.emulator.process import LocalBraze
from braze_assets.errors import ConfigurationError, LedgerError
from braze_assets.ledger.events import compact_events, stored_events
from braze_assets.storage import open_path
from braze_assets_tests.events.world import START, Events, events


def test_compaction_forgets_no_id_and_nothing_in_doubt(world: Events, braze: LocalBraze) -> None:
    braze.control.fault(nth=(2,), effect="reset", when="after")
    world.sync(events(300, 375), braze, 3)
    for number in range(3):
        world.sync(events(number * 100, number * 100 + 100), braze, number)
    doubts, before = world.review(), stored_events(world.ledger)
    assert doubts
    after = compact_events(world.ledger, now=START.replace(year=2100), history_days=0, receipt_days=0)
    assert after["event_ids_files"] == 1 < before["event_ids_files"]
    assert after["receipts_bytes_with_history"] < before["receipts_bytes_with_history"]
    assert world.review() == doubts
    for number in range(3):
        header, _ = world.plan(events(number * 100, number * 100 + 100), number)
        assert (header.counts.known, header.counts.objects) == (100, 0)
    assert world.sync(events(375, 380), braze, 4).accepted == 5


def test_the_command_shows_what_became_of_the_files(
    world: Events, braze: LocalBraze, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAZE_ASSETS_STORAGE", world.storage.url)
    monkeypatch.delenv("BRAZE_ASSETS_DEPLOYMENT", raising=False)
    world.sync(events(0, 75), braze)
    world.sync(events(75, 150), braze, 1)
    result = CliRunner().invoke(main, ["events", "compact", "orders", "--history-days", "0"])
    assert result.exit_code == 0, result.output
    assert "event ids files                                 2 -> 1" in result.output
    with pytest.raises(ConfigurationError):
        compact_events(world.ledger, now=START, history_days=-1)


@pytest.mark.parametrize("table", ["event_ids", "sends", "receipts", "reserved"])
def test_a_damaged_table_is_named_and_no_command_is_offered_that_cannot_help(
    world: Events, braze: LocalBraze, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    """To go back to an older version would send events twice."""
    monkeypatch.setenv("BRAZE_ASSETS_STORAGE", world.storage.url)
    monkeypatch.delenv("BRAZE_ASSETS_DEPLOYMENT", raising=False)
    world.sync(events(0, 75), braze)
    log = open_path(f"{world.ledger.uri}/{table}/_delta_log")
    last = max(log.glob("*.json"), key=str)
    last.write_bytes(b"nothing")
    with pytest.raises(LedgerError, match="damaged: a line of it is not JSON") as caught:
        world.sync(events(75, 80), braze)
    assert str(caught.value.place).endswith(last.name)
    assert "only these files know which events were" in str(caught.value.remedy)
    told = CliRunner().invoke(main, ["ledger", "restore", "orders"])
    assert told.exit_code == 1
    assert "sends events" in told.output

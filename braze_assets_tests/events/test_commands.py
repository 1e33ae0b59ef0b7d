"""P06: `braze-assets events`: the list, then size and code, done when confirmed."""

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from braze_assets.commands.main import main
from braze_assets.emulator.process import LocalBraze
from braze_assets_tests.events.world import Events, events


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["events", *arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_review_and_settle(
    world: Events, braze: LocalBraze, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAZE_ASSETS_STORAGE", world.storage.url)
    monkeypatch.delenv("BRAZE_ASSETS_DEPLOYMENT", raising=False)
    assert "has no ledger of events" in run("review", "orders", code=1)
    braze.control.fault(nth=(2,), effect="reset", when="after")
    world.sync(events(0, 75), braze)

    listed = run("review", "orders", "--limit", "3")
    assert listed.count("id-") == 3
    assert "75 events are in doubt." in listed
    assert "u001" not in listed, "users are in the file only"
    out = tmp_path / "review.parquet"
    assert run("review", "orders", "--out", str(out)) == f"75 events: {out}\n"
    assert pq.read_table(out).num_rows == 75

    assert "Say which events" in run("settle", "orders", "--as", "sent", code=2)
    ids = tmp_path / "ids.txt"
    ids.write_text("id-00003\n\nid-00007\nid-90000\n")
    some = ["settle", "orders", "--as", "sent", "--ids", str(ids)]
    asked = run(*some)
    assert "2 events would be settled as sent. 1 named ones are not in doubt." in asked
    code = re.search(r"--confirm (\S+)", asked)
    assert code
    assert len(world.review()) == 75
    assert "2 events are settled as sent." in run(*some, "--confirm", code[1], "--reason", "ada looked")
    assert len(world.review()) == 73
    assert "is not of this settlement" in run(
        "settle", "orders", "--as", "not-sent", "--all", "--confirm", code[1], code=1
    )
    everything = ["settle", "orders", "--as", "not-sent", "--all"]
    code = re.search(r"--confirm (\S+)", run(*everything))
    assert code
    run(*everything, "--confirm", code[1])
    assert "0 events are in doubt." in run("review", "orders")

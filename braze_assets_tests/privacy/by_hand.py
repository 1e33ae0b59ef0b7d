"""What people do to a ledger by hand, with its output."""

import re

import pytest
from click.testing import CliRunner

from braze_assets.commands.main import main
from braze_assets_tests.privacy.world import World

__all__ = ["operate_on_the_ledger"]

_ASKED_FOR = ("ledger", "history", "club", "--user", "zq7id-0003")


def operate_on_the_ledger(world: World, patch: pytest.MonkeyPatch) -> None:
    """Every operation; what one says of a user who was asked for by name is not kept."""
    patch.setenv("BRAZE_ASSETS_STORAGE", world.storage)
    people = world.folder.parent / "leaving.csv"
    people.write_text("external_id\nzq7id-0006\nzq7id-0007\n")
    adopted = world.folder.parent / "adopted.csv"
    adopted.write_text("external_id,email,points\nzq7id-0009,zq7mail-1@zq7host.example,nonsense\n")
    _run(world, "ledger", "show", "club")
    versions = re.findall(r"^ *(\d+)  ", _run(world, "ledger", "history", "club"), re.MULTILINE)
    newest = max(versions, key=int)
    _run(world, "ledger", "history", "club", "--on", newest)
    asked = CliRunner().invoke(main, [*_ASKED_FOR, "--on", newest]).output
    assert "zq7mail-" in asked, asked
    for operation in (
        ("resync", "club"),
        ("forget", "club", "--user", "zq7id-0005", "--user", "nobody"),
        ("release", "club", "--file", str(people)),
        ("forget", "club", "--attribute", "phone"),
        ("adopt", "club", str(adopted), "--existing", "merge", "--type", "points=Integer"),
        ("compact", "club"),
    ):
        said = _run(world, "ledger", *operation)
        if (code := re.search(r"--confirm (\S+)", said)) is not None:
            _run(world, "ledger", *operation, "--confirm", code[1])
    patch.delenv("BRAZE_ASSETS_STORAGE")


def _run(world: World, *command: str) -> str:
    result = CliRunner().invoke(main, list(command))
    world.texts[f"output {len(world.texts)} of {' '.join(command[:2])}"] = (
        f"{result.output} {result.exception}"
    )
    return result.output

"""The document of the local Braze: its commands work, and it leaves nothing out (X11)."""

import re
import shutil
import subprocess

import pytest

from braze_assets.emulator import LocalBraze
from braze_assets.emulator.__main__ import _parser
from braze_assets.emulator.control import control_app
from braze_assets.emulator.endpoints import ENDPOINTS
from braze_assets.emulator.faults import Fault
from braze_assets.emulator.settings import Settings
from braze_assets.emulator.workspace import Workspace
from braze_assets_tests.docs.documents import Block, blocks, read

TEXT = read("local-braze.md")
_COMMANDS = [block for block in blocks("sh", "local-braze.md") if "curl" in block.text]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("block", _COMMANDS, ids=lambda block: block.id)
def test_its_commands_work(block: Block) -> None:
    with LocalBraze() as braze:
        host = braze.url.removeprefix("http://")
        script = block.text.replace("127.0.0.1:8099", host).replace("curl -s ", "curl -sS --noproxy '*' ")
        result = subprocess.run(["bash", "-e"], input=script, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        assert '"error"' not in result.stdout, result.stdout
        assert "processed" in result.stdout or "{" in result.stdout
        if "/faults" in block.text:
            assert result.stdout.count('"fired":0') == block.text.count(" -d '")


def test_it_names_every_option_endpoint_and_control() -> None:
    options = {
        option
        for action in _parser()._actions
        if action.help != "==SUPPRESS=="
        for option in action.option_strings
    }
    assert options - {"-h", "--help"} == set(re.findall(r"`(--[a-z-]+)", TEXT))
    assert all(f"`{path}`" in TEXT for _, path in ENDPOINTS)
    section = TEXT.partition("## Control")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.*?) \|", section, re.MULTILINE)
    documented = {
        (method, path)
        for row in rows
        for methods, path in re.findall(r"((?:`?(?:GET|POST|PATCH|DELETE)`?,? ?)+)([a-z]+)`", row)
        for method in re.findall("[A-Z]+", methods)
    }
    routes = {
        (method, route.path.removeprefix("/_control/"))
        for route in control_app(Workspace()).routes
        for method in route.methods - {"HEAD"}
    }
    assert documented == routes


def test_settings_it_mentions_exist() -> None:
    mentioned = set(re.findall(r"`(\w+)=(?:legacy|\w+)`", TEXT)) | {
        "rate_headers",
        "export_time_format",
        "array_over_limit",
        "missing_permission_status",
        "record_requests",
    }
    assert {name for name in mentioned if name in TEXT} <= set(Settings.model_fields)
    assert {"identifier", "nth", "probability", "count", "path"} <= set(Fault.model_fields)

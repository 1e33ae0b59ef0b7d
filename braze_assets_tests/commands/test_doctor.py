"""`braze-assets doctor`: all destinations of a project at a glance (K04)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner, Result

from braze_assets.commands.main import main
from braze_assets.emulator import LocalBraze
from braze_assets_tests.conftest import free_port
from braze_assets_tests.projects import Project

DESTINATION = """\
type: braze_assets.Destination
attributes:
  name: %s
  instance: "%s"
  api_key_variable: BRAZE_API_KEY_EU
  limits: {settling_seconds: 0, max_attempts: 1}
"""


@pytest.fixture(scope="module")
def braze() -> Iterator[LocalBraze]:
    with LocalBraze(segments=["VIP"]) as started:
        yield started


@pytest.fixture
def project(tmp_path: Path, braze: LocalBraze, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = Project(tmp_path, str(tmp_path / "storage"))
    made.write("eu/defs.yaml", DESTINATION % ("eu", braze.url) + "  segment_name: VIP\n")
    monkeypatch.setenv("BRAZE_API_KEY_EU", braze.api_key)
    return made


def run(project: Project, *arguments: str) -> Result:
    module = ModuleType("a_users_project")
    module.defs = project.definitions()  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    try:
        return CliRunner().invoke(main, ["doctor", "--module", module.__name__, *arguments])
    finally:
        del sys.modules[module.__name__]


def test_all_is_well(project: Project) -> None:
    result = run(project)
    assert result.exit_code == 0, result.output
    lines = [line.split()[:2] for line in result.output.splitlines()]
    assert lines == [["braze", "connection"], ["eu", "connection"], ["eu", "segment"]]
    assert "not set up" in result.output


def test_one_that_fails_fails_the_command(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """K01, K02: cause, place and remedy; no key."""
    project.write("us/defs.yaml", DESTINATION % ("us", f"http://127.0.0.1:{free_port()}"))
    result = run(project)
    assert result.exit_code == 1
    assert "refused the connection" in result.output
    assert "1 of these failed" in result.output
    assert run(project, "--destination", "eu").exit_code == 0

    monkeypatch.setenv("BRAZE_API_KEY_EU", "planted-key-marmalade")
    result = run(project, "--destination", "eu")
    assert result.exit_code == 1
    assert "the key is wrong, or the instance is" in result.output
    assert "BRAZE_API_KEY_EU" in result.output
    assert "What to do: Check both" in result.output
    assert "marmalade" not in result.output


def test_a_disabled_one_is_not_asked(project: Project, braze: LocalBraze) -> None:
    """K08."""
    project.write("eu/defs.yaml", DESTINATION % ("eu", braze.url) + "  enabled: false\n")
    before = braze.control.counters()["requests"]
    result = run(project)
    assert result.exit_code == 0
    assert "disabled" in result.output
    assert braze.control.counters()["requests"] == before


def test_what_is_not_there_is_said(project: Project) -> None:
    result = run(project, "--destination", "europe")
    assert result.exit_code == 2
    assert "there are braze, eu" in result.output
    assert "no module nowhere" in CliRunner().invoke(main, ["doctor", "--module", "nowhere"]).output

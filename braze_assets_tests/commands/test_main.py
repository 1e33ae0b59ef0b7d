"""The console script: it is there, and its help is quick."""

from __future__ import annotations

import subprocess
import sys

from click.testing import CliRunner

from braze_assets.commands.main import GROUPS, main


def test_help_names_every_group_and_loads_nothing() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    assert all(name in result.output for name in GROUPS)
    code = "import sys, braze_assets.commands.main as m; m.main(['--help'], standalone_mode=False); "
    code += "sys.exit(any(name in sys.modules for name in ('dagster', 'duckdb', 'pyarrow', 'deltalake')))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_every_group_is_there() -> None:
    for name in GROUPS:
        result = CliRunner().invoke(main, [name, "--help"])
        assert result.exit_code == 0, result.output
    assert CliRunner().invoke(main, ["nothing"]).exit_code == 2

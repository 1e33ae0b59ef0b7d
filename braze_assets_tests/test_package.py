"""D1: the built wheel carries everything it needs and works outside the repository."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

CHECK = """
import braze_assets, sys
from pathlib import Path
assert Path(braze_assets.__file__).is_relative_to(sys.argv[1]), braze_assets.__file__
from braze_assets.demo.definitions import defs
keys = {key.to_user_string() for key in defs().resolve_all_asset_keys()}
assert {"braze_customer_attributes_sync", "customer_360/merged_customers", "birthday_club"} <= keys, keys
from braze_assets.customer_360 import TABLES, SampleSettings, table_sql
from braze_assets.currents.events import event_types
settings = SampleSettings(customers=100)
for name in TABLES:
    assert table_sql(name, settings, settings.start)
assert len(event_types()) == 94
from braze_assets.demo.local import LocalFolder
local = LocalFolder(Path("here"))
local.prepare()
assert "telemetry" in (local.dagster_home / "dagster.yaml").read_text()
print("works")
"""


def test_the_wheel_works_outside_the_repository(tmp_path: Path) -> None:
    # A copy, because building leaves folders behind.
    source = tmp_path / "source"
    shutil.copytree(
        ROOT / "braze_assets", source / "braze_assets", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    options = {"check": True, "capture_output": True}
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), str(source)], **options
    )
    (wheel,) = tmp_path.glob("*.whl")
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    subprocess.run([*pip, "install", "--no-deps", "--target", str(site), str(wheel)], **options)
    environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-c", CHECK, str(site)],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip().endswith("works"), done.stderr[-3000:]

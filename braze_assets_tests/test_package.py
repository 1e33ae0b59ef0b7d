"""D1: the built wheel carries everything it needs, and works in a project that is not this one."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import braze_assets
from braze_assets.emulator.process import LocalBraze

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


PYPROJECT = """
[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "acme"
python_environment = "active"
"""
DEFINITIONS = """
import acme.defs
import braze_assets
import dagster as dg
from braze_assets.definitions import project


@dg.definitions
def defs() -> dg.Definitions:
    return project(acme.defs)
"""
SYNC = """
type: braze_assets.AttributeSync
attributes:
  name: loyalty
  table: {sql: loyalty.sql}
  sources: {members: {url: members.parquet}}
  partitions: {cadence: none}
  schedule: null
  mode: live
  audit_sample: 0
"""


# One process for all: starting `dg` takes seconds.
SCAFFOLD = """
import sys
from pathlib import Path
import braze_assets
from dagster_dg_cli.cli import create_dg_cli
assert Path(braze_assets.__file__).is_relative_to(sys.argv[1]), braze_assets.__file__
for kind in braze_assets.__all__:
    arguments = ["scaffold", "defs", f"braze_assets.{kind}", f"our-{kind.lower()}"]
    create_dg_cli().main(arguments, standalone_mode=False)
mine = Path("acme/defs/our-destination/defs.yaml")
mine.write_text(mine.read_text() + "# mine\\n")
try:
    create_dg_cli().main(["scaffold", "defs", "braze_assets.Destination", "our-destination"])
except SystemExit as end:
    print("ended with", end.code)
assert mine.read_text().endswith("# mine\\n")
create_dg_cli().main(["check", "defs"], standalone_mode=False)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Of a copy, because building leaves folders behind.
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(
        ROOT / "braze_assets", source / "braze_assets", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    pip("wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(source))
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def site(wheel: Path) -> Path:
    """Where it is installed."""
    pip("install", "--no-deps", "--target", str(wheel.parent / "site"), str(wheel))
    return wheel.parent / "site"


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", *arguments]
    subprocess.run(command, check=True, capture_output=True)


def run(command: list[str], folder: Path, site: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    """In a process that finds the package there and nowhere else."""
    bins = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONWARNINGS": "ignore", "PATH": bins, **more}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done


def test_the_wheel_works_outside_the_repository(site: Path, tmp_path: Path) -> None:
    done = run([sys.executable, "-c", CHECK, str(site)], tmp_path, site)
    assert done.stdout.strip().endswith("works"), done.stderr[-3000:]


def test_the_wheel_has_every_file(wheel: Path) -> None:
    """SQL, YAML, JSON and templates too."""
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("braze_assets/")}
    here = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "braze_assets").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert inside == here


def another_project(folder: Path) -> Path:
    """Its `defs/`, still empty."""
    defs = folder / "acme" / "defs"
    defs.mkdir(parents=True)
    for package in (defs, defs.parent):
        (package / "__init__.py").touch()
    (folder / "pyproject.toml").write_text(PYPROJECT)
    (defs.parent / "definitions.py").write_text(DEFINITIONS)
    return defs


def test_every_component_is_scaffolded_from_the_wheel(site: Path, tmp_path: Path) -> None:
    """By `dg scaffold defs`, all in one project, which loads. A second time is refused."""
    defs = another_project(tmp_path)
    done = run([sys.executable, "-c", SCAFFOLD, str(site)], tmp_path, site, PYTHONPATH=f"{site}:{tmp_path}")
    assert "ended with 1" in done.stdout
    assert f"`{defs / 'our-destination'}` already exists" in done.stdout + done.stderr
    assert "All definitions loaded successfully" in done.stdout + done.stderr
    for kind in braze_assets.__all__:
        assert f"type: braze_assets.{kind}\n" in (defs / f"our-{kind.lower()}" / "defs.yaml").read_text()


def test_another_project_has_its_own_yaml_sql_and_parquet(site: Path, tmp_path: Path) -> None:
    """Issue 5, point 10: scaffolded, loaded, looked at and run by Dagster's own commands, up to Braze."""
    defs = another_project(tmp_path)
    # Dagster's processes too take the package from the wheel, not from this repository.
    with (defs.parent / "definitions.py").open("a") as file:
        file.write(f"\n\nassert braze_assets.__file__.startswith({str(site)!r}), braze_assets.__file__\n")
    (defs / "loyalty").mkdir()
    (defs / "loyalty" / "defs.yaml").write_text(SYNC)
    (defs / "loyalty" / "loyalty.sql").write_text(
        "SELECT id AS external_id, upper(tier) AS tier, points FROM members WHERE points > 0"
    )
    members = {"id": ["0001", "0002", "0003"], "tier": ["gold", "silver", "gold"], "points": [120, 75, 0]}
    pq.write_table(pa.table(members), defs / "loyalty" / "members.parquet")

    run(["dg", "scaffold", "defs", "braze_assets.SampleCustomer360", "customer_360"], tmp_path, site)
    with LocalBraze() as braze:
        braze.control.seed([{"external_id": each, "attributes": {}} for each in members["id"]])
        place = {"BRAZE_INSTANCE": braze.url, "BRAZE_API_KEY": braze.api_key}
        seen = run(["braze-assets", "doctor"], tmp_path, site, **place)
        assert "takes the key" in seen.stdout
        assets = "loyalty,loyalty_findings,loyalty_delta,loyalty_sync"
        run(["dg", "launch", "--assets", assets], tmp_path, site, **place)
        braze.control.wait_until_applied()
        held = [braze.control.attributes(each) for each in members["id"]]
    assert held == [{"tier": "GOLD", "points": 120}, {"tier": "SILVER", "points": 75}, {}]

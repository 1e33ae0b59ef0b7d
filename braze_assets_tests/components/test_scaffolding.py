"""`dg scaffold defs`: what it writes loads, for every component of the package (issue 5, point 10)."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

import braze_assets
from braze_assets.components.scaffolding import written_name
from braze_assets_tests.projects import Project

_BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of somebody else, which only has the package installed."""
    root = tmp_path_factory.mktemp("foreign")
    (root / "theirs" / "defs").mkdir(parents=True)
    (root / "pyproject.toml").write_text(
        '[project]\nname = "theirs"\nversion = "1"\n[tool.dg]\ndirectory_type = "project"\n'
        '[tool.dg.project]\nroot_module = "theirs"\npython_environment = "active"\n'
    )
    (root / "theirs" / "__init__.py").write_text("")
    (root / "theirs" / "defs" / "__init__.py").write_text("")
    return root


def _scaffold(project: Path, kind: str, name: str) -> subprocess.CompletedProcess[str]:
    command = [str(_BIN / "dg"), "scaffold", "defs", f"braze_assets.{kind}", name]
    environment = {"PATH": f"{_BIN}:/usr/bin:/bin", "PYTHONPATH": str(project), "HOME": str(project)}
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_command_of_dagster_writes_a_folder(project: Path) -> None:
    """In a project that is not this one, through the command line."""
    done = _scaffold(project, "AttributeSync", "our-customers")
    assert done.returncode == 0, done.stdout + done.stderr
    folder = project / "theirs" / "defs" / "our-customers"
    assert sorted(file.name for file in folder.iterdir()) == ["defs.yaml", "our_customers.sql"]
    assert "type: braze_assets.AttributeSync" in (folder / "defs.yaml").read_text()


@pytest.mark.parametrize("kind", braze_assets.__all__)
def test_every_component_has_a_template_that_loads(kind: str, tmp_path: Path) -> None:
    """A component without a template, or with one that does not load, fails here."""
    from dagster.components.component_scaffolding import scaffold_object

    made = Project(tmp_path, str(tmp_path / "storage"))
    folder = made.folder / "our-own"
    scaffold_object(folder, f"braze_assets.{kind}", None, "yaml", tmp_path)
    text = (folder / "defs.yaml").read_text()
    assert f"type: braze_assets.{kind}\n" in text
    assert "our_own" in text or kind in ("SampleCustomer360", "Orchestrations")
    assert "{name}" not in text
    assert "{type}" not in text
    assert made.load() is not None


def test_a_second_component_of_one_file_is_appended(tmp_path: Path) -> None:
    """`dg scaffold defs --append`: what is there stays, and both load."""
    from dagster.components.component_scaffolding import scaffold_object

    made = Project(tmp_path, str(tmp_path / "storage"))
    scaffold_object(made.folder / "us", "braze_assets.Destination", None, "yaml", tmp_path)
    scaffold_object(made.folder / "sample", "braze_assets.SampleCustomer360", None, "yaml", tmp_path)
    file = made.folder / "us" / "defs.yaml"
    scaffold_object(file, "braze_assets.AttributeSync", None, "yaml", tmp_path, append=True)
    assert file.read_text().count("type: braze_assets.") == 2
    keys = {key.to_user_string() for key in made.definitions().resolve_asset_graph().get_all_asset_keys()}
    assert {"us_sync", "destinations/us"} <= keys


@pytest.mark.parametrize(
    ("form", "there"),
    [
        *((form, file) for form in ("yaml", "python") for file in ("defs.yaml", "defs.yml", "component.py")),
        ("yaml", "us.sql"),
    ],
)
def test_files_that_are_there_stay_as_they_are(form: str, there: str, tmp_path: Path) -> None:
    """Scaffolded over somebody's file: cause, place and remedy, and nothing is written."""
    from dagster.components.component_scaffolding import scaffold_object

    folder = tmp_path / "us"
    folder.mkdir()
    (folder / there).write_text("mine")
    with pytest.raises(click.ClickException, match="is there already") as error:
        scaffold_object(folder, "braze_assets.AttributeSync", None, form, tmp_path)
    assert str(folder / there) in error.value.message
    assert "Choose another name" in error.value.message
    assert {file.name: file.read_text() for file in folder.iterdir()} == {there: "mine"}


@pytest.mark.parametrize(
    ("folder", "name"), [("vip", "vip"), ("our-own.2", "our_own_2"), ("360", "my_360"), ("ü", "my")]
)
def test_names_are_such_as_components_take(folder: str, name: str) -> None:
    """Folders may be called what names may not."""
    assert written_name(folder) == name

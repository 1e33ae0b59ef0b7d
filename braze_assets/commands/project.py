"""The Dagster definitions that a command is about."""

import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import dagster as dg

__all__ = ["module_option", "project_definitions"]

_OWN = "braze_assets.definitions"


def _module_here() -> str:
    """The definitions of the project whose folder this is, as `dg` finds them; else those of the package.

    Raises:
        click.ClickException: Its pyproject.toml cannot be read.
    """
    file = Path("pyproject.toml")
    if not file.is_file():
        return _OWN
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        tools = tomlkit.parse(file.read_text()).unwrap().get("tool", {})
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file} cannot be read: {error}. Correct it, or give --module.") from None
    project = tools.get("dg", {}).get("project", {})
    root = project.get("root_module")
    return str(project.get("code_location_target_module") or (f"{root}.definitions" if root else _OWN))


module_option = click.option(
    "--module",
    default=_module_here,
    show_default="that of the project in this folder",
    help="The module of your Dagster definitions.",
)
"""What a command is about; without it, the project that the folder is of."""


def project_definitions(module: str) -> "list[dg.Definitions]":
    """The definitions in a module: those of its variables, and of functions that Dagster calls for them.

    Raises:
        click.BadParameter: There is no such module.
    """
    import dagster as dg
    from dagster.components.definitions import LazyDefinitions

    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # As Dagster does: a project need not be installed.
    try:
        loaded = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and not module.startswith(error.name):
            raise
        raise click.BadParameter(f"There is no module {module}.", param_hint="--module") from None
    made = (
        each() if isinstance(each, LazyDefinitions) and not each.has_context_arg else each
        for each in vars(loaded).values()
    )
    return [each for each in made if isinstance(each, dg.Definitions)]

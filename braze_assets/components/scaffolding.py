"""`dg scaffold defs braze_assets.X name`: a folder that loads, and says in comments what to edit.

The templates are the folders in `templates/`, one a component, named after its class. In their texts and file
names `{name}` is the name that was asked for, and `{type}` the component.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import dagster as dg
from dagster.components.component_scaffolding import scaffold_component

__all__ = ["FromTemplate", "written_name"]

_TEMPLATES = Path(__file__).parent / "templates"
_DEFINITIONS = ("defs.yaml", "defs.yml", "component.py")
"""Each of them makes a folder a component; two are one too many."""


class FromTemplate(dg.Scaffolder[Any]):
    """Writes the template of a component."""

    def scaffold(self, request: dg.ScaffoldRequest[Any]) -> None:
        """Write `defs.yaml`, and SQL beside it where there has to be some.

        Args:
            request: Which component, where, and in which form; appended, the target is a `defs.yaml`.

        Raises:
            click.ClickException: A file that would be written is there already: nothing is overwritten.
        """
        folder = request.target_path.parent if request.append else request.target_path
        # `dg` refuses a folder that is there; who scaffolds by Python is not asked.
        if not request.append:
            _refuse(folder / file for file in _DEFINITIONS)
        if request.scaffold_format != "yaml":
            scaffold_component(request)
            return
        name = written_name(folder.name)
        texts = {
            _filled(file.name, name, request.type_name): _filled(file.read_text(), name, request.type_name)
            for file in sorted((_TEMPLATES / request.type_name.rpartition(".")[2]).iterdir())
        }
        _refuse(folder / file for file in texts if file != "defs.yaml")
        for file, text in texts.items():
            path = folder / file
            if file == "defs.yaml" and request.append:
                text = f"{path.read_text().rstrip()}\n---\n{text}"
            path.write_text(text)


def written_name(folder: str) -> str:
    """A name that every component takes: letters, digits and underscores, a letter first."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", folder).strip("_")
    return name if name[:1].isalpha() else f"my_{name}".rstrip("_")


def _refuse(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.exists():
            raise click.ClickException(
                f"This file is there already, and nothing was written: {path}. "
                "Choose another name, or move the file away first."
            )


def _filled(text: str, name: str, kind: str) -> str:
    # Not str.format: YAML has braces of its own.
    return text.replace("{name}", name).replace("{type}", kind)

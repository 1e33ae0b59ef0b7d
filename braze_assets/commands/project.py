"""The Dagster definitions that a command is about."""

import importlib
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import dagster as dg

__all__ = ["project_definitions"]


def project_definitions(module: str) -> "list[dg.Definitions]":
    """The definitions in a module: those of its variables, and of functions that Dagster calls for them.

    Raises:
        click.BadParameter: There is no such module.
    """
    import dagster as dg
    from dagster.components.definitions import LazyDefinitions

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

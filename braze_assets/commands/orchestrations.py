"""`braze-assets orchestrations`: all flows of a project, on the command line."""

import warnings
from datetime import datetime, timezone

import click

from braze_assets.commands.project import module_option, project_definitions

__all__ = ["orchestrations"]


@click.command()
@module_option
def orchestrations(module: str) -> None:
    """List every flow, and segments: destination, mode, last run, schedule, next tick.

    Runs and started schedules are those of the Dagster instance in DAGSTER_HOME. Nothing is sent.
    """
    import dagster as dg
    from dagster._core.errors import DagsterHomeNotSetError

    from braze_assets.assets.orchestrations import COLUMNS
    from braze_assets.assets.orchestrations import orchestrations as listed
    from braze_assets.errors import ConfigurationError

    with warnings.catch_warnings():
        # Dagster warns of its own making of checks.
        warnings.simplefilter("ignore", dg.BetaWarning)
        project = dg.Definitions.merge(*project_definitions(module)).get_repository_def()
    try:
        instance = dg.DagsterInstance.get()
    except DagsterHomeNotSetError:
        raise ConfigurationError(
            "Nobody says where Dagster keeps its runs.",
            place="DAGSTER_HOME",
            remedy="Set it to the folder that your webserver and daemon use.",
        ) from None
    with instance:
        found = listed(project, instance, datetime.now(timezone.utc))
    for each in found:
        cells = dict(zip(COLUMNS, each.cells(), strict=True))
        click.echo(cells.pop("name"))
        for name, text in cells.items():
            click.echo(f"  {name:<16} {text.strip('`')}")
    if not found:
        click.echo("The project sends nothing yet.")

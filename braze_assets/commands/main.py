"""The console script `braze-assets`; each group of commands is imported when it is asked for."""

import importlib
from typing import Any

import click

__all__ = ["main"]

GROUPS = {
    "audiences": "What becomes of audiences that nothing declares any more.",
    "doctor": "Whether the destinations of the project can be sent to.",
    "events": "Events of which nobody knows whether Braze took them.",
    "orchestrations": "All flows: last run, status, next tick.",
    "ledger": "What the ledger of a sync holds, and operations on it.",
}
"""Name to help; `name` is the click group or command `name` of `braze_assets.commands.<name>`."""


class Lazy(click.Group):
    """A group whose help needs none of its groups."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return sorted(GROUPS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of them, imported."""
        if cmd_name not in GROUPS:
            return None
        module = importlib.import_module(f"braze_assets.commands.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in the help."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(GROUPS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run; an error of this project is shown as it is, not as a traceback."""
        from braze_assets.errors import BrazeAssetsError

        try:
            return super().invoke(ctx)
        except BrazeAssetsError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Lazy)
def main() -> None:
    """Commands beside Dagster. Storage and deployment are those of the environment."""

"""What the commands on ledgers are given: a sync, a code, a moment."""

from collections.abc import Callable
from datetime import datetime, time, timezone
from typing import Any, TypeVar

import click

from braze_assets.commands.places import KINDS

__all__ = ["confirmed", "moment", "place"]

Command = TypeVar("Command", bound=Callable[..., Any])


def place(command: Command) -> Command:
    """The sync, and which of its ledgers."""
    command = click.option(
        "--identifier", type=click.Choice(KINDS), help="Only where a sync has several ledgers, or none yet."
    )(command)
    return click.argument("sync")(command)


def confirmed(command: Command) -> Command:
    """What every operation takes."""
    command = click.option("--settle", is_flag=True, help="Settle a send whose process is dead.")(command)
    command = click.option("--confirm", metavar="CODE", help="The code that was shown with the size.")(
        command
    )
    return place(command)


def moment(text: str) -> datetime | int:
    """What --on and --to mean: a version, or a time; a day means its end.

    Raises:
        click.BadParameter: It is neither.
    """
    if text.isdigit():
        return int(text)
    try:
        moment = datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError:
        raise click.BadParameter("give a day, a time (UTC) or a version number") from None
    if len(text) == len("2026-11-17"):
        moment = datetime.combine(moment.date(), time.max)
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)

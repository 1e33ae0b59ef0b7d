"""`braze-assets audiences`: what becomes of audiences that nothing declares any more."""

from typing import Any

import click

from braze_assets.commands.operations import run_operation
from braze_assets.commands.options import confirmed

__all__ = ["audiences"]


@click.group()
def audiences() -> None:
    """What becomes of audiences that nothing declares any more."""


@audiences.command()
@confirmed
@click.argument("name")
def retire(sync: str, name: str, **options: Any) -> None:
    """Remove an audience's members in Braze with the sync's next plan.

    NAME is the attribute, as the check `orphaned_audiences` says it. Shows the size first, and a code; it is
    done when run again with `--confirm CODE`.
    """
    from braze_assets.ledger.operations import Retire

    run_operation(sync, lambda found, connection: Retire(name), **options)

"""`braze-assets ledger`: what a ledger holds, and operations on it."""

import click

__all__ = ["ledger"]


@click.group()
def ledger() -> None:
    """What the ledger of a sync holds, and operations on it."""

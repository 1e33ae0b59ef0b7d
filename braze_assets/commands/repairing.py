"""The repair of a damaged ledger: what would be done, and doing it."""

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import click

from braze_assets.errors import LedgerMovedError
from braze_assets.ledger.operations import diagnose, lost_plan, repair
from braze_assets.storage import connect

if TYPE_CHECKING:
    from braze_assets.ledger import Ledger

__all__ = ["repair_ledger"]


def repair_ledger(ledger: "Ledger", confirm: str | None) -> None:
    """Say what is damaged; with the code that was shown, repair it."""
    found = diagnose(ledger)
    lost = None
    if not found:
        with connect() as connection:
            lost = lost_plan(ledger, connection)
    if lost is not None:
        click.echo(
            f"The plan of the last send (step {lost.sequence}) is gone before its outcomes were folded."
        )
    for each in found:
        back = "starts anew" if each.whole is None else f"goes back to version {each.whole}"
        click.echo(f"{each.name}: {each.damage.problem} ({each.damage.file}); it {back}.")
    code = "-".join(
        [
            "restore",
            *(f"{each.name}{'' if each.whole is None else each.whole}" for each in found),
            *([f"plan{lost.sequence}"] if lost is not None else []),
        ]
    )
    last = None if found else ledger.journal.read().last
    if not found and lost is None and (last is None or last.state != "restoring"):
        click.echo("No table is damaged.")
        return
    if confirm is None:
        click.echo("Every value held is marked unknown then: the next plan sends all that is wanted.")
        click.echo(f"Nothing was changed. To do it, run this again with --confirm {code}")
        return
    if confirm != code:
        raise LedgerMovedError(
            f"The code {confirm} is not of the repair as it would be done now.",
            place=ledger.uri,
            remedy=f"Look at what is damaged; to repair it, confirm with {code}.",
        )
    with connect() as connection:
        repair(ledger, connection, now=datetime.now(timezone.utc))
    click.echo(f"Done. The damaged files are kept under {ledger.uri}/damaged/." if found else "Done.")

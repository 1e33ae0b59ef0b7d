"""`braze-assets ledger`: what a ledger holds, and operations on it."""

import click

from braze_assets.commands.operations import OPERATIONS
from braze_assets.commands.options import moment, place
from braze_assets.commands.places import chosen_storage, find_ledger

__all__ = ["ledger"]


@click.group()
def ledger() -> None:
    """What the ledger of a sync holds, and operations on it.

    An operation shows its size first, and a code; it is done when run again with `--confirm CODE`.
    """


@ledger.command()
@place
def show(sync: str, identifier: str | None) -> None:
    """Position, users, unknowns, sizes, last steps."""
    from braze_assets.ledger.operations import overview
    from braze_assets.storage import connect

    with connect() as connection:
        found = overview(find_ledger(chosen_storage(), sync, identifier), connection)
    position = found.position
    for name, value in (
        ("step", position.sequence),
        ("partition", position.partition or "-"),
        ("as of", position.as_of or "-"),
        ("settled", "yes" if position.settled else "no: a send has not finished"),
        ("users", f"{found.users:,}"),
        ("users with unknown values", f"{found.unknown_users:,}"),
        ("attributes", ", ".join(found.attributes) or "-"),
        ("bytes", f"{found.bytes:,}"),
        ("bytes with history", f"{found.bytes_with_history:,}"),
        ("bytes of receipts", f"{found.receipts_bytes:,}"),
        ("format", found.format),
    ):
        click.echo(f"{name:<26} {value}")
    for step in found.steps:
        what = step.operation or f"plan {step.plan_id}, partition {step.partition or '-'}"
        said = [(step.accepted, "accepted"), (step.rejected, "rejected"), (step.unknown, "unknown")]
        counts = ", ".join(f"{number:,} {name}" for number, name in said if number is not None)
        click.echo(
            f"{step.sequence:>6}  {step.time:%Y-%m-%d %H:%M:%S}  {step.state:<9} {what}"
            + (f": {counts}" if counts else "")
        )


@ledger.command()
@place
@click.option("--on", "when", metavar="TIME", help="2026-11-17, 2026-11-17T12:00 (UTC), or a version number.")
@click.option("--user", metavar="IDENTIFIER", help="Only this user.")
@click.option("--out", metavar="FILE", help="Write the table there, as Parquet.")
def history(sync: str, identifier: str | None, when: str | None, user: str | None, out: str | None) -> None:
    """What Braze held then; without --on the versions there are."""
    from braze_assets.commands.then import print_user, write_table
    from braze_assets.ledger.operations import held_on, versions
    from braze_assets.storage import connect

    found = find_ledger(chosen_storage(), sync, identifier)
    if when is None:
        for each in versions(found):
            click.echo(f"{each.version:>6}  {each.time:%Y-%m-%d %H:%M:%S} UTC")
        return
    held = held_on(found, moment(when))
    with connect() as connection:
        if user is not None:
            print_user(held, user, connection)
        elif out is not None:
            write_table(held, out, connection)
        else:
            click.echo(
                f"version {held.version}: {held.users:,} users, {', '.join(held.types()) or 'no attributes'}"
            )


for operation in OPERATIONS:
    ledger.add_command(operation)

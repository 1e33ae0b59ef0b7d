"""`braze-assets events`: the review of a sync of events, and settling it."""

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import click

from braze_assets.commands.places import chosen_storage

if TYPE_CHECKING:
    from braze_assets.ledger.events import EventLedger, Word

__all__ = ["events"]


@click.group()
def events() -> None:
    """Events of which nobody knows whether Braze took them.

    Settling shows its size first, and a code; it is done when run again with `--confirm CODE`.
    """


@events.command()
@click.argument("sync")
@click.option("--out", metavar="FILE", help="Write the list there, as Parquet, with the objects.")
@click.option("--limit", default=100, show_default=True, help="Lines shown at most.")
def review(sync: str, out: str | None, limit: int) -> None:
    """The events in doubt: id, partition, reason, time."""
    from braze_assets.storage import connect, open_path, write_parquet

    ledger = _ledger(sync)
    with connect() as connection:
        counts = ledger.review.count(connection)
        if out is not None:
            written = write_parquet(open_path(out), ledger.review.list(connection))
            click.echo(f"{written.rows:,} events: {out}")
            return
        left = limit
        for batch in ledger.review.list(connection):
            for row in batch.slice(0, left).to_pylist():
                when = f"{row['time']:%Y-%m-%d %H:%M:%S}"
                click.echo(f"{row['event_id']}  {row['partition'] or '-'}  {when}  {row['reason']}")
            left -= min(left, batch.num_rows)
            if not left:
                break
    click.echo(f"{sum(counts.values()):,} events are in doubt.")
    if not ledger.position().settled:
        click.echo("A send has not finished: what it leaves in doubt is not known yet.")


@events.command()
@click.argument("sync")
@click.option(
    "--as",
    "word",
    type=click.Choice(["sent", "not-sent"]),
    required=True,
    help="sent: Braze has them, they never go again. not-sent: it has not, they go with the next plan.",
)
@click.option("--ids", metavar="FILE", help="A text file with one event id a line.")
@click.option("--all", "everything", is_flag=True, help="All events in doubt.")
@click.option("--reason", default="", help="Who says so, or why; kept in the ledger.")
@click.option("--confirm", metavar="CODE", help="The code that was shown with the size.")
def settle(sync: str, word: str, ids: str | None, everything: bool, reason: str, confirm: str | None) -> None:
    """Say of events in doubt whether Braze has them."""
    from braze_assets.ledger.events import propose_settlement, settle_events
    from braze_assets.storage import connect

    if (ids is None) != everything:
        raise click.UsageError("Say which events: --ids FILE or --all.")
    named = None if ids is None else _lines(ids)
    said: Word = "sent" if word == "sent" else "not_sent"
    ledger = _ledger(sync)
    with connect() as connection:
        if confirm is None:
            found = propose_settlement(ledger, connection, said, named)
        else:
            now = datetime.now(timezone.utc)
            found = settle_events(
                ledger, connection, said, ids=named, reason=reason, confirm=confirm, now=now
            )
    stray = f" {found.not_in_doubt:,} named ones are not in doubt." if found.not_in_doubt else ""
    if found.done:
        click.echo(f"{found.events:,} events are settled as {word}.{stray}")
    else:
        click.echo(f"{found.events:,} events would be settled as {word}.{stray}")
        click.echo(f"Nothing was changed. To do it: the same command with --confirm {found.code}")


@events.command()
@click.argument("sync")
@click.option("--history-days", type=int, default=30, show_default=True)
@click.option("--receipt-days", type=int, default=30, show_default=True)
def compact(sync: str, history_days: int, receipt_days: int) -> None:
    """Join small files; remove old receipts and the files of old versions. No id is lost."""
    from braze_assets.ledger.events import compact_events, stored_events

    ledger = _ledger(sync)
    before = stored_events(ledger)
    after = compact_events(
        ledger, now=datetime.now(timezone.utc), history_days=history_days, receipt_days=receipt_days
    )
    for name, number in before.items():
        click.echo(f"{name.replace('_', ' '):<34} {number:>14,} -> {after[name]:,}")


def _lines(path: str) -> list[str]:
    with open(path, encoding="utf-8-sig") as file:
        return [line.strip() for line in file if line.strip()]


def _ledger(sync: str) -> "EventLedger":
    from braze_assets.errors import ConfigurationError
    from braze_assets.ledger.events import EventLedger

    ledger = EventLedger(chosen_storage(), sync)
    if not ledger.journal.read().entries:
        raise ConfigurationError(
            f"The sync {sync} has no ledger of events.",
            place=ledger.uri,
            remedy="Correct the name or BRAZE_ASSETS_STORAGE; a sync has a ledger once it has sent.",
        )
    return ledger

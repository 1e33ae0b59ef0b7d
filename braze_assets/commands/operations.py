"""The operations on a ledger, as commands: each shows its size first, and a code to do it with."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from braze_assets.commands.options import confirmed, moment
from braze_assets.commands.places import chosen_storage, find_ledger

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from braze_assets.ledger import Ledger
    from braze_assets.ledger.operations import Operation

__all__ = ["OPERATIONS", "run_operation"]


@click.command()
@confirmed
@click.option("--attribute", "attributes", multiple=True, help="Only this one; may be given several times.")
def resync(sync: str, attributes: tuple[str, ...], **options: Any) -> None:
    """Send everything, or some attributes, again with the next plan."""
    from braze_assets.ledger.operations import Resync

    run_operation(sync, lambda found, connection: Resync(attributes), **options)


@click.command()
@confirmed
@click.option("--user", "users", multiple=True, metavar="IDENTIFIER", help="May be given several times.")
@click.option("--file", "url", metavar="URL", help="A CSV or Parquet file with the identifiers.")
@click.option("--attribute", "attributes", multiple=True, help="An attribute; may be given several times.")
@click.option("--everything", is_flag=True, help="The whole ledger of the sync.")
def forget(
    sync: str,
    users: tuple[str, ...],
    url: str | None,
    attributes: tuple[str, ...],
    everything: bool,
    **options: Any,
) -> None:
    """Forget users (rows, receipts), attributes, or everything."""
    from braze_assets.ledger.operations import ForgetAttributes, ForgetSync, ForgetUsers

    if sum((bool(users or url), bool(attributes), everything)) != 1:
        raise click.UsageError("Give users (--user, --file), or --attribute, or --everything.")

    def operation(found: "Ledger", connection: "DuckDBPyConnection") -> "Operation":
        if everything:
            return ForgetSync()
        if attributes:
            return ForgetAttributes(attributes)
        return ForgetUsers(_users(found, connection, users, url))

    run_operation(sync, operation, **options)


@click.command()
@confirmed
@click.option("--user", "users", multiple=True, metavar="IDENTIFIER", help="May be given several times.")
@click.option("--file", "url", metavar="URL", help="A CSV or Parquet file with the identifiers.")
@click.option("--reason", default="by hand", show_default=True, help="For the journal: name nobody.")
def release(sync: str, users: tuple[str, ...], url: str | None, reason: str, **options: Any) -> None:
    """Users that Braze has no more leave; the next plan sends them anew if they are wanted."""
    from braze_assets.ledger.operations import Release

    if not (users or url):
        raise click.UsageError("Give users: --user or --file.")
    run_operation(sync, lambda found, con: Release(_users(found, con, users, url), reason), **options)


@click.command()
@confirmed
@click.argument("url")
@click.option(
    "--existing", type=click.Choice(["refuse", "replace", "merge"]), default="refuse", show_default=True
)
@click.option("--type", "types", multiple=True, metavar="NAME=TYPE", help="A type, as in the sync's YAML.")
def adopt(sync: str, url: str, existing: Any, types: tuple[str, ...], **options: Any) -> None:
    """Start from a file of what Braze already holds."""
    from braze_assets.ledger.operations import Adopt

    if any("=" not in each for each in types):
        raise click.BadParameter("give NAME=TYPE", param_hint="--type")
    said = dict(each.split("=", 1) for each in types)
    run_operation(
        sync, lambda found, connection: Adopt(url=url, existing=existing, types=said), new=True, **options
    )


@click.command()
@confirmed
@click.option("--history-days", type=int, default=30, show_default=True)
@click.option("--receipt-days", type=int, default=30, show_default=True)
def compact(sync: str, history_days: int, receipt_days: int, **options: Any) -> None:
    """Join small files; remove old receipts and the files of old versions."""
    from braze_assets.ledger.operations import Compact

    run_operation(sync, lambda found, connection: Compact(history_days, receipt_days), **options)


@click.command()
@confirmed
@click.option("--to", "when", metavar="TIME", help="A day, a time (UTC), or a version number.")
def restore(sync: str, when: str | None, **options: Any) -> None:
    """Go back to an earlier version; what differs from now is sent again.

    Without --to damaged tables go back to their last whole version, and everything is sent again.
    """
    from braze_assets.ledger.operations import Restore

    if when is None:
        from braze_assets.commands.repairing import repair_ledger

        repair_ledger(find_ledger(chosen_storage(), sync, options["identifier"]), options["confirm"])
        return
    run_operation(sync, lambda found, connection: Restore(found, moment(when)), **options)


def _users(found: "Ledger", connection: "DuckDBPyConnection", users: tuple[str, ...], url: str | None) -> Any:
    import pyarrow as pa

    from braze_assets.ledger.operations import users_in_file, users_named

    named = users_named(users)
    if url is None:
        return named
    return users_named(
        pa.concat_tables([named, users_in_file(connection, url, found.identifier)])[0].to_pylist()
    )


def run_operation(
    sync: str,
    operation: Callable[["Ledger", "DuckDBPyConnection"], "Operation"],
    *,
    identifier: str | None,
    confirm: str | None,
    settle: bool,
    new: bool = False,
) -> None:
    """Show the size of an operation and its code, or do it where that code is given."""
    from datetime import datetime, timezone

    from braze_assets.ledger.operations import operate, propose
    from braze_assets.storage import connect

    found = find_ledger(chosen_storage(), sync, identifier, new=new)
    with connect() as connection:
        made = operation(found, connection)
        if confirm is None:
            outcome = propose(found, made, connection)
        else:
            now = datetime.now(timezone.utc)
            outcome = operate(found, made, connection, now=now, confirm=confirm, settle=settle)
    for name, value in outcome.figures().items():
        if name not in ("done", "code", "note"):
            shown = f"{value:,}" if isinstance(value, int) else value
            click.echo(f"{name.replace('_', ' '):<26} {shown}")
    if outcome.note:
        click.echo(outcome.note)
    if outcome.done:
        click.echo("Done.")
    elif not outcome.size.nothing:
        click.echo(f"Nothing was changed. To do it, run this again with --confirm {outcome.code}")


OPERATIONS = (resync, forget, release, adopt, compact, restore)

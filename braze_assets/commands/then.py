"""What Braze held at another time, for a person to look at."""

from typing import TYPE_CHECKING

import click

from braze_assets.storage import open_path, quote_identifier, write_parquet

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from braze_assets.ledger import Acknowledged

__all__ = ["print_user", "write_table"]


def print_user(held: "Acknowledged", user: str, connection: "DuckDBPyConnection") -> None:
    """One user's values."""
    source = held.sql(connection)
    rows = []
    if source is not None:
        rows = (
            connection.sql(
                f"SELECT * FROM {source} WHERE {quote_identifier(held.identifier)} = $user",
                params={"user": user},
            )
            .to_arrow_table()
            .to_pylist()
        )
    if not rows:
        click.echo(f"Version {held.version} does not hold this user.")
    for row in rows:
        unknown = row["_unknown"] or ()
        for name in held.types():
            value = "-" if row[name] is None else row[name]
            click.echo(f"{name:<26} {value}" + (" (not certain)" if name in unknown else ""))
        click.echo(f"acknowledged {row['_acknowledged_at']}, partition {row['_partition'] or '-'}")


def write_table(held: "Acknowledged", out: str, connection: "DuckDBPyConnection") -> None:
    """All users, as a Parquet file."""
    source = held.sql(connection)
    if source is None:
        click.echo(f"Version {held.version} holds no users.")
        return
    written = write_parquet(open_path(out), connection.sql(f"FROM {source}").to_arrow_reader(65_536))
    click.echo(f"{written.rows:,} users, {written.bytes:,} bytes: {out}")

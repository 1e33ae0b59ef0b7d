"""From the departures of an hour to a release of the ledger."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from braze_assets.currents.departures import departures_sql, identities_sql
from braze_assets.ledger import Ledger
from braze_assets.storage import StoredTable, quote_identifier

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["leave"]

_NEEDED = {"id", "user_id"}
_IDENTITY = {"user_id", "external_user_id"}


def leave(
    connection: "DuckDBPyConnection",
    *,
    ledger: Ledger,
    events: Mapping[str, StoredTable],
    before: StoredTable | None,
    identities: Callable[[], Mapping[str, StoredTable]],
    now: datetime,
) -> tuple[pa.Table, dict[str, Any]]:
    """Release the users of events that were not seen before; each event counts once however often this runs.

    Args:
        connection: A DuckDB connection.
        ledger: The sync's.
        events: The departure events of the hour, by type.
        before: What an earlier run of the hour made.
        identities: Tables to look external ids up in; asked only when one is needed.
        now: The current time.

    Returns:
        One row an event of the hour, and figures.
    """
    from braze_assets.ledger.operations import Release, operate

    tables = {name: table.sql(connection) for name, table in events.items() if _has(table, _NEEDED)}
    done = before.sql(connection) if before is not None else None
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE departures (event_id VARCHAR, kind VARCHAR, braze_id VARCHAR, "
        "external_id VARCHAR, survivor VARCHAR)"
    )
    if tables:
        new = f"WHERE event_id NOT IN (SELECT event_id FROM {done})" if done else ""
        connection.execute(f"INSERT INTO departures SELECT * FROM ({departures_sql(tables)}) {new}")
    _identify(connection, ledger, identities)
    gone, changed = (
        connection.sql(
            f"SELECT DISTINCT {column} AS identifier FROM identified WHERE {column} IS NOT NULL"
        ).to_arrow_table()
        for column in ("identifier", "survivor")
    )
    held = ledger.acknowledged().sql(connection)
    is_held = f"identifier IN (SELECT {quote_identifier(ledger.identifier)} FROM {held})" if held else "false"
    found = (
        "SELECT event_id, kind, braze_id, identifier, CASE WHEN identifier IS NULL THEN 'not_identified' "
        f"WHEN {is_held} THEN 'released' ELSE 'not_held' END AS outcome FROM identified"
    )
    if done:
        found += f" UNION ALL SELECT event_id, kind, braze_id, identifier, outcome FROM {done}"
    rows = connection.sql(f"SELECT DISTINCT ON (event_id) * FROM ({found})").to_arrow_table()
    [(new_events,)] = connection.sql("SELECT count(*) FROM departures").fetchall()
    release = Release(gone, "deleted or merged in Braze", changed)
    outcome = operate(ledger, release, connection, now=now, settle=True)
    outcomes = rows.column("outcome").to_pylist()
    return rows, {
        "events": rows.num_rows,
        "new_events": new_events,
        "users_released": outcome.size.users if outcome.done else 0,
        "users_marked_unknown": outcome.size.more.get("marked_unknown", 0) if outcome.done else 0,
        **{name: outcomes.count(name) for name in ("released", "not_held", "not_identified")},
    }


def _identify(
    connection: "DuckDBPyConnection", ledger: Ledger, identities: Callable[[], Mapping[str, StoredTable]]
) -> None:
    """`identified`: the departures by what the ledger knows users by."""
    if ledger.identifier != "external_id":
        own = "braze_id" if ledger.identifier == "braze_id" else "NULL::VARCHAR"
        stays = "survivor" if ledger.identifier == "braze_id" else "NULL::VARCHAR"
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE identified AS SELECT event_id, kind, braze_id, "
            f"{own} AS identifier, {stays} AS survivor FROM departures"
        )
        return
    wanted = (
        "SELECT braze_id FROM departures WHERE external_id IS NULL "
        "UNION SELECT survivor FROM departures WHERE survivor IS NOT NULL"
    )
    [(missing,)] = connection.sql(f"SELECT count(*) FROM ({wanted})").fetchall()
    tables = identities() if missing else {}
    known = {name: each.sql(connection) for name, each in tables.items() if _has(each, _IDENTITY)}
    connection.execute(f"CREATE OR REPLACE TEMP TABLE identities AS {identities_sql(known, wanted)}")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE identified AS SELECT d.event_id, d.kind, d.braze_id, "
        "coalesce(d.external_id, i.external_id) AS identifier, s.external_id AS survivor "
        "FROM departures AS d "
        "LEFT JOIN identities AS i ON i.braze_id = d.braze_id AND d.external_id IS NULL "
        "LEFT JOIN identities AS s ON s.braze_id = d.survivor"
    )


def _has(table: StoredTable, columns: set[str]) -> bool:
    return columns <= set(table.schema.names)

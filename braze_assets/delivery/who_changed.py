"""Whether a value that differs came before ours, after it, or of it.

The ledger knows when a user's row was acknowledged last, not when each attribute was: that is in the
receipts. Only those of users with differences are looked at, from shortly before the first such event on
where the ledger holds values.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from braze_assets.ledger import Ledger

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["decide"]

_APPLIED_WITHIN = "INTERVAL 5 MINUTE"
"""Braze applies what it accepted in its own time: how long after our receipt an event may be of our own
value (five minutes is what Braze advises to wait for its data to settle; documentation, September 2026)."""
_SLACK = "INTERVAL 10 SECOND"
"""A receipt is written when the reply is there; Braze may have applied the value before."""


def decide(connection: "DuckDBPyConnection", ledger: Ledger, others: Callable[[str], str | None]) -> None:
    """Make `told_differences` from `told_compared` and `told_events`."""
    [(count,)] = connection.sql("SELECT count(*) FROM told_compared WHERE verdict = 'differs'").fetchall()
    _sent(connection, ledger if count else None)
    _other_events(connection, others if count else lambda users: None)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE told_differences AS "
        "SELECT d.event_id, d.identifier, d.attribute, d.expected, d.found, "
        f"CASE WHEN d.verdict <> 'differs' THEN d.verdict {_VERDICT} END AS verdict, "
        "d.time AS event_time, d.source FROM told_compared AS d "
        "LEFT JOIN told_sent AS s ON s.identifier = d.identifier AND s.attribute = d.attribute "
        "WHERE d.verdict IN ('differs', 'outcome_unknown')"
    )


_OF_THE_PAIR = "SELECT 1 FROM told_others AS o WHERE o.identifier = d.identifier AND o.told = d.told AND "
_VERDICT = (
    f"WHEN EXISTS ({_OF_THE_PAIR} o.time > d.time) THEN 'newer_event' "
    f"WHEN s.sent > d.time + {_SLACK} THEN 'ours_is_later' "
    # The first that Braze says after our request is about our request.
    f"WHEN s.sent >= d.time - {_APPLIED_WITHIN} AND contains(upper(coalesce(d.source, 'REST')), 'REST') "
    f"AND d.expected IS NOT NULL AND NOT EXISTS ({_OF_THE_PAIR} o.time < d.time "
    f"AND o.time >= s.sent - {_SLACK}) THEN 'taken_otherwise' "
    "WHEN s.sent > d.time THEN 'ours_is_later' "
    "WHEN d.expected IS NULL AND s.sent IS NULL THEN 'not_held' "
    # The row was acknowledged later, and no receipt says that this was about other attributes.
    "WHEN s.sent IS NULL AND d.time <= d.stamp AND NOT coalesce(s.others_sent, false) THEN 'ours_is_later' "
    "ELSE 'changed_since'"
)


def _sent(connection: "DuckDBPyConnection", ledger: Ledger | None) -> None:
    """`told_sent`: when an attribute that differs was last acknowledged, as far as it matters."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE told_sent (identifier VARCHAR, attribute VARCHAR, "
        "sent TIMESTAMPTZ, others_sent BOOLEAN)"
    )
    receipts = None if ledger is None else ledger.receipts.everything(connection)
    if receipts is None:
        return
    # A constant, so that files of receipts that are older are not opened. Whether a value that is not held
    # was never sent, or was removed by us, may stand in any of them.
    [(since, all_of_them)] = connection.sql(
        f"SELECT CAST(min(time) - {_APPLIED_WITHIN} AS VARCHAR), bool_or(expected IS NULL) "
        "FROM told_compared WHERE verdict = 'differs'"
    ).fetchall()
    late_enough = "true" if all_of_them else f"time >= TIMESTAMPTZ '{since}'"
    connection.execute(
        "INSERT INTO told_sent "
        "WITH differing AS (SELECT * FROM told_compared WHERE verdict = 'differs'), "
        "sent AS (SELECT identifier, plan_id, time, json_keys(object) AS names "
        f"FROM {receipts} WHERE outcome = 'accepted' AND {late_enough} "
        "AND identifier IN (SELECT identifier FROM differing)) "
        "SELECT d.identifier, d.attribute, "
        "max(r.time) FILTER (list_contains(r.names, d.attribute)), "
        "coalesce(bool_or(r.plan_id = d.plan_id), false) "
        "FROM differing AS d JOIN sent AS r ON r.identifier = d.identifier GROUP BY 1, 2"
    )


def _other_events(connection: "DuckDBPyConnection", others: Callable[[str], str | None]) -> None:
    """`told_others`: when else there were events of what differs, in these hours and in others."""
    users = "SELECT identifier FROM told_compared WHERE verdict = 'differs'"
    elsewhere = others(users)
    more = f"UNION ALL SELECT identifier, attribute, time FROM ({elsewhere})" if elsewhere else ""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE told_others AS SELECT DISTINCT o.identifier, o.attribute AS told, "
        f"o.time FROM (SELECT identifier, attribute, time FROM told_events {more}) AS o "
        "JOIN told_compared AS d ON d.identifier = o.identifier AND d.told = o.attribute "
        "WHERE d.verdict = 'differs'"
    )

"""Users that left Braze: deleted, or merged into another profile.

`users.UserDeleteRequest` names a profile by its Braze id only. `users.UserOrphan` says that a profile was
merged into another one: its Braze id and, where it had one, its external id, and the Braze id of the profile
that stays (Braze Currents schemas, version 10 of June 2026).
"""

from collections.abc import Mapping

from braze_assets.storage import quote_literal

__all__ = ["DELETED", "DEPARTURE_EVENTS", "MERGED", "departures_sql", "identities_sql"]

DELETED = "users.UserDeleteRequest"
MERGED = "users.UserOrphan"
DEPARTURE_EVENTS = (DELETED, MERGED)


def departures_sql(tables: Mapping[str, str]) -> str:
    """One row an event: `event_id`, `kind` (deleted, merged), `braze_id`, `external_id`, `survivor`.

    Args:
        tables: Table expressions of the events by type; at least one of `DEPARTURE_EVENTS`.
    """
    parts = []
    if DELETED in tables:
        parts.append(
            "SELECT id AS event_id, 'deleted' AS kind, user_id AS braze_id, NULL::VARCHAR AS external_id, "
            f"NULL::VARCHAR AS survivor FROM {tables[DELETED]}"
        )
    if MERGED in tables:
        parts.append(
            "SELECT id, 'merged', user_id, nullif(external_user_id, ''), orphaned_by_id "
            f"FROM {tables[MERGED]}"
        )
    return " UNION ALL ".join(parts)


def identities_sql(tables: Mapping[str, str], wanted: str) -> str:
    """Which external ids events have seen with a Braze id: `braze_id`, `external_id`.

    Args:
        tables: Table expressions of events with `user_id` and `external_user_id`, by any name.
        wanted: A subquery of the Braze ids to look for.
    """
    parts = [
        f"SELECT user_id AS braze_id, external_user_id AS external_id FROM {table} "
        f"WHERE external_user_id <> {quote_literal('')} AND user_id IN ({wanted})"
        for table in tables.values()
    ]
    nothing = "SELECT NULL::VARCHAR AS braze_id, NULL::VARCHAR AS external_id WHERE false"
    return f"SELECT DISTINCT braze_id, external_id FROM ({' UNION ALL '.join(parts) or nothing})"

"""What Braze says a user's attributes became: `users.profile.Update`, one row an attribute.

An event carries the attributes that were updated and no others. Standard fields have columns of their own,
NULL where they were not updated; custom attributes come as one JSON text, in which null means removed
(Braze Currents schemas, version 10 of June 2026, in beta). Removal of a standard field cannot be told.
"""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from braze_assets.storage import quote_identifier, quote_literal

__all__ = ["PROFILE_COLUMNS", "PROFILE_UPDATE", "UPDATES_NEED", "profile_update", "updates_sql"]

PROFILE_UPDATE = "users.profile.Update"

PROFILE_COLUMNS: Mapping[str, str] = {
    "first_name": "first_name",
    "last_name": "last_name",
    "email_address": "email",
    "gender": "gender",
    "phone_number": "phone",
    "dob": "dob",
    "timezone": "time_zone",
    "home_city": "home_city",
    "country": "country",
    "language": "language",
}
"""The event's columns of standard fields, and what the fields are called in `/users/track`."""

UPDATES_NEED = frozenset({"id", "event_time"})
"""Columns without which a table of events tells nothing."""

_LAST_MS = 253_402_300_799_999
_IDENTIFIERS = {"external_id": "external_user_id", "braze_id": "user_id"}


def updates_sql(table: str, columns: Collection[str], identifier: str, only: str | None = None) -> str:
    """One row an updated attribute: `event_id`, `identifier`, `attribute`, `found`, `time`, `source`.

    `found` is JSON text, `null` where a custom attribute was removed. Beside them, one row without an
    attribute for each event whose custom attributes are no JSON object (dropped or hashed, or damaged).

    Args:
        table: A table expression of events.
        columns: The columns it has; of those that are missing nothing is known.
        identifier: `external_id` or `braze_id`; NULL for users who have none.
        only: A subquery of the identifiers to look at.
    """

    def column(name: str) -> str:
        return f"CAST({quote_identifier(name)} AS VARCHAR)" if name in columns else "NULL::VARCHAR"

    milliseconds = f"TRY_CAST({column('time_ms')} AS BIGINT)"
    standard = ", ".join(
        f"{{a: {quote_literal(name)}, v: CAST(to_json({column(field)}) AS VARCHAR)}}"
        for field, name in PROFILE_COLUMNS.items()
        if field in columns
    )
    where = f"WHERE identifier IN ({only})" if only else ""
    events = (
        f"(SELECT id AS event_id, nullif({column(_IDENTIFIERS[identifier])}, '') AS identifier, "
        f"CASE WHEN {milliseconds} BETWEEN 0 AND {_LAST_MS} "
        f"THEN CAST(epoch_ms({milliseconds}) AS TIMESTAMPTZ) ELSE event_time END AS time, "
        f"{column('update_source')} AS source, {column('custom_attributes')} AS custom, "
        "CASE WHEN custom IS NULL THEN true WHEN json_valid(custom) THEN json_type(custom) = 'OBJECT' "
        "ELSE false END AS readable, "
        f"[{standard}]::STRUCT(a VARCHAR, v VARCHAR)[] AS standard FROM {table} {where})"
    )
    shown = "event_id, identifier, {}, time, source"
    return (
        f"WITH events AS MATERIALIZED {events} "
        f"SELECT {shown.format('s.a AS attribute, s.v AS found')} "
        "FROM (SELECT *, unnest(standard) AS s FROM events) WHERE s.v IS NOT NULL AND s.v <> 'null' "
        f"UNION ALL SELECT {shown.format('e.key AS attribute, CAST(e.value AS VARCHAR) AS found')} "
        "FROM (SELECT * REPLACE (CASE WHEN readable THEN coalesce(custom, '{}') ELSE '{}' END AS custom) "
        "FROM events) AS s, json_each(s.custom) AS e "
        f"UNION ALL SELECT {shown.format('NULL, NULL')} FROM events WHERE NOT readable"
    )


def profile_update(
    number: int,
    at: datetime,
    attributes: Mapping[str, Any],
    *,
    external_id: str | None,
    braze_id: str = "",
    source: str = "REST",
) -> dict[str, Any]:
    """A made-up event as Braze would write it.

    Args:
        number: Another number is another event.
        at: When it happened.
        attributes: New values by their names in `/users/track`; None for a custom attribute that was removed.
        external_id: Whose profile.
        braze_id: Its Braze id; made up when empty.
        source: What changed it.
    """
    columns = {name: field for field, name in PROFILE_COLUMNS.items()}
    custom = {name: value for name, value in attributes.items() if name not in columns}
    return {
        "id": f"{at:%Y%m%d%H%M%S}-{number:06d}-profile",
        "user_id": braze_id or f"braze-{external_id}",
        "external_user_id": external_id,
        "time": int(at.timestamp()),
        "time_ms": int(at.timestamp() * 1000),
        "update_source": source,
        **{columns[name]: str(value) for name, value in attributes.items() if name in columns},
        "custom_attributes": json.dumps(custom, default=_number, ensure_ascii=False) if custom else None,
    }


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"There is no JSON for {type(value).__name__}.")

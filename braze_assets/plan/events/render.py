"""The JSON text of events and purchases, written by DuckDB.

Source: Braze documentation "Event object" and "Purchase object", September 2026.
"""

import json

from braze_assets.plan.events.settings import EventPlanSettings
from braze_assets.plan.json_objects import identifier_json, members
from braze_assets.rows import AttributeType, json_form
from braze_assets.rows.events import EventsHeader
from braze_assets.storage import quote_identifier, quote_literal

__all__ = ["event_sql", "properties_sql"]

_ORDER = ("name", "product_id", "currency", "price", "quantity", "time")


def properties_sql(header: EventsHeader) -> str:
    """The SQL expression of the properties as JSON; NULL where an event has none.

    A property that is NULL is left out: Braze has no use for it.
    """
    if not header.properties:
        return "CAST(NULL AS VARCHAR)"
    pairs = [
        (name, f"{value} IS NOT NULL", json_form(value, AttributeType.from_sql(sql)))
        for name, sql in header.properties.items()
        for value in [f"e.properties.{quote_identifier(name)}"]
    ]
    inner = f"concat({members(pairs)})"
    return f"CASE WHEN {inner} <> '' THEN concat('{{', substr({inner}, 2), '}}') END"


def event_sql(header: EventsHeader, properties: str, settings: EventPlanSettings) -> str:
    """The SQL expression of a whole object: identifier, `_update_existing_only`, fields, properties.

    Args:
        header: The header of the table, whose columns are in scope.
        properties: SQL of the properties as JSON.
        settings: The sync's settings.
    """
    identifier = quote_identifier(header.identifier)
    head = quote_literal("{" + json.dumps(header.identifier) + ":")
    only = f',"_update_existing_only":{"true" if settings.update_existing_only else "false"}'
    app = "" if settings.app_id is None else f',"app_id":{json.dumps(settings.app_id, ensure_ascii=False)}'
    pairs = [
        (role, f"{role} IS NOT NULL", json_form(role, AttributeType.from_sql(header.fields[role])))
        for role in _ORDER
        if role in header.fields
    ]
    return (
        f"concat({head}, {identifier_json(header.identifier, identifier)}, {quote_literal(only + app)}, "
        f"{members(pairs)}, ',\"properties\":' || {properties}, '}}')"
    )

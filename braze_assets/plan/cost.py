"""What a plan costs, counted from its changes, before anything is sent.

Data points as contracts from before spring 2025 count them: one for every billed attribute that is set,
whether its value changed or not, one for an array however long or for a value added to one, one for every key
of a nested object, none for removing an attribute. Source: Braze documentation "Data points", September 2026.
"""

from typing import TYPE_CHECKING

from braze_assets.braze.fields import billed
from braze_assets.plan.header import AttributeCount, Counts
from braze_assets.rows import Attribute, RowsHeader, json_form
from braze_assets.storage import StoredTable, quote_identifier, quote_literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["count_attributes", "count_changes", "count_if_resent", "object_points", "weighed"]


def weighed(attribute: Attribute) -> bool:
    """Whether setting the attribute can cost anything but one data point."""
    return attribute.type.name == "Object" or attribute.update == "patch"


def object_points(text: str) -> str:
    """SQL: the data points of a nested value, from its canonical JSON text: one a key, at every level.

    Without its strings, a JSON text has a colon for each key. The key that marks a time is not one.
    """
    bare = f"""regexp_replace({text}, '"(?:[^"\\\\]|\\\\.)*"', '', 'g')"""
    keys = f"(length({bare}) - length(replace({bare}, ':', '')))"
    times = f"""((strlen({text}) - strlen(replace({text}, '"$time":', ''))) // 8)"""
    return f"CAST(greatest(1, {keys} - {times}) AS INTEGER)"


def count_changes(connection: "DuckDBPyConnection", changes: str) -> Counts:
    """Objects by kind, and their attributes, data points and bytes.

    Args:
        connection: A DuckDB connection.
        changes: A table of the rows of `Diff.sql`.
    """
    kinds = connection.sql(
        "SELECT kind, count(*), coalesce(sum(len(attributes)), 0), sum(data_points), "
        f"coalesce(sum(strlen(object)), 0), count(*) FILTER (vanished) FROM {changes} GROUP BY kind"
    ).fetchall()
    by_kind = {row[0]: row[1:] for row in kinds}
    sent = [by_kind[kind] for kind in ("new", "changed", "unset") if kind in by_kind]
    number = {kind: int(row[0]) for kind, row in by_kind.items()}
    return Counts(
        objects=sum(int(row[0]) for row in sent),
        new=number.get("new", 0),
        changed=number.get("changed", 0),
        unset=number.get("unset", 0),
        left_out=number.get("left_out", 0),
        vanished=sum(int(row[4]) for row in by_kind.values()),
        attributes=sum(int(row[1]) for row in sent),
        data_points=sum(int(row[2]) for row in sent),
        bytes=sum(int(row[3]) for row in sent),
    )


def count_attributes(
    connection: "DuckDBPyConnection", changes: str, header: RowsHeader
) -> dict[str, AttributeCount]:
    """How often each attribute is set and unset, and the data points of that; only those that are sent."""
    names = [attribute.name for attribute in header.attributes]
    sets = ", ".join(f'count("values".{quote_identifier(name)})' for name in names)
    [row] = connection.sql(f"SELECT {sets} FROM {changes}").fetchall()
    points = _weights(connection, changes, header)
    count = {name: int(number) for name, number in zip(names, row, strict=True)}
    # Users that are new to the ledger hold nothing that could be unset: their lists need not be opened.
    in_values = "".join(
        f' WHEN {quote_literal(name)} THEN "values".{quote_identifier(name)} IS NULL' for name in names
    )
    unset = connection.sql(
        f'SELECT name, count(*) FROM (SELECT unnest(attributes) AS name, "values" FROM {changes} '
        "WHERE kind IN ('changed', 'unset')) "
        f"WHERE CASE name{in_values} ELSE true END GROUP BY name"
    ).fetchall()
    removed = {name: int(number) for name, number in unset}
    return {
        name: AttributeCount(
            set=count.get(name, 0),
            unset=removed.get(name, 0),
            data_points=points.get(name, count.get(name, 0)) if billed(name) else 0,
        )
        for name in [*names, *sorted(set(removed) - set(names))]
        if count.get(name) or removed.get(name)
    }


def _weights(connection: "DuckDBPyConnection", changes: str, header: RowsHeader) -> dict[str, int]:
    names = [attribute.name for attribute in header.attributes if weighed(attribute)]
    if not names:
        return {}
    sums = ", ".join(f"coalesce(sum(weights.{quote_identifier(name)}), 0)" for name in names)
    [row] = connection.sql(f"SELECT {sums} FROM {changes}").fetchall()
    return {name: int(number) for name, number in zip(names, row, strict=True)}


def count_if_resent(connection: "DuckDBPyConnection", rows: StoredTable, header: RowsHeader) -> int:
    """The data points of sending every row whole, as a sync without a ledger would."""
    columns = [
        (quote_identifier(attribute.name), attribute.type)
        for attribute in header.attributes
        if billed(attribute.name)
    ]
    if not columns:
        return 0
    points = " + ".join(
        f"coalesce(sum({object_points(json_form(column, type))}) FILTER ({column} IS NOT NULL), 0)"
        if type.name == "Object"
        else f"count({column})"
        for column, type in columns
    )
    source = rows.sql(connection)
    [(number,)] = connection.sql(f"SELECT {points} FROM {source} WHERE _error IS NULL").fetchall()
    return int(number)

"""Which users may differ, found without holding their values.

Two scans of Parquet give an identifier and a digest of the values for every user, and one hash join of these
tells whom to look at. So what is held in memory, or spilled, are some bytes a user, whatever the number of
attributes.
"""

from collections.abc import Sequence

from braze_assets.ledger.types import converted
from braze_assets.plan.diff import Diff
from braze_assets.rows import AttributeType
from braze_assets.storage import quote_identifier

__all__ = ["suspects_sql"]


def suspects_sql(diff: Diff) -> str:
    """SQL: `id` of all users whose values may differ, of the new ones, and of those that vanished.

    Of the values that are both wanted and held there is a digest of 128 bits: that a change goes unseen
    because two digests are equal by chance is less likely than one in 10^30 in a plan of 100 million changes.

    Args:
        diff: The plan's queries; something is held.
    """
    identifier = quote_identifier(diff.header.identifier)
    wanted, held, odd, held_odd = [], [], ["_error IS NOT NULL"], ["_unknown IS NOT NULL"]
    for column in diff.columns:
        name = quote_identifier(column.name)
        if column.new is None:
            held_odd += [f"{name} IS NOT NULL"] if diff.unsets(column) else []
        elif column.old is None:
            odd.append(f"{name} IS NOT NULL")
        else:
            kind = column.new.type.sql
            same = converted(name, column.old, kind)
            wanted.append(_hashed(f"CAST({name} AS {kind})", column.new.type))
            held.append(_hashed(same, column.new.type))
            if column.old != kind:
                # What has no value of the new type is NULL there, and held all the same.
                held_odd.append(f"({name} IS NOT NULL AND {same} IS NULL)")
    return f"""
        SELECT coalesce(id, held_id) AS id
        FROM (SELECT {identifier} AS id, {" OR ".join(odd)} AS odd, {_digest(wanted)} AS digest
              FROM {diff.rows})
        FULL JOIN (SELECT {identifier} AS held_id, {" OR ".join(held_odd)} AS held_odd,
                     {_digest(held)} AS held_digest
                   FROM {diff.held}) ON id = held_id
        WHERE id IS NULL OR held_id IS NULL OR odd OR held_odd OR digest <> held_digest"""


def _hashed(value: str, kind: AttributeType) -> str:
    """What goes into the digest: DuckDB hashes some arrays alike ([0] and [0, 0]; [] and NULL)."""
    if kind.name == "Object" or (kind.array and kind.name == "String"):
        return f"to_json({value})::VARCHAR"
    return f"CAST({value} AS VARCHAR)" if kind.array else value


def _digest(values: Sequence[str]) -> str:
    """SQL: 128 bits that differ where the values do."""
    if not values:
        return "0"
    return f"(hash({', '.join(values)}), hash(42, {', '.join(reversed(values))}))"

"""A small world that changes from day to day: tables drawn from few values, so that old ones come back."""

from __future__ import annotations

import copy
import random
from typing import Any

from braze_assets_tests.chaos.model import BAD, Table, Value

POOLS: dict[str, list[Value]] = {
    "BIGINT": [0, 1, 2, -7],
    "VARCHAR": ["", "x", "null", "0123", 'é"\\'],
    "BOOLEAN": [True, False],
    "DECIMAL(9,2)": [0, 1.5, 2.25],
    "DOUBLE": [0.5, -1.25, 1e20],
    "DATE": ["2026-01-02", "1999-12-31"],
    "TIMESTAMP WITH TIME ZONE": ["2026-01-02T03:04:05.678Z", "2026-06-30T23:59:59.000Z"],
    "VARCHAR[]": [[], ["a", "b"], ["b"]],
}
"""By canonical type, the values as Braze would show them."""

_BAD = {"VARCHAR": "repeat('y', 300)", "DOUBLE": "'NaN'::DOUBLE"}
_ODD_USERS = ["0123", "1.10", "true", "Ünï ", 'q"uote', "null"]
_NAMES = {
    "points": "BIGINT",
    "level": "VARCHAR",
    "vip": "BOOLEAN",
    "ratio": "DECIMAL(9,2)",
    "score.x": "DOUBLE",
    "joined": "DATE",
    "seen at": "TIMESTAMP WITH TIME ZONE",
    "tags": "VARCHAR[]",
    "first_name": "VARCHAR",
}
_FLIPS = {"points": ["VARCHAR", "DECIMAL(9,2)", "BIGINT"], "level": ["BIGINT", "VARCHAR"], "vip": ["VARCHAR"]}


class World:
    """The newest table, and chance.

    Args:
        chance: Seeded.
        users: How many there may be.
    """

    def __init__(self, chance: random.Random, *, users: int) -> None:
        self.chance = chance
        self.users = [*_ODD_USERS, *(f"user-{number:02d}" for number in range(users))][:users]
        names = chance.sample(sorted(_NAMES), chance.randint(3, 6))
        self.types = {name: _NAMES[name] for name in names}
        self.table = Table(
            types=dict(list(self.types.items())[:-1]),
            rows={},
            null_policy={name: chance.choice(["omit", "unset"]) for name in names},
            removed_rows=chance.choice(["keep", "unset"]),
            removed_attributes=chance.choice(["keep", "unset"]),
        )
        self.change(joining=0.9)

    def change(self, *, joining: float = 0.3, cells: float = 0.2) -> Table:
        """Another day: users join and leave, columns come and go, cells change; returns the new table."""
        chance, table = self.chance, copy.deepcopy(self.table)
        for name, type in self.types.items():
            if name not in table.types:
                if chance.random() < 0.3:
                    table.types[name] = type
            elif chance.random() < 0.07 and len(table.types) > 1:
                del table.types[name]
            elif chance.random() < 0.06 and name in _FLIPS:
                table.types[name] = chance.choice(_FLIPS[name])
            if chance.random() < 0.05:
                table.null_policy[name] = "omit" if table.null_policy[name] == "unset" else "unset"
        for user in self.users:
            if user in table.rows and chance.random() < 0.06:
                del table.rows[user]
            elif user not in table.rows and chance.random() < joining:
                table.rows[user] = {}
        table.broken = {user for user in table.rows if chance.random() < 0.02}
        for row in table.rows.values():
            for name, type in table.types.items():
                retyped = type != self.table.types.get(name, type)
                if name not in row or retyped or chance.random() < cells:
                    row[name] = self._value(type)
            for name in row.keys() - table.types.keys():
                del row[name]
        if not table.rows:
            return self.change(joining=0.9)
        self.table = table
        return copy.deepcopy(table)

    def _value(self, type: str) -> Value:
        dice = self.chance.random()
        if dice < 0.2:
            return None
        return BAD if dice < 0.22 and type in _BAD else self.chance.choice(POOLS[type])


def source_sql(table: Table) -> str:
    """A table expression that yields the table, broken rows twice."""
    names = ["external_id", *table.types]
    types = ["VARCHAR", *table.types.values()]
    rows = [
        [user, *(row[name] for name in table.types)]
        for user, row in table.rows.items()
        for _ in range(1 + (user in table.broken))
    ]
    lines = [
        "(" + ", ".join(_literal(value, type) for value, type in zip(row, types, strict=True)) + ")"
        for row in rows
    ]
    columns = ", ".join('"' + name + '"' for name in names)
    nothing = "(" + ", ".join(f"NULL::{type}" for type in types) + ")"
    where = "" if rows else " WHERE false"
    return f"(SELECT * FROM (VALUES {', '.join(lines or [nothing])}) AS t({columns}){where})"


def _literal(value: Any, type: str) -> str:
    if value is None:
        return f"NULL::{type}"
    if value == BAD:
        return _BAD[type]
    if isinstance(value, list):
        return f"CAST([{', '.join(_literal(item, 'VARCHAR') for item in value)}] AS {type})"
    text = str(value).replace("'", "''")
    return f"CAST('{text}' AS {type})"

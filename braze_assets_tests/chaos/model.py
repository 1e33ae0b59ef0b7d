"""The reference model: what Braze must hold, in plain dictionaries and none of the project's code.

A cell is one attribute of one user; `None` is a cell without a value. A table says what is wanted of some
cells and leaves the others alone. After everything came to rest, a wanted cell holds what is wanted, and any
other one of the values that somebody tried to give it since it was last seen at rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Value = Any
Cell = tuple[str, str]

BAD = "<bad>"
"""A cell that cannot be sent: it says nothing about what is wanted."""


@dataclass
class Table:
    """The wanted table of one partition, and the settings it is sent with."""

    types: dict[str, str]
    rows: dict[str, dict[str, Value]]
    null_policy: dict[str, str] = field(default_factory=dict)
    """By attribute: where the table says NULL, `omit` (the default) changes nothing, `unset` empties."""
    removed_rows: str = "keep"
    removed_attributes: str = "keep"
    broken: set[str] = field(default_factory=set)
    """Users whose rows cannot be sent (two rows for one identifier); they have not vanished either."""


class Model:
    """What Braze may hold, cell by cell."""

    def __init__(self) -> None:
        self._may: dict[Cell, list[Value]] = {}

    def wants(self, table: Table) -> dict[Cell, Value]:
        """The cells a table says something about, and what."""
        users = {*table.rows, *(user for user, _ in self._may)}
        names = {*table.types, *(name for _, name in self._may)}
        wanted: dict[Cell, Value] = {}
        for user in users - table.broken:
            for name in names:
                if user not in table.rows:
                    if table.removed_rows == "unset":
                        wanted[user, name] = None
                elif name not in table.types:
                    if table.removed_attributes == "unset":
                        wanted[user, name] = None
                else:
                    value = table.rows[user][name]
                    if value is None and table.null_policy.get(name, "omit") == "unset":
                        wanted[user, name] = None
                    elif value is not None and value != BAD:
                        wanted[user, name] = value
        return wanted

    def tried(self, table: Table) -> None:
        """Somebody began to send this table; any part of it may have come through."""
        for cell, value in self.wants(table).items():
            self._may.setdefault(cell, [None]).append(value)

    def wrong(self, table: Table, profiles: Mapping[str, Mapping[str, Value]]) -> Iterable[str]:
        """What is wrong with the profiles, everything being at rest and this table sent."""
        wanted = self.wants(table)
        cells = {*wanted, *self._may, *((user, name) for user in profiles for name in profiles[user])}
        for user, name in sorted(cells):
            holds = profiles.get(user, {}).get(name)
            if (user, name) in wanted:
                if not same(holds, wanted[user, name]):
                    yield f"{user!r} holds {name} = {holds!r}; wanted is {wanted[user, name]!r}"
            elif not any(same(holds, value) for value in self._may.get((user, name), [None])):
                yield f"{user!r} holds {name} = {holds!r}, which nobody asked for since it was last at rest"

    def at_rest(self, profiles: Mapping[str, Mapping[str, Value]]) -> None:
        """From here on only what is tried later can change anything."""
        self._may = {(user, name): [profiles.get(user, {}).get(name)] for user, name in self._may}


def same(one: Value, other: Value) -> bool:
    """Whether two JSON values are the same: 1 is 1.0, but `true` is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)

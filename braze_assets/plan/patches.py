"""Patches: a changed array or object sent as its change, where that is safe and smaller (K18b).

A patch is made only of a value that Braze acknowledged, and only where Braze's rules make exactly the new
value of it, sent once or twice. Sources: Braze documentation "Arrays", "Nested custom attributes" and "Data
points", September 2026.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from braze_assets.plan.cost import object_points
from braze_assets.plan.merge_patch import MERGE_PATCH
from braze_assets.rows import AttributeType, json_form

if TYPE_CHECKING:
    from braze_assets.plan.diff import Compared

__all__ = ["Patches"]

_MERGE_KEY_BYTES = len(',"_merge_objects":true')


@dataclass(frozen=True)
class Patches:
    """The patches of one plan, as SQL over the columns `w<i>`, `h<i>` and the flags of `Diff.changes`.

    Objects are merged only when all objects of a user can be: `_merge_objects` holds for all of them.

    Args:
        columns: The attributes that may be sent, each with the flag that says whether it is.
        array_items: Items an array may have.
        trusted: Whether the values held are what Braze acknowledged; else everything is sent whole.
    """

    columns: "Sequence[tuple[Compared, str]]"
    array_items: int
    trusted: bool

    def _asked(self, *, array: bool) -> "list[tuple[Compared, str]]":
        return [
            (c, flag)
            for c, flag in self.columns
            if self.trusted
            and c.new is not None
            and c.new.update == "patch"
            and c.new.type.array is array
            and c.new.type.patchable
            # What is compared across types is not what Braze compares.
            and c.old == c.new.type.sql
        ]

    def source(self, flagged: str) -> str:
        """The same rows with the columns that `text`, `points` and `merged` speak of.

        Args:
            flagged: A table expression with values and flags.
        """
        arrays, objects = self._asked(array=True), self._asked(array=False)
        if not arrays and not objects:
            return flagged
        lists = "".join(
            f", CASE WHEN {self._safe(c, flag)} THEN list_filter(w{c.number}, "
            f"lambda _x: NOT list_contains(h{c.number}, _x)) END AS a{c.number}"
            f", CASE WHEN {self._safe(c, flag)} THEN list_filter(h{c.number}, "
            f"lambda _x: NOT list_contains(w{c.number}, _x)) END AS r{c.number}"
            for c, flag in arrays
        )
        merges = "".join(
            f", CASE WHEN {self._safe(c, flag)} THEN "
            f"{MERGE_PATCH}({_text('h', c)}, {_text('w', c)}) END AS m{c.number}"
            for c, flag in objects
        )
        texts = "".join(f", {self._array_text(c)} AS p{c.number}" for c, _ in arrays)
        inner = f"(SELECT *{lists}{merges} FROM {flagged})"
        chosen = "".join(f", CASE WHEN merged THEN m{c.number} END AS p{c.number}" for c, _ in objects)
        return f"(SELECT *{chosen} FROM (SELECT *{texts}, {self._merged()} AS merged FROM {inner}))"

    def _safe(self, column: "Compared", flag: str) -> str:
        """SQL: both values are there, and Braze said of the old one that it holds it."""
        n = column.number
        return f"({flag} AND w{n} IS NOT NULL AND h{n} IS NOT NULL AND NOT {column.unknown})"

    def _array_text(self, column: "Compared") -> str:
        """SQL of `{"add":[...],"remove":[...]}`; NULL where the array is sent whole.

        Added values go to the end. A value is never added that is there already: where it would end up is not
        sure. At most one is added, since each costs a data point and the whole array costs one; and never so
        many that the array would be over its limit on the way, where Braze drops the first items.
        """
        assert column.new is not None
        n, type = column.number, column.new.type
        stays = f"list_filter(h{n}, lambda _x: list_contains(w{n}, _x))"
        add = f"""CASE WHEN len(a{n}) > 0 THEN '"add":' || {json_form(f"a{n}", type)} END"""
        remove = f"""CASE WHEN len(r{n}) > 0 THEN '"remove":' || {json_form(f"r{n}", type)} END"""
        text = f"'{{' || concat_ws(',', {add}, {remove}) || '}}'"
        return (
            f"CASE WHEN len(a{n}) <= 1 AND greatest(len(h{n}), len(w{n})) + len(a{n}) <= {self.array_items} "
            f"AND w{n} = list_concat({stays}, a{n}) "
            f"AND strlen({text}) < strlen({json_form(f'w{n}', type)}) THEN {text} END"
        )

    def _merged(self) -> str:
        """SQL: every object that is set for this user can be merged, and that is smaller."""
        asked = {c.number for c, _ in self._asked(array=False)}
        if not asked:
            return "false"
        objects = [(c, flag) for c, flag in self.columns if c.new and c.new.type.name == "Object"]
        every = [
            f"(NOT {flag} OR w{c.number} IS NULL"
            + (f" OR m{c.number} IS NOT NULL)" if c.number in asked else ")")
            for c, flag in objects
        ]
        saved = " + ".join(
            f"coalesce(strlen({_text('w', c)}) - strlen(m{c.number}), 0)"
            for c, _ in objects
            if c.number in asked
        )
        return f"({' AND '.join(every)} AND {saved} > {_MERGE_KEY_BYTES})"

    @property
    def merged(self) -> str | None:
        """The column that says whether the object is sent with `_merge_objects`; None where none is."""
        return "merged" if self._asked(array=False) else None

    def patched(self, column: "Compared") -> str | None:
        """The column of the attribute's patch, NULL where it is sent whole; None where it always is."""
        asked = {c.number for array in (True, False) for c, _ in self._asked(array=array)}
        return f"p{column.number}" if column.number in asked else None

    def text(self, column: "Compared") -> str:
        """SQL: the JSON text that is sent for the attribute; NULL where it is unset."""
        if column.new is None:
            return "NULL"
        whole, patch = json_form(f"w{column.number}", column.new.type), self.patched(column)
        return f"coalesce({patch}, {whole})" if patch else whole

    def points(self, column: "Compared") -> str:
        """SQL: the data points of setting the attribute."""
        assert column.new is not None
        type, patch = column.new.type, self.patched(column)
        if type.name == "Object":
            return object_points(self.text(column))
        # A removed value costs nothing, an added one what the whole array does.
        return f"CASE WHEN {patch} IS NOT NULL THEN len(a{column.number}) ELSE 1 END" if patch else "1"


def _text(prefix: str, column: "Compared") -> str:
    return json_form(f"{prefix}{column.number}", AttributeType("Object"))

"""The difference between the wanted table and the ledger, attribute by attribute, in SQL.

Of the users that `suspects` finds, wanted and held values are joined and compared in canonical types, where
two are equal exactly when their JSON is; and JSON is written for those that differ.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from braze_assets.braze.fields import billed
from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.ledger.types import converted, family
from braze_assets.plan.cost import weighed
from braze_assets.plan.json_objects import object_sql, previous_sql
from braze_assets.plan.patches import Patches
from braze_assets.plan.settings import PlanSettings
from braze_assets.rows import Attribute, AttributeType, RowsHeader, json_form
from braze_assets.storage import quote_identifier, quote_literal

__all__ = ["OUTCOME_UNKNOWN", "TOO_LARGE", "Compared", "Diff"]

OUTCOME_UNKNOWN = "outcome unknown"
TOO_LARGE = "object_too_large"

_ENVELOPE = 64
"""Bytes of a request around its one object."""


@dataclass(frozen=True)
class Compared:
    """One attribute: wanted in column `w<i>`, held by the ledger in `h<i>`, sent where `f<i>` is true."""

    number: int
    name: str
    new: Attribute | None
    old: str | None
    """The DuckDB type of its ledger column."""

    @property
    def flipped(self) -> bool:
        """Whether Braze would see another kind of type."""
        return self.new is not None and self.old is not None and family(self.old) != family(self.new.type.sql)

    @property
    def type(self) -> AttributeType:
        """The type it has from now on."""
        return self.new.type if self.new is not None else AttributeType.from_sql(self.old or "VARCHAR")

    @property
    def unknown(self) -> str:
        """SQL: what Braze holds is not known."""
        return f"coalesce(list_contains(unknown, {quote_literal(self.name)}), false)"

    @property
    def _held(self) -> str:
        return f"h{self.number} IS NOT NULL" if self.old else "false"

    def differs(self, *, unset: bool) -> str:
        """SQL: the wanted value differs from the one held. Unknown outcomes are not looked at."""
        if self.new is None:
            return self._held if unset else "false"
        wanted = f"w{self.number}"
        if self.old is None:
            return f"{wanted} IS NOT NULL"
        held = converted(f"h{self.number}", self.old, self.new.type.sql)
        set_ = f"({wanted} IS NOT NULL AND {wanted} IS DISTINCT FROM {held})"
        return f"({set_} OR ({wanted} IS NULL AND {self._held}))" if unset else set_

    def sent(self, *, unset: bool, unset_removed: bool) -> str:
        """SQL: the attribute is sent for this user."""
        wanted = f"w{self.number}" if self.new is not None else "NULL"
        known = self.differs(unset=unset)
        again = f"({self.unknown} AND {'true' if unset else f'{wanted} IS NOT NULL'})"
        if unset and self.new is not None:
            # A bad cell is NULL as well, but says nothing about what is wanted.
            bad = f"{wanted} IS NULL AND coalesce(list_contains(bad, {quote_literal(self.name)}), false)"
            known, again = f"({known} AND NOT ({bad}))", f"({again} AND NOT ({bad}))"
        gone = f"({self._held} OR {self.unknown})" if unset_removed else "false"
        return f"CASE WHEN error IS NOT NULL THEN false WHEN present THEN {known} OR {again} ELSE {gone} END"


@dataclass(frozen=True, kw_only=True)
class Diff:
    """The queries of one plan: `candidates` joins, `changes` looks closer and renders.

    Args:
        rows: A table expression of the wanted table.
        header: Its header.
        held: A table expression of the ledger's `acknowledged`, or None when it is empty.
        held_types: The ledger's attributes and their types.
        settings: The sync's.
    """

    rows: str
    header: RowsHeader
    held: str | None
    held_types: Mapping[str, str]
    settings: PlanSettings
    retired: Collection[str] = ()
    """Attributes that are unset for every user where they are not in the table any more."""
    acknowledged: bool = True
    """Whether `held` is what Braze acknowledged. Only then can a change be sent as a patch."""

    @property
    def _identifier(self) -> IdentifierKind:
        return self.header.identifier

    @cached_property
    def columns(self) -> Sequence[Compared]:
        """The table's attributes in its order, then those that only the ledger has."""
        wanted = {attribute.name: attribute for attribute in self.header.attributes}
        names = [*wanted, *(name for name in self.held_types if name not in wanted)]
        return [
            Compared(number, name, wanted.get(name), self.held_types.get(name))
            for number, name in enumerate(names)
        ]

    def unsets(self, column: Compared) -> bool:
        """Whether a NULL removes the attribute."""
        if column.new is None:
            return self.settings.removed_attributes == "unset" or column.name in self.retired
        return column.new.null_policy == "unset"

    def leaves(self, column: Compared) -> bool:
        """Whether a user who vanished from the table loses the attribute."""
        if column.new is None and column.name in self.retired:
            return True
        only = self.settings.removed_rows_unset
        return self.settings.removed_rows == "unset" and (only is None or column.name in only)

    @property
    def merges(self) -> bool:
        """Whether the queries use `merge_patch.MERGE_PATCH`."""
        return self._patches([(column, "") for column in self.columns]).merged is not None

    def _patches(self, sends: Sequence[tuple[Compared, str]]) -> Patches:
        items = self.settings.limits.array_items
        return Patches(sends, array_items=items, trusted=self.acknowledged)

    def candidates(self, among: Callable[[str], str] = lambda identifier: "true") -> str:
        """Wanted and held side by side: users that differ, or may, or vanished, or cannot be sent.

        Args:
            among: SQL that tells by the SQL of an identifier whether to look at the user; everybody if left
                out. Not used where nothing is held.
        """
        identifier = quote_identifier(self._identifier)
        unsets = any(self.unsets(column) for column in self.columns)
        bad = "list_transform(_findings, lambda f: f.attribute)" if unsets else "NULL::VARCHAR[]"
        wanted = "".join(
            f", CAST({quote_identifier(c.name)} AS {c.new.type.sql}) AS w{c.number}"
            for c in self.columns
            if c.new
        )
        rows = f"""
            SELECT {identifier} AS id, true AS present, _error AS error, {bad} AS bad{wanted}
            FROM {self.rows}"""
        if self.held is None:
            nothing = "".join(f", NULL::{c.old} AS h{c.number}" for c in self.columns if c.old)
            # Without a ledger there is nothing to join, and nothing to spill.
            return f"SELECT *, NULL::VARCHAR AS held_id, NULL::VARCHAR[] AS unknown{nothing} FROM ({rows})"
        held = "".join(f", {quote_identifier(c.name)} AS h{c.number}" for c in self.columns if c.old)
        looked_at = among(identifier)
        rows += f" WHERE _error IS NOT NULL OR {looked_at}"
        ledger = (
            f"SELECT {identifier} AS held_id, _unknown AS unknown{held} FROM {self.held} WHERE {looked_at}"
        )
        differs = " OR ".join(c.differs(unset=self.unsets(c)) for c in self.columns)
        return (
            f"SELECT * FROM ({rows}) FULL JOIN ({ledger}) ON id = held_id "
            f"WHERE present IS NULL OR error IS NOT NULL OR unknown IS NOT NULL OR {differs}"
        )

    def changes(self, candidates: str) -> str:
        """The plan's columns without `n`, `vanished` (the user is in the ledger only), and `weights`.

        `weights` has the data points of each attribute whose values differ in them, see `cost.weighed`.

        `kind` can also be `nothing`: nothing is sent for such a row, it is there to be counted.

        Args:
            candidates: A table expression of the rows of `candidates`.
        """
        sends = [
            (c, f"f{c.number}") for c in self.columns if c.new is not None or self.unsets(c) or self.leaves(c)
        ]
        flags = "".join(
            f", {c.sent(unset=self.unsets(c), unset_removed=self.leaves(c))} AS {flag}" for c, flag in sends
        )
        patches = self._patches(sends)
        any_sent = " OR ".join(flag for _, flag in sends)
        names = ", ".join(f"CASE WHEN {flag} THEN {quote_literal(c.name)} END" for c, flag in sends)
        sets = " OR ".join(f"({flag} AND w{c.number} IS NOT NULL)" for c, flag in sends if c.new) or "false"
        points = " + ".join(
            f"CASE WHEN {flag} AND w{c.number} IS NOT NULL THEN {patches.points(c)} ELSE 0 END"
            if weighed(c.new)
            else f"({flag} AND w{c.number} IS NOT NULL)::INTEGER"
            for c, flag in sends
            if c.new and billed(c.name)
        )
        weights = ", ".join(
            f"{quote_identifier(c.name)} := CASE WHEN {flag} AND w{c.number} IS NOT NULL "
            f"THEN {patches.points(c)} END"
            for c, flag in sends
            if c.new and weighed(c.new)
        )
        values = ", ".join(
            f"{quote_identifier(c.name)} := CASE WHEN {flag} THEN w{c.number} END"
            for c, flag in sends
            if c.new
        )
        new = [(c.name, flag, patches.text(c)) for c, flag in sends]
        old = [
            (c.name, flag, json_form(f"h{c.number}", AttributeType.from_sql(c.old)) if c.old else "NULL")
            for c, flag in sends
        ]
        body = object_sql(
            self._identifier,
            "coalesce(id, held_id)",
            new,
            update_existing_only=self.settings.update_existing_only,
            merged=patches.merged,
        )
        limit = self.settings.limits.bytes_per_request - _ENVELOPE
        rendered = f"""
            SELECT coalesce(id, held_id) AS id, error, unknown, present IS NULL AS vanished,
                ({any_sent}) AS sends,
                CASE WHEN held_id IS NULL THEN 'new' WHEN {sets} THEN 'changed' ELSE 'unset' END AS kind,
                list_filter([{names}], lambda name: name IS NOT NULL) AS attributes,
                CASE WHEN {any_sent} THEN {body} END AS object,
                CASE WHEN held_id IS NOT NULL AND ({any_sent}) THEN {previous_sql(old)} END AS previous,
                coalesce(CAST({points or "0"} AS INTEGER), 0) AS data_points,
                {f"struct_pack({weights})" if weights else "NULL"} AS weights,
                struct_pack({values}) AS "values"
            FROM {patches.source(f"(SELECT *{flags} FROM {candidates})")}"""
        return f"""
            SELECT CASE WHEN kind <> 'nothing' THEN id END AS {quote_identifier(self._identifier)},
                kind, vanished,
                CASE WHEN error IS NULL AND kind <> 'nothing' THEN attributes END AS attributes,
                CASE WHEN sent THEN object END AS object,
                CASE WHEN sent THEN previous END AS previous,
                CASE WHEN sent THEN data_points ELSE 0 END AS data_points,
                CASE WHEN error IS NOT NULL THEN error
                     WHEN kind = 'left_out' THEN {quote_literal(TOO_LARGE)}
                     WHEN sent AND list_has_any(attributes, unknown) THEN {quote_literal(OUTCOME_UNKNOWN)}
                END AS reason,
                CASE WHEN sent THEN weights END AS weights,
                CASE WHEN sent THEN "values" END AS "values"
            FROM (SELECT * REPLACE (
                    CASE WHEN error IS NOT NULL OR (sends AND strlen(object) > {limit}) THEN 'left_out'
                         WHEN NOT sends THEN 'nothing' ELSE kind END AS kind),
                    error IS NULL AND sends AND strlen(object) <= {limit} AS sent
                  FROM ({rendered}))"""

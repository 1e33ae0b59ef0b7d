"""From the cells of a file to the rows of its plan, in SQL."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from braze_assets.braze.fields import billed
from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.ledger import Ledger
from braze_assets.plan.diff import OUTCOME_UNKNOWN, TOO_LARGE
from braze_assets.plan.json_objects import identifier_json, object_sql, previous_sql
from braze_assets.plan.settings import PlanSettings
from braze_assets.storage import quote_identifier, quote_literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["CsvColumns"]

_ENVELOPE = 64
"""Bytes of a request around its one object."""


@dataclass(frozen=True)
class CsvColumns:
    """The columns of a file: attribute `i` is `v<i>` in the cells and `w<i>` where it is to be sent."""

    identifier: IdentifierKind
    names: Sequence[str]
    settings: PlanSettings

    @cached_property
    def wanted_columns(self) -> list[str]:
        """`w0`, `w1` ..."""
        return [f"w{number}" for number in range(len(self.names))]

    def wanted(
        self, connection: "DuckDBPyConnection", cells: str, ledger: Ledger | None, folder: Path
    ) -> str:
        """A table expression: what is to be sent of each row, against the ledger where one is given.

        `line`, `id`, `w<i>`, `same` (cells that Braze has acknowledged already), `error`, `detail`,
        `findings`, `previous` (JSON of what the ledger holds of what is sent), `again` (for its outcome is
        unknown).
        """
        everything = "".join(f", v{number} AS w{number}" for number in range(len(self.names)))
        plain = (
            f"(SELECT line, id{everything}, 0 AS same, error, detail, findings, NULL::VARCHAR AS previous, "
            f"false AS again, NULL::VARCHAR AS held_id FROM {cells})"
        )
        held = ledger.acknowledged() if ledger is not None else None
        source = held.sql(connection) if held is not None else None
        if held is None or source is None:
            return plain
        types = held.types()
        known = {number: name for number, name in enumerate(self.names) if name in types}
        fields = "".join(f", {quote_identifier(name)} AS h{number}" for number, name in known.items())
        flags, values, same, old, again = [], [], [], [], []
        for number, name in enumerate(self.names):
            value, flag = f"v{number}", f"f{number}"
            if number not in known:
                flags.append(f"{value} IS NOT NULL AS {flag}")
            else:
                unknown = f"coalesce(list_contains(unknown, {quote_literal(name)}), false)"
                flags.append(
                    f"{value} IS NOT NULL AND ({value} IS DISTINCT FROM h{number} OR {unknown}) AS {flag}"
                )
                old.append((name, flag, f"h{number}"))
                again.append(f"({flag} AND {unknown})")
            values.append(f"CASE WHEN {flag} THEN {value} END AS w{number}")
            same.append(f"({value} IS NOT NULL AND NOT {flag})::INTEGER")
        target = quote_literal(str(folder / "wanted.parquet"))
        connection.execute(
            f"COPY (SELECT line, id, {', '.join(values)}, {' + '.join(same)} AS same, error, detail, "
            f"findings, CASE WHEN held_id IS NOT NULL THEN {previous_sql(old) if old else 'NULL'} END "
            "AS previous, "
            f"{' OR '.join(again) or 'false'} AS again, held_id "
            f"FROM (SELECT *, {', '.join(flags)} FROM {cells} AS c LEFT JOIN "
            f"(SELECT {quote_identifier(self.identifier)} AS held_id, _unknown AS unknown{fields} "
            f"FROM {source}) "
            f"ON held_id = id AND error IS NULL)) TO {target} "
            "(FORMAT parquet, COMPRESSION lz4_raw, ROW_GROUP_SIZE 40960)"
        )
        return f"read_parquet({target})"

    @cached_property
    def anything(self) -> str:
        """SQL: something is to be sent of the row."""
        return f"coalesce({', '.join(self.wanted_columns)}) IS NOT NULL"

    @cached_property
    def size(self) -> str:
        """SQL: bytes of the row's object."""
        only = "true" if self.settings.update_existing_only else "false"
        around = len(f'{{"{self.identifier}":,"_update_existing_only":{only}}}')
        cells = "".join(
            f" + coalesce(strlen(w{number}) + {len(json.dumps(name, ensure_ascii=False).encode()) + 2}, 0)"
            for number, name in enumerate(self.names)
        )
        return f"({around} + strlen({identifier_json(self.identifier, 'id')}){cells})"

    @cached_property
    def reason(self) -> str:
        """SQL: why the row is not sent; NULL for one that is."""
        limit = self.settings.limits.bytes_per_request - _ENVELOPE
        return (
            f"CASE WHEN error IS NOT NULL THEN error WHEN {self.anything} THEN "
            f"CASE WHEN {self.size} > {limit} THEN {quote_literal(TOO_LARGE)} END "
            "WHEN same > 0 THEN 'unchanged' ELSE 'no_values' END"
        )

    @cached_property
    def sets(self) -> str:
        """SQL: the row sets something, rather than only unsetting."""
        return " OR ".join(f"{column} <> 'null'" for column in self.wanted_columns)

    def sent(self, wanted: str) -> str:
        """The objects of a plan, numbered as they come."""
        pairs = [(name, f"w{number} IS NOT NULL", f"w{number}") for number, name in enumerate(self.names)]
        text = object_sql(
            self.identifier, "id", pairs, update_existing_only=self.settings.update_existing_only
        )
        every = " AND ".join(condition for _, condition, _ in pairs)
        some = ", ".join(
            f"CASE WHEN {condition} THEN {quote_literal(name)} END" for name, condition, _ in pairs
        )
        attributes = (
            f"CASE WHEN {every} THEN [{', '.join(map(quote_literal, self.names))}] "
            f"ELSE list_filter([{some}], lambda name: name IS NOT NULL) END"
        )
        points = " + ".join(
            f"coalesce(w{number} <> 'null', false)::INTEGER"
            for number, name in enumerate(self.names)
            if billed(name)
        )
        kind = f"CASE WHEN coalesce({self.sets}, false) THEN CASE WHEN held_id IS NULL THEN 'new' "
        values = ", ".join(f"{quote_identifier(name)} := w{number}" for number, name in enumerate(self.names))
        return (
            f"SELECT row_number() OVER () - 1 AS n, id AS {quote_identifier(self.identifier)}, "
            f"{kind} ELSE 'changed' END ELSE 'unset' END AS kind, {attributes} AS attributes, "
            f"{text} AS object, previous, CAST({points or '0'} AS INTEGER) AS data_points, "
            f"CASE WHEN again THEN {quote_literal(OUTCOME_UNKNOWN)} END AS reason, "
            f'struct_pack({values}) AS "values", line, detail, findings '
            f"FROM {wanted} WHERE {self.reason} IS NULL"
        )

    def left_out(self, wanted: str) -> str:
        """The rows that are not sent, with the same columns."""
        values = ", ".join(f"{quote_identifier(name)} := NULL::VARCHAR" for name in self.names)
        return (
            f"SELECT NULL::BIGINT AS n, id AS {quote_identifier(self.identifier)}, 'left_out' AS kind, "
            "NULL::VARCHAR[] AS attributes, NULL::VARCHAR AS object, NULL::VARCHAR AS previous, "
            "0::INTEGER AS data_points, reason, "
            f'CASE WHEN false THEN struct_pack({values}) END AS "values", line, detail, findings '
            f"FROM (SELECT *, {self.reason} AS reason FROM {wanted}) WHERE reason IS NOT NULL"
        )

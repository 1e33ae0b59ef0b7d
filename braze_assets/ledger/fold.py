"""The fold: from receipts to what Braze has acknowledged, in one atomic commit."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from braze_assets.errors import LedgerError
from braze_assets.ledger.acknowledged import Acknowledged
from braze_assets.ledger.delta import LedgerTable
from braze_assets.ledger.held import Held, PlanRows
from braze_assets.ledger.journal import FoldResult
from braze_assets.ledger.rewrite import Rewrite
from braze_assets.ledger.schemas import PLAN_KEY
from braze_assets.ledger.types import converted, lost
from braze_assets.storage import EngineSettings, quote_identifier, quote_literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Fold", "lean", "outcomes_sql"]

_OUTCOMES = "fold_outcomes"
_PART = 500_000
"""Objects folded at a time."""
_LEAN = 800_000_000
"""Bytes."""


def outcomes_sql(receipts: str | None, where: str = "true") -> str:
    """One row an object that has a receipt: whether Braze ever accepted or rejected it."""
    if receipts is None:
        return "(SELECT NULL::BIGINT AS n, NULL::BOOLEAN AS accepted, NULL::BOOLEAN AS rejected WHERE false)"
    return (
        "(SELECT n, bool_or(outcome = 'accepted') AS accepted, bool_or(outcome = 'rejected') AS rejected "
        f"FROM {receipts} WHERE {where} GROUP BY n)"
    )


@dataclass(frozen=True, kw_only=True)
class Fold:
    """The fold of one plan, computed against one version of `acknowledged` and committed onto that version.

    Args:
        plan: The plan: it has the values.
        receipts: A table expression of the plan's receipts, or None.
        done: This many first objects were folded for good by an earlier fold.
        reach: This many first objects may have been sent; None for all.
    """

    plan: PlanRows
    receipts: str | None
    done: int
    reach: int | None
    now: datetime

    @property
    def _header(self) -> Mapping[str, Any]:
        document = self.plan.document(PLAN_KEY)
        if document is None:
            place = ", ".join(getattr(self.plan, "uris", ()))
            raise LedgerError("The kept plan has no header.", place=place, remedy="Restore the file.")
        return document

    def _sent(self, connection: "DuckDBPyConnection") -> str:
        """The plan's objects that may have been sent, with their outcomes."""
        reached = self._reached
        return (
            "(SELECT p.*, coalesce(o.accepted, false) AS accepted, "
            "coalesce(o.rejected AND NOT o.accepted, false) AS rejected "
            f"FROM (SELECT * FROM {self.plan.sql(connection)} WHERE {reached}) AS p "
            f"LEFT JOIN {outcomes_sql(self.receipts, reached)} AS o ON o.n = p.n)"
        )

    @property
    def _reached(self) -> str:
        return f"n >= {self.done}" + ("" if self.reach is None else f" AND n < {self.reach}")

    def gathered(self, connection: "DuckDBPyConnection") -> "Fold":
        """The same fold with its receipts read once, into a temporary table."""
        if self.receipts in (None, _OUTCOMES):
            return self
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {_OUTCOMES} AS SELECT n, CASE WHEN accepted THEN 'accepted' "
            f"WHEN rejected THEN 'rejected' ELSE 'unknown' END AS outcome FROM {outcomes_sql(self.receipts)}"
        )
        return replace(self, receipts=_OUTCOMES)

    def count(self, connection: "DuckDBPyConnection") -> FoldResult:
        """The outcomes, without folding anything."""
        [(accepted, rejected)] = connection.sql(
            "SELECT count(*) FILTER (accepted), count(*) FILTER (rejected AND NOT accepted) "
            f"FROM {outcomes_sql(self.receipts, self._reached)}"
        ).fetchall()
        [(objects,)] = connection.sql(
            f"SELECT count(*) FROM {self.plan.sql(connection)} WHERE {self._reached}"
        ).fetchall()
        unknown = objects - accepted - rejected
        return FoldResult(
            plan_id=self._header["plan_id"], accepted=accepted, rejected=rejected, unknown=unknown
        )

    def commit(
        self, connection: "DuckDBPyConnection", held: Acknowledged, target: LedgerTable, **numbers: int
    ) -> None:
        """Write accepted values and unknown marks.

        Args:
            connection: A DuckDB connection.
            held: The version to fold onto.
            target: The `acknowledged` table; made when there is none.
            numbers: What the commit says about itself, see `delta.once`.

        Raises:
            CommitConflict: Somebody wrote another version in the meantime; nothing was changed.
        """
        files = Rewrite(connection, held, target)
        with lean(connection):
            try:
                self.split(files)
                [(first, last)] = connection.sql(
                    f"SELECT min(n), max(n) FROM {self.plan.sql(connection)} WHERE {self._reached}"
                ).fetchall()
                for start in range(first or 0, 0 if last is None else last + 1, _PART):
                    self.write(files, start, min(start + _PART, last + 1))
            except BaseException:
                files.discard()
                raise
            # From here on the files stay: a commit whose reply was lost may have come through.
            files.commit(self.columns(held), numbers)

    def split(self, files: Rewrite) -> None:
        """Set aside what is held of the plan's users, and write anew what stands beside it."""
        held, source = files.held, self.plan.sql(files.connection)
        columns = self.columns(held)
        retyped = any(columns.get(name) != type for name, type in held.types().items())
        files.split(
            f"(SELECT n, {quote_identifier(held.identifier)} FROM {source} WHERE {self._reached})",
            convert=partial(self._untouched, files.connection) if retyped else None,
        )

    def write(self, files: Rewrite, start: int, stop: int) -> None:
        """Write what becomes of the objects from one `n` to another."""
        part = replace(self, done=start, reach=stop)
        files.write(part.rows(files.connection, files.part(start, stop), everything=True))

    def _untouched(self, connection: "DuckDBPyConnection", held: Held) -> str:
        """Rows of users the plan does not touch, in the form that it asks for."""
        return replace(self, done=0, reach=0).rows(connection, held, everything=True)

    def columns(self, held: Held) -> dict[str, str]:
        """The attributes of the table after the fold, and their types."""
        types: dict[str, str] = dict(self._header["types"])
        folded = {name.casefold() for name in types}
        # A column whose spelling changed only in case cannot stand beside the new one.
        kept = {
            name: type
            for name, type in held.types().items()
            if name in types or name.casefold() not in folded
        }
        return {**kept, **types}

    def rows(self, connection: "DuckDBPyConnection", held: Held, *, everything: bool) -> str:
        """SQL: complete new rows, of the users the plan touched or of all."""
        header, old, columns = self._header, held.types(), self.columns(held)
        values = _value_fields(self.plan)
        identifier = quote_identifier(held.identifier)
        current = held.sql(connection)
        now = f"TIMESTAMPTZ {quote_literal(self.now.isoformat())}"
        partition = "NULL" if header["partition"] is None else quote_literal(header["partition"])
        stamps = {
            "_plan_id": quote_literal(header["plan_id"]),
            "_partition": partition,
            "_acknowledged_at": now,
        }
        touched = f"(SELECT * FROM {self._sent(connection)} WHERE NOT rejected)"
        cells = []
        for name, type in columns.items():
            column = quote_identifier(name)
            before = converted(f"h.{column}", old[name], type) if name in old else "NULL"
            sent = f't."values".{column}' if name in values else "NULL"
            cleared = f"CASE WHEN NOT list_contains(t.attributes, {quote_literal(name)}) THEN {before} END"
            value = f"CASE WHEN t.accepted THEN coalesce({sent}, {cleared}) ELSE {before} END"
            cells.append(f"CAST({value} AS {type}) AS {column}")
        losses = [
            lost(f"h.{quote_identifier(name)}", name, old[name], type)
            for name, type in columns.items()
            if name in old and old[name] != type
        ]
        known = ", ".join(quote_literal(name) for name in columns)
        before = "coalesce(h._unknown, [])"
        if losses:
            before = f"list_concat({before}, list_filter([{', '.join(losses)}], lambda x: x IS NOT NULL))"
        unknown = (
            f"CASE WHEN t.accepted THEN list_filter({before}, lambda x: NOT list_contains(t.attributes, x)) "
            f"ELSE list_concat({before}, coalesce(t.attributes, [])) END"
        )
        unknown = f"list_filter(list_sort(list_distinct({unknown})), lambda x: x IN ({known}))"
        stamped = ", ".join(
            f"CASE WHEN t.n IS NOT NULL THEN {value} ELSE h.{name} END AS {name}"
            for name, value in stamps.items()
        )
        nothing = ", ".join(
            f"NULL::{type} AS {quote_identifier(name)}" for name, type in {**old, **_BOOKKEEPING}.items()
        )
        current = current or f"(SELECT NULL::VARCHAR AS {identifier}, {nothing} WHERE false)"
        join = "FULL" if everything else "LEFT"
        return (
            f"SELECT coalesce(t.{identifier}, h.{identifier}) AS {identifier}, {', '.join(cells)}, "
            f"nullif({unknown}, []) AS _unknown, {stamped} "
            f"FROM {touched} AS t {join} JOIN {current} AS h ON h.{identifier} = t.{identifier}"
        )


_BOOKKEEPING = {
    "_unknown": "VARCHAR[]",
    "_plan_id": "VARCHAR",
    "_partition": "VARCHAR",
    "_acknowledged_at": "TIMESTAMP WITH TIME ZONE",
}


def _value_fields(plan: PlanRows) -> set[str]:
    struct = plan.schema.field("values").type
    return {struct.field(i).name for i in range(struct.num_fields)}


@contextmanager
def lean(connection: "DuckDBPyConnection", limit: int = _LEAN) -> Iterator[None]:
    """Leave DuckDB less memory for a while: what it writes files with is not in its own count."""
    [(less,)] = connection.sql(
        f"SELECT parse_formatted_bytes(current_setting('memory_limit')) > {limit}"
    ).fetchall()
    if less:
        connection.execute(f"SET memory_limit = '{limit}B'")
    try:
        yield
    finally:
        if less:
            connection.execute(
                f"SET memory_limit = {quote_literal(EngineSettings.from_environment().memory_limit)}"
            )

"""A ledger that starts from what Braze is known to hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from braze_assets.errors import LedgerError, SourceError
from braze_assets.ledger.acknowledged import Acknowledged
from braze_assets.ledger.operations.cells import marked, names_sql, none_sql, total
from braze_assets.ledger.operations.operation import Rewrite, Size
from braze_assets.ledger.types import converted, lost
from braze_assets.storage import quote_identifier, quote_literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from braze_assets.ledger.ledger import Ledger
    from braze_assets.rows import BuiltRows

__all__ = ["Adopt"]


@dataclass(frozen=True, kw_only=True)
class Adopt:
    """Take a file for what Braze holds: one row a user, one column an attribute, typed as a sync's table is.

    A NULL is no value. A cell that cannot be (see docs/types.md) is not known, so the next plan sends it.

    Args:
        url: A Parquet or CSV file.
        existing: What becomes of a ledger that has rows: it is kept and this refused, replaced, or kept where
            the file says nothing.
        types: Types by attribute, where the file's own are not those of the table.
    """

    url: str
    existing: Literal["refuse", "replace", "merge"] = "refuse"
    types: Mapping[str, str] = field(default_factory=dict)
    fenced: ClassVar[bool] = True
    name: ClassVar[str] = "adopt"

    @property
    def summary(self) -> str:
        """What it does."""
        return f"adoption of a file ({self.existing})"

    def _built(self, connection: "DuckDBPyConnection", held_identifier: Any) -> "BuiltRows":
        from braze_assets.rows import AttributeSettings, RowsSpec, TableFile, build_rows

        settings = {name: AttributeSettings(type=type) for name, type in self.types.items()}
        spec = RowsSpec(
            name="adopted", query=TableFile(self.url), identifier=held_identifier, attributes=settings
        )
        return build_rows(connection, spec, {}, partition=None, as_of=datetime.now(timezone.utc))

    def arguments(self, connection: "DuckDBPyConnection") -> Mapping[str, Any]:
        """What decides what it does. The content of the file as `size` has just built it."""
        from braze_assets.rows.counts import VIEW

        [(content,)] = connection.sql(f"SELECT bit_xor(hash(v)) FROM {VIEW} AS v").fetchall()
        return {
            "url": self.url,
            "existing": self.existing,
            "types": dict(self.types),
            "content": str(content),
        }

    def size(self, ledger: "Ledger", held: Acknowledged, connection: "DuckDBPyConnection") -> Size:
        """Users and values of the file, and what of it is left out."""
        from braze_assets.rows.counts import VIEW

        built = self._built(connection, held.identifier)
        if held.users and self.existing == "refuse":
            raise LedgerError(
                f"The ledger has {held.users:,} users already.",
                place=held.uri,
                remedy="Say what is to become of them: `replace` (the file is all that Braze holds) or "
                "`merge` (where the file has a user, its columns count).",
            )
        names = [each.name for each in built.header.attributes]
        if not names:
            raise SourceError(
                "The file has no attributes, only the identifier.",
                place=self.url,
                remedy="Give a file with a column for each attribute.",
            )
        if self.existing == "merge":
            self._check_names(held, names)
        count = total(f"{quote_identifier(name)} IS NOT NULL" for name in names)
        [(users, values)] = connection.sql(
            f"SELECT count(*), coalesce(sum({count}), 0) FROM {VIEW} WHERE _error IS NULL"
        ).fetchall()
        cells = sum(number for by in built.counts.findings.values() for number in by.values())
        return Size(
            users=users,
            values=int(values),
            bytes=held.bytes,
            more={
                "attributes": len(names),
                "rows_left_out": sum(built.counts.errors.values()),
                "cells_with_findings": cells,
                "users_before": held.users,
            },
            nothing=not users,
        )

    def _check_names(self, held: Acknowledged, names: list[str]) -> None:
        by_case = {name.casefold(): name for name in held.types()}
        for name in names:
            if by_case.get(name.casefold(), name) != name:
                raise SourceError(
                    f"The file has {name}, the ledger has {by_case[name.casefold()]}.",
                    place=self.url,
                    remedy="Write the name as the ledger does.",
                )

    def change(self, held: Acknowledged, connection: "DuckDBPyConnection", now: datetime) -> Rewrite:
        """The file's rows, or both."""
        from braze_assets.rows.counts import VIEW

        built = self._built(connection, held.identifier)
        new = {each.name: each.type.sql for each in built.header.attributes}
        old = held.types() if self.existing == "merge" else {}
        columns = {**old, **new}
        identifier = quote_identifier(held.identifier)
        stored = held.sql(connection) if self.existing == "merge" else None
        before = {
            held.identifier: "VARCHAR",
            "_unknown": "VARCHAR[]",
            **old,
            "_plan_id": "VARCHAR",
            "_partition": "VARCHAR",
        }
        stored = stored or none_sql(before)
        bad = "list_transform(f._findings, lambda x: x.attribute)"
        cells, losses = [], {}
        for name, type in columns.items():
            column = quote_identifier(name)
            kept = converted(f"h.{column}", old[name], type) if name in old else f"NULL::{type}"
            value = kept
            if name in new:
                is_bad = f"f.{column} IS NULL AND list_contains({bad}, {quote_literal(name)})"
                value = f"CASE WHEN f.{identifier} IS NULL OR ({is_bad}) THEN {kept} ELSE f.{column} END"
                losses[name] = f"f.{identifier} IS NOT NULL AND {is_bad}"
            cells.append(f"CAST({value} AS {type}) AS {column}")
        gone = [lost(f"h.{quote_identifier(n)}", n, old[n], new[n]) for n in new if n in old]
        gone_sql = f"[{', '.join(gone)}]::VARCHAR[]" if gone else "[]::VARCHAR[]"
        said = ", ".join(quote_literal(name) for name in new)
        kept_marks = (
            f"CASE WHEN f.{identifier} IS NULL THEN "
            f"list_concat(coalesce(h._unknown, []), list_filter({gone_sql}, lambda x: x IS NOT NULL)) "
            f"ELSE list_filter(h._unknown, lambda x: x NOT IN ({said})) END"
        )
        unknown = marked(kept_marks, names_sql(losses))
        time = f"TIMESTAMPTZ {quote_literal(now.isoformat())}"
        return Rewrite(
            f"SELECT coalesce(f.{identifier}, h.{identifier}) AS {identifier}, {unknown} AS _unknown, "
            f"h._plan_id, h._partition, {time} AS _acknowledged_at, {', '.join(cells)} "
            f"FROM (SELECT * FROM {VIEW} WHERE _error IS NULL) AS f "
            f"FULL JOIN {stored} AS h ON h.{identifier} = f.{identifier}"
        )

    def finish(
        self, ledger: "Ledger", connection: "DuckDBPyConnection", now: datetime
    ) -> Mapping[str, int | str]:
        """Figures only."""
        return {"users": ledger.acknowledged().users}

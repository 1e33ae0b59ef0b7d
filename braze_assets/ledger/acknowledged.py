"""What Braze has acknowledged: one row a user, one column an attribute."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.ledger.damage import damaged_error, data_damage
from braze_assets.ledger.delta import LedgerTable, data_files, delta_errors
from braze_assets.ledger.schemas import acknowledged_schema
from braze_assets.ledger.types import sql_type
from braze_assets.storage import Storage, StoredTable, quote_identifier

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from duckdb import DuckDBPyConnection

__all__ = ["Acknowledged", "acknowledged_table"]


def acknowledged_table(storage: Storage, uri: str, identifier: IdentifierKind) -> LedgerTable:
    """The Delta table at `uri`.

    Statistics are kept of no column about a person: their minima and maxima would be copies of personal data
    in the log, where `forget` and vacuum do not reach them, and nobody prunes by them.
    """
    configuration = {"delta.dataSkippingStatsColumns": "_acknowledged_at"}
    return LedgerTable(storage, uri, acknowledged_schema(identifier), configuration)


@dataclass(frozen=True)
class Acknowledged:
    """One version of the `acknowledged` table.

    Args:
        storage: Where the ledger is.
        uri: The table's URL.
        identifier: The name of its identifier column.
        table: The opened Delta table; None when nothing was ever acknowledged.
    """

    storage: Storage
    uri: str
    identifier: IdentifierKind
    table: "DeltaTable | None"

    @classmethod
    def at(
        cls, table: LedgerTable, identifier: IdentifierKind, as_of: datetime | int | None
    ) -> "Acknowledged":
        """The table now, at a version, or as it was at a time."""
        opened = table.open()
        if opened is not None and as_of is not None:
            with delta_errors(table.uri):
                opened.load_as_version(as_of)
        return cls(table.storage, table.uri, identifier, opened)

    @property
    def version(self) -> int | None:
        """The Delta version; None when there is no table yet."""
        return None if self.table is None else int(self.table.version())

    @cached_property
    def _files(self) -> list[str]:
        return [] if self.table is None else [file["path"] for file in data_files(self.table)]

    @cached_property
    def users(self) -> int:
        """Rows, from the table's log."""
        return 0 if self.table is None else sum(file["num_records"] or 0 for file in data_files(self.table))

    @cached_property
    def bytes(self) -> int:
        """Bytes of its data files, from the table's log."""
        return 0 if self.table is None else sum(file["size_bytes"] or 0 for file in data_files(self.table))

    @cached_property
    def columns(self) -> dict[str, str]:
        """All columns and their canonical DuckDB types, in order."""
        if self.table is None:
            return {}
        return {column.name: sql_type(column.type) for column in pa.schema(self.table.schema())}

    def types(self) -> dict[str, str]:
        """The attributes and their canonical DuckDB types, in order."""
        return {
            name: type
            for name, type in self.columns.items()
            if name != self.identifier and not name.startswith("_")
        }

    @property
    def files(self) -> list[str]:
        """Its data files, by their paths in the table."""
        return list(self._files)

    def sql(self, connection: "DuckDBPyConnection", files: Sequence[str] | None = None) -> str | None:
        """A SQL table expression with all columns in their canonical types; None when there are no rows.

        Args:
            connection: The connection it is for.
            files: Only the rows of these data files, by their paths in the table.
        """
        paths = self._files if files is None else files
        if not paths:
            return None
        source = StoredTable.at(*(f"{self.uri}/{path}" for path in paths)).sql(connection)
        try:
            held = {row[0] for row in connection.sql(f"DESCRIBE SELECT * FROM {source}").fetchall()}
        except Exception as error:
            damage = data_damage(self.uri, paths, self.version or 0)
            if damage is None:
                raise
            raise damaged_error(self.uri, damage) from error
        # A column that no file has yet is NULL everywhere.
        columns = ", ".join(
            f"CAST({column if name in held else 'NULL'} AS {type}) AS {column}"
            for name, type in self.columns.items()
            for column in [quote_identifier(name)]
        )
        return f"(SELECT {columns} FROM {source})"

"""New files for `acknowledged`: written beside the old ones, and made to count by one commit.

DuckDB writes them, as it reads them: in parallel, within its memory limit, spilling to disk. A process that
dies in between leaves files that no version of the table names; a vacuum removes them.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.errors import StorageError
from braze_assets.ledger.acknowledged import Acknowledged
from braze_assets.ledger.delta import CommitConflict, LedgerTable, data_files, delta_errors
from braze_assets.storage import StoredTable, open_path, quote_identifier, quote_literal, storage_errors

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from duckdb import DuckDBPyConnection

__all__ = ["HeldPart", "Rewrite"]

_SMALL = 100_000
"""Rows. Files with fewer are joined when they are written anew."""
_ROW_GROUP = 122_880
_OLD = "fold_touched"


@dataclass(frozen=True)
class HeldPart:
    """Some rows of `acknowledged`, by a table expression."""

    identifier: IdentifierKind
    attributes: Mapping[str, str]
    users: int
    expression: str | None

    def types(self) -> dict[str, str]:
        """The attributes and their canonical DuckDB types."""
        return dict(self.attributes)

    def sql(self, connection: "DuckDBPyConnection") -> str | None:
        """A table expression; None when there are no rows."""
        return self.expression


@dataclass
class Rewrite:
    """The next version of `acknowledged`, in the making.

    Args:
        connection: Reads and writes the files; has temporary tables made in it.
        held: The version it starts from.
        target: The table; made when there is none.
    """

    connection: "DuckDBPyConnection"
    held: Acknowledged
    target: LedgerTable
    _new: dict[str, tuple[int, int]] = field(default_factory=dict, init=False)
    """Files by name: rows and bytes."""
    _gone: list[dict[str, Any]] = field(default_factory=list, init=False)
    _files: int = field(default=0, init=False)
    """Files of the version it starts from."""

    def __post_init__(self) -> None:
        assert self._table is not None  # made, if it was not there
        # S3 is made known to the connection.
        StoredTable.at(self.target.uri).sql(self.connection)

    @cached_property
    def _table(self) -> "DeltaTable":
        if self.held.table is not None:
            return self.held.table
        table = self.target.open_or_create()
        if table.version() > 0:
            raise CommitConflict("The table was made and filled by another writer.")
        return table

    def split(self, touched: str, *, convert: Callable[[HeldPart], str] | None = None) -> None:
        """Set the rows of touched users aside for `part`, and write the other rows of their files anew.

        Args:
            touched: A table expression: `n` and the identifier of all users that may change.
            convert: SQL for the rows that stay, where all of them change in form.
        """
        files = {file["path"]: file for file in data_files(self._table)}
        self._files = len(files)
        if not self.held.users:
            self._gone = list(files.values())
            return
        identifier = quote_identifier(self.held.identifier)
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {_OLD} AS SELECT t.n AS _n, h.* "
            f"FROM {self.held.sql(self.connection)} AS h "
            f"JOIN {touched} AS t ON t.{identifier} = h.{identifier}"
        )
        hit = set(files) if convert else self._hit(touched)
        self._gone = [files[path] for path in files if path in hit]
        for group in _grouped(self._gone):
            rows = self.held.sql(self.connection, [file["path"] for file in group])
            rest = (
                f"(SELECT * FROM {rows} AS h WHERE NOT EXISTS "
                f"(SELECT 1 FROM {touched} AS t WHERE t.{identifier} = h.{identifier}))"
            )
            self.write(convert(self._part(rest)) if convert else f"SELECT * FROM {rest}")

    def part(self, start: int, stop: int) -> HeldPart:
        """What is held of the touched users from one `n` to another."""
        rows = f"(SELECT * EXCLUDE (_n) FROM {_OLD} WHERE _n >= {start} AND _n < {stop})"
        return self._part(rows if self.held.users else None)

    def write(self, query: str) -> int:
        """Write the rows of a query to a new file; returns their number."""
        name = f"part-{uuid.uuid4()}.zstd.parquet"
        place = f"{self.target.uri}/{name}"
        with storage_errors(self.target.uri), _engine_errors(self.target.uri):
            [(_, rows, size, *_)] = self.connection.execute(
                f"COPY ({query}) TO {quote_literal(place)} "
                "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, "
                f"ROW_GROUP_SIZE {_ROW_GROUP}, RETURN_STATS)"
            ).fetchall()
            if rows:
                self._new[name] = (rows, size)
            else:
                open_path(place).unlink(missing_ok=True)
        return int(rows)

    def commit(self, columns: Mapping[str, str], numbers: Mapping[str, int]) -> None:
        """Make the new files the table, in one commit.

        Args:
            columns: The attributes from now on, and their types.
            numbers: What the commit says about itself, see `delta.once`.

        Raises:
            CommitConflict: The table is not what it was; nothing was changed.
        """
        from deltalake import CommitProperties, Schema, Transaction
        from deltalake.transaction import AddAction, RemoveAction

        table, now = self._table, int(time.time() * 1_000)
        schema = Schema.from_arrow(self._arrow_schema(columns))
        properties = CommitProperties(
            # Not on any other version than this one, whatever the other commit did.
            max_commit_retries=0,
            app_transactions=[
                Transaction(f"braze_assets.{name}", number) for name, number in numbers.items()
            ],
        )
        actions: list[AddAction | RemoveAction] = [
            AddAction(name, size, {}, now, True, json.dumps({"numRecords": rows}))
            for name, (rows, size) in self._new.items()
        ]
        # Where no file stays, columns may come, go and change type.
        anew = len(self._gone) == self._files
        with delta_errors(self.target.uri):
            if not anew:
                there = {each.name for each in table.schema().fields}
                if added := [each for each in schema.fields if each.name not in there]:
                    table = self._with(added)
                actions += [
                    RemoveAction(each["path"], True, now, each["size_bytes"], {}) for each in self._gone
                ]
                schema = table.schema()
            table.create_write_transaction(
                actions, "overwrite" if anew else "append", schema, commit_properties=properties
            )

    def _with(self, fields: list[Any]) -> "DeltaTable":
        """The table with more columns, which are NULL in all of its rows: that changes nothing."""
        from deltalake import CommitProperties

        before = self._table.version()
        self._table.alter.add_columns(fields, commit_properties=CommitProperties(max_commit_retries=0))
        if self._table.version() != before + 1:
            raise CommitConflict("Another writer came while columns were added.")
        return self._table

    def _arrow_schema(self, columns: Mapping[str, str]) -> pa.Schema:
        attributes = ", ".join(f"NULL::{type} AS {quote_identifier(name)}" for name, type in columns.items())
        last = self.connection.sql(f"SELECT {attributes or 'NULL'} LIMIT 0").to_arrow_table().schema
        book = {each.name: each for each in self.target.schema}
        return pa.schema([*book.values(), *(last if columns else [])])

    def _hit(self, touched: str) -> set[str]:
        """The files with rows of touched users."""
        identifier = quote_identifier(self.held.identifier)
        hit = set()
        for file in data_files(self._table):
            rows = self.held.sql(self.connection, [file["path"]])
            found = self.connection.sql(
                f"SELECT 1 FROM {rows} AS h JOIN {touched} AS t ON t.{identifier} = h.{identifier} LIMIT 1"
            ).fetchall()
            if found:
                hit.add(file["path"])
        return hit

    def _part(self, expression: str | None) -> HeldPart:
        return HeldPart(self.held.identifier, self.held.types(), self.held.users, expression)

    def discard(self) -> None:
        """Remove what was written and is not to count. Best effort."""
        for name in self._new:
            try:
                with storage_errors(self.target.uri):
                    open_path(f"{self.target.uri}/{name}").unlink(missing_ok=True)
            except Exception:  # noqa: S112 - a vacuum finds it
                continue
        self._new.clear()


@contextmanager
def _engine_errors(place: str) -> Iterator[None]:
    """A full disk is an error of the storage, whoever meets it."""
    import duckdb

    try:
        yield
    except duckdb.IOException as error:
        full = "No space left" in str(error)
        raise StorageError(
            f"The storage cannot be used: {'the disk is full' if full else str(error).splitlines()[0]}.",
            place=place,
            remedy="Free some space or allow this process to write there; nothing was changed.",
        ) from error


def _grouped(files: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Each file on its own, and the small ones together."""
    small = [file for file in files if (file["num_records"] or 0) < _SMALL]
    large = [[file] for file in files if (file["num_records"] or 0) >= _SMALL]
    return [*large, *([small] if small else [])]

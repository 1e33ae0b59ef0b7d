"""A file as a table of cells: one row a record, each cell as the exact JSON text that is to be sent."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from braze_assets.csv_files.header import FileHeader
from braze_assets.csv_files.lists import register_lists
from braze_assets.csv_files.records import Records
from braze_assets.csv_files.settings import CsvSettings
from braze_assets.csv_files.values import cell_rule
from braze_assets.errors import BrazeAssetsError
from braze_assets.rows.identifiers import error_sql, identifier_sql
from braze_assets.rows.names import identifier_columns
from braze_assets.storage import quote_literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["CellTable", "read_cells"]

_RECORDS = "_braze_assets_csv_records"
_FINDINGS = "STRUCT(attribute VARCHAR, problem VARCHAR)[]"


@dataclass(frozen=True)
class CellTable:
    """The rows of a file, each user at most once without an `error`.

    Args:
        header: Its columns.
        sql: A table expression: `line`, `id`, `v0` ... (JSON texts of the attributes; NULL: nothing to send),
            `error`, `detail` (why the row is not sent), `findings` (the cells that are not).
        rows: Records, without the header and blank lines.
    """

    header: FileHeader
    sql: str
    rows: int


def read_cells(
    connection: "DuckDBPyConnection", records: Records, settings: CsvSettings, folder: Path
) -> CellTable:
    """Read all records into a Parquet file of cells, and merge the rows of one user.

    Args:
        connection: A DuckDB connection; the table is good for it only.
        records: The records of the file.
        settings: How it is read.
        folder: Where the table is kept meanwhile.

    Raises:
        CsvError: The file cannot be read to its end.
    """
    register_lists(connection)
    stream = _Stream(records)
    reader = pa.RecordBatchReader.from_batches(records.schema, stream.batches())
    connection.register(_RECORDS, reader)
    target = folder / "cells.parquet"
    try:
        connection.execute(
            f"COPY ({_cells_sql(records.header, settings)}) TO {quote_literal(str(target))} "
            "(FORMAT parquet, COMPRESSION lz4_raw, ROW_GROUP_SIZE 40960)"
        )
    except Exception:
        if stream.failure is not None:
            raise stream.failure from None
        raise
    finally:
        connection.unregister(_RECORDS)
    source = f"read_parquet({quote_literal(str(target))})"
    return CellTable(records.header, _merged(connection, source, len(records.header.attributes)), stream.rows)


class _Stream:
    """The batches of a file, counted; an error on the way is kept, for DuckDB hands on its words only."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.rows = 0
        self.failure: BrazeAssetsError | None = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._records:
                self.rows += batch.num_rows
                yield batch
        except BrazeAssetsError as error:
            self.failure = error
            raise


def _cells_sql(header: FileHeader, settings: CsvSettings) -> str:
    names = identifier_columns(header.identifier)
    cells = {name: f"c{number}" for number, name in enumerate(names)}
    identifier = identifier_sql(header.identifier, dict.fromkeys(names, "VARCHAR"), cells)
    rules = [
        cell_rule(name, f"c{number}", settings.casts.get(name), settings.limits)
        for number, name in enumerate(header.attributes, start=header.identifiers)
    ]
    lists = "".join(f", {rule.list[1]} AS {rule.list[0]}" for rule in rules if rule.list)
    values = "".join(f", {rule.json} AS v{number}" for number, rule in enumerate(rules))
    kept = "".join(f", v{number}" for number in range(len(rules)))
    cells_of = [f"c{number}" for number in range(header.identifiers, header.columns)]
    wrong = [f"(v{number} IS NULL AND {cell} <> '')" for number, cell in enumerate(cells_of)]
    findings = ", ".join(
        f"CASE WHEN {bad} THEN {{'attribute': {quote_literal(name)}, 'problem': {rule.problem}}} END"
        for bad, name, rule in zip(wrong, header.attributes, rules, strict=True)
    )
    error = error_sql("id", "false", settings.limits)
    return (
        f"SELECT line, id{kept}, coalesce(problem, {error}) AS error, detail, "
        f"CASE WHEN {' OR '.join(wrong)} THEN CAST(list_filter([{findings}], lambda f: f IS NOT NULL) "
        f"AS {_FINDINGS}) END AS findings "
        f"FROM (SELECT *, {identifier} AS id{values} FROM (SELECT *{lists} FROM {_RECORDS}))"
    )


def _merged(connection: "DuckDBPyConnection", source: str, attributes: int) -> str:
    """The rows with those of one user as one: the last one, with the last value of each attribute."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE csv_twins AS SELECT id, max(line) AS last FROM "
        f"{source} WHERE error IS NULL GROUP BY id HAVING count(*) > 1"
    )
    [(twins,)] = connection.execute("SELECT count(*) FROM csv_twins").fetchall()
    if not twins:
        return source
    each = [f"v{number}" for number in range(attributes)]
    newest = "".join(f", arg_max({value}, line) AS {value}" for value in each)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE csv_merged AS SELECT max(line) AS line, id{newest} "
        f"FROM {source} JOIN csv_twins USING (id) WHERE error IS NULL GROUP BY id"
    )
    choose: Callable[[str], str] = lambda value: f"CASE WHEN last IS NULL THEN s.{value} ELSE m.{value} END"  # noqa: E731
    chosen = "".join(f", {choose(value)} AS {value}" for value in each)
    return (
        f"(SELECT s.line, s.id{chosen}, CASE WHEN s.line < t.last AND error IS NULL THEN 'same_user_later' "
        "ELSE error END AS error, CASE WHEN s.line < t.last AND error IS NULL THEN 'line ' || t.last "
        f"ELSE detail END AS detail, findings FROM {source} AS s LEFT JOIN csv_twins AS t ON t.id = s.id "
        "LEFT JOIN csv_merged AS m ON m.line = s.line)"
    )

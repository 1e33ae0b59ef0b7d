"""The plan of a CSV file: each cell as its exact JSON text, all of them or only those that changed.

A drop's ledger holds JSON texts: the cells of one column may be of several types, and `null` (the attribute
was unset) is another thing than nothing (it was never sent). They are compared as they would be sent.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from braze_assets.braze.fields import PROFILE_FIELDS
from braze_assets.csv_files.cells import CellTable
from braze_assets.ledger import PLAN_KEY, Ledger
from braze_assets.plan.csv_counts import CsvCounts, count_csv
from braze_assets.plan.csv_sql import CsvColumns
from braze_assets.plan.facts import Facts
from braze_assets.plan.guards import GUARDS
from braze_assets.plan.header import PlanHeader
from braze_assets.plan.judging import check_guard_names, judge
from braze_assets.plan.plan import new_plan_id, not_asked
from braze_assets.plan.settings import PlanSettings
from braze_assets.rows import Attribute, AttributeType, RowsHeader
from braze_assets.storage import storage_errors

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["FILE_KEY", "ROW_GROUP_BYTES", "CsvPlan", "make_csv_plan"]

FILE_KEY = "braze_assets.csv_file"
"""The Parquet metadata key under which such a plan says which file it is of."""

_BATCH = 10_000
ROW_GROUP_BYTES = 16_000_000
"""Of the file a plan is written to: its rows carry their whole objects, and memory is to be bounded."""
_TEXT = AttributeType("String")


@dataclass(frozen=True)
class CsvPlan:
    """A plan that is ready to be written.

    Beside a plan's columns its rows have `line`, `detail` and `findings`; those that are left out are there
    as well, each with its reason: a key of `csv_files.PROBLEMS`.

    Args:
        header: What it says about itself.
        counts: What the file holds.
        connection: The DuckDB connection its rows are read with.
        sent: SQL of the objects, numbered.
        left_out: SQL of the rows that are not sent.
        file: What is to be kept about the file.
    """

    header: PlanHeader
    counts: CsvCounts
    connection: "DuckDBPyConnection"
    sent: str
    left_out: str
    file: Mapping[str, Any]

    @property
    def documents(self) -> dict[str, Mapping[str, Any]]:
        """The metadata to write with it."""
        return {PLAN_KEY: self.header.to_document(), FILE_KEY: self.file}

    def reader(self) -> pa.RecordBatchReader:
        """Stream the rows, those that are sent first. The connection is busy until the end."""
        reader = self.connection.sql(self.sent).to_arrow_reader(_BATCH)

        def batches() -> Iterator[pa.RecordBatch]:
            yield from reader
            yield from self.connection.sql(self.left_out).to_arrow_reader(_BATCH)

        return pa.RecordBatchReader.from_batches(reader.schema, batches())


@storage_errors("the cells of the file or the ledger")
def make_csv_plan(
    connection: "DuckDBPyConnection",
    cells: CellTable,
    *,
    sync: str,
    ledger: Ledger,
    settings: PlanSettings,
    partition: str | None,
    now: datetime,
    delta: bool,
    folder: Path,
    file: Mapping[str, Any],
    allow: Collection[str] = frozenset(),
    note: str = "",
) -> CsvPlan:
    """What would be sent of a file now. Nothing is sent, and nothing is written but in the folder.

    Args:
        connection: The connection that holds the cells.
        cells: The file.
        sync: The drop's name.
        ledger: The drop's ledger.
        settings: Guards, limits, and whether users may be created.
        partition: The file's partition.
        now: The current time; files are imported in order, so the newest plan is of the newest file.
        delta: Whether cells that Braze has acknowledged are left out.
        folder: For what is needed only until the plan is read.
        file: What is to be kept about the file.
        allow: Guards that are waived for this one plan, by name.
        note: Why there is nothing to send, where that is not for what the file holds.

    Raises:
        ConfigurationError: `allow` names a guard that does not exist.
        LedgerError: The ledger cannot be read, or an earlier send cannot be settled.
    """
    check_guard_names(GUARDS, allow)
    ledger.settle(now, connection)
    position = ledger.position()
    attributes = tuple(
        Attribute(name, "profile" if name in PROFILE_FIELDS else "custom", _TEXT)
        for name in cells.header.attributes
    )
    rows = RowsHeader(
        name=sync,
        identifier=cells.header.identifier,
        partition=partition,
        as_of=now,
        query_digest="",
        attributes=attributes,
    )
    columns = CsvColumns(cells.header.identifier, cells.header.attributes, settings)
    wanted = columns.wanted(connection, cells.sql, ledger if delta else None, folder)
    counts = count_csv(connection, wanted, columns)
    header = PlanHeader(
        plan_id=new_plan_id(now),
        sync=sync,
        partition=partition,
        as_of=now,
        created_at=now,
        identifier=cells.header.identifier,
        ledger_position=position.sequence,
        status="ready" if counts.plan.objects else "empty",
        note="" if counts.plan.objects else note or counts.nothing(),
        types=dict.fromkeys(cells.header.attributes, _TEXT.sql),
        update_existing_only=settings.update_existing_only,
        allow=tuple(sorted(allow)),
        counts=counts.plan,
        per_attribute=counts.per_attribute,
    )
    header = replace(header, verdicts=_judged(rows, settings, counts, allow))
    return CsvPlan(header, counts, connection, columns.sent(wanted), columns.left_out(wanted), file)


def _judged(
    rows: RowsHeader, settings: PlanSettings, counts: CsvCounts, allow: Collection[str]
) -> tuple[Any, ...]:
    if not counts.plan.objects:
        return not_asked()
    facts = Facts(
        header=rows,
        settings=settings,
        counts=counts.plan,
        per_attribute=counts.per_attribute,
        # A file is no list of everybody: nobody vanishes because it does not name them.
        ledger_users=0,
        ledger_changed=0,
        removed=0,
        identifier_errors=counts.identifier_errors,
        too_large=counts.reasons.get("object_too_large", 0),
        flipped={},
        rewinds=None,
    )
    return judge(GUARDS, facts, allow)

"""The plan of a file: read, checked, and what would be sent of it."""

import tempfile
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from braze_assets.assets.csv_drops.definition import CsvDropDefinition, drop_asset
from braze_assets.assets.csv_drops.facts import kept_facts, plan_facts
from braze_assets.assets.csv_drops.file import find
from braze_assets.assets.planning import guard_results
from braze_assets.csv_files.blocks import Blocks
from braze_assets.csv_files.cells import CellTable, read_cells
from braze_assets.csv_files.place import FileVersion
from braze_assets.csv_files.records import Records
from braze_assets.errors import CsvError
from braze_assets.io_managers import TableOutput, stored_table
from braze_assets.ledger import PLAN_KEY
from braze_assets.plan import GUARDS, PlanHeader, read_plan_header
from braze_assets.plan.csv_plan import FILE_KEY, ROW_GROUP_BYTES, CsvPlan, make_csv_plan
from braze_assets.plan.csv_turns import begun_plan, check_turn
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import EngineSettings, Storage, StoredTable, connect

__all__ = ["build_delta_asset"]


class CsvDeltaConfig(dg.Config):
    """What one run may do that one asked for by the sensor must not."""

    again: bool = Field(
        default=False, description="Plan the file although its content was imported before, or begun."
    )
    leave_behind: bool = Field(
        default=False, description="Plan it although what is left of an earlier file is never sent then."
    )
    allow: list[str] = Field(default=[], description="Guards to waive for this one plan, by name.")


def build_delta_asset(drop: CsvDropDefinition) -> dg.AssetsDefinition:
    """The asset of the plan."""
    key = drop.part("delta")

    @drop_asset(
        drop,
        "delta",
        deps=[drop.part("files")],
        check_specs=[
            dg.AssetCheckSpec(each.name, asset=key, description=each.description) for each in GUARDS
        ],
        description=f"What `{drop.name}_sync` would send of a file: for every user the exact JSON of each "
        "cell, and for every row that is not sent its line and the reason.",
        kinds={"csv", "duckdb", "parquet"},
        tags={"pii": "true"},
    )
    # No return annotation: with checks, Dagster takes one for the type of a single output.
    def delta(context: dg.AssetExecutionContext, config: CsvDeltaConfig, storage: StorageResource):  # type: ignore[no-untyped-def]
        partition = context.partition_key
        with dagster_failures(), ExitStack() as until_stored:
            own = stored_table(storage.storage(), key, drop.versions, partition)
            if (header := _begun(drop, storage.storage(), partition, own, config)) is not None:
                context.log.info("This plan was begun: it is gone on with, and not made again.")
                output = _kept(own, header)
            else:
                making = _Making(drop, storage.storage(), partition, config, until_stored)
                plan = making.plan()
                header = plan.header
                _log(context, plan)
                output = TableOutput(
                    plan.reader(),
                    documents=plan.documents,
                    metadata=plan_facts(plan),
                    row_group_bytes=ROW_GROUP_BYTES,
                )
            yield dg.MaterializeResult(value=output)
            yield from guard_results(GUARDS, [header])

    return delta


def _begun(
    drop: CsvDropDefinition, storage: Storage, partition: str, own: StoredTable, config: CsvDeltaConfig
) -> PlanHeader | None:
    """The stored plan, if it is the one that was begun last: its receipts say what of it was sent."""
    begun = None if config.again else begun_plan(drop.ledger(storage), partition)
    if begun is None or not own.exists():
        return None
    header = read_plan_header(own)
    return header if header.plan_id == begun else None


def _kept(own: StoredTable, header: PlanHeader) -> TableOutput:
    documents = {PLAN_KEY: header.to_document(), FILE_KEY: own.document(FILE_KEY) or {}}
    return TableOutput(own.dataset().scanner().to_reader(), documents=documents, metadata=kept_facts(header))


class _Making:
    """The making of one plan; what it is made in stays until the plan is stored."""

    def __init__(
        self,
        drop: CsvDropDefinition,
        storage: Storage,
        partition: str,
        config: CsvDeltaConfig,
        until_stored: ExitStack,
    ) -> None:
        self.drop, self.storage, self.partition, self.config = drop, storage, partition, config
        self.now = datetime.now(timezone.utc)
        temporary = EngineSettings.from_environment().temp_directory
        self.folder = Path(
            until_stored.enter_context(tempfile.TemporaryDirectory(prefix="braze-assets-", dir=temporary))
        )
        self.connection = until_stored.enter_context(connect())
        self.ledger = drop.ledger(storage)

    def plan(self) -> CsvPlan:
        """Read the file and plan it."""
        self.ledger.settle(self.now, self.connection)
        if not self.config.leave_behind:
            check_turn(self.ledger, self.partition, self.drop.name)
        place = self.drop.place()
        file = find(self.drop, place, self.storage, self.partition)
        blocks = Blocks(place.parts(file), self.drop.csv.encoding, file.uri)
        try:
            records = Records(blocks, self.drop.csv, file.uri)
            cells = read_cells(self.connection, records, self.drop.csv, self.folder)
        except CsvError:
            self._refuse(place, file)
            raise
        return self._planned(cells, blocks, file)

    def _refuse(self, place: Any, file: FileVersion) -> None:
        """A file that cannot be read is set aside; one that was replaced is none of ours any more."""
        progress = self.drop.progress(self.storage)
        try:
            place.check(file)
        except CsvError:
            progress.put(self.partition, "replaced", self.now)
            return
        progress.put(self.partition, "failed", self.now)
        place.end(file, "failed", self.drop.when_done)

    def _planned(self, cells: CellTable, blocks: Blocks, file: FileVersion) -> CsvPlan:
        note = ""
        before = self.drop.progress(self.storage).imported_as(blocks.digest)
        if before is not None and not self.config.again:
            note = f"The same content was imported as {before}: nothing of it is sent again."
            cells = CellTable(cells.header, f"(SELECT * FROM {cells.sql} WHERE false)", 0)
        return make_csv_plan(
            self.connection,
            cells,
            sync=self.drop.name,
            ledger=self.ledger,
            settings=self.drop.plan,
            partition=self.partition,
            now=self.now,
            delta=self.drop.delta,
            folder=self.folder,
            file={"uri": file.uri, "size": file.size, "sha256": blocks.digest},
            allow=frozenset(self.config.allow),
            note=note,
        )


def _log(context: dg.AssetExecutionContext, plan: CsvPlan) -> None:
    counts, header = plan.header.counts, plan.header
    context.log.info(
        "Plan %s (%s): %s rows, %s objects, %s cells, %s left out. %s",
        header.plan_id,
        header.status,
        *(f"{each:,}" for each in (counts.users, counts.objects, counts.attributes, counts.left_out)),
        header.note,
    )
    for verdict in header.blocking:
        context.log.error("%s: %s", verdict.guard, verdict.message)

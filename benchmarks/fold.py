"""Folding what Braze accepted into the ledger, beside a bare delta-rs MERGE of the same rows."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable, WriterProperties

from benchmarks.figures import Figure
from benchmarks.measure import Step, best, measured
from benchmarks.people import NOW, PARTITION, SYNC, ledger_of
from benchmarks.plan import make
from benchmarks.scale import Scale
from braze_assets.ledger import RECEIPTS_SCHEMA, Ledger
from braze_assets.plan import read_plan_header
from braze_assets.storage import Storage, StoredTable, connect, open_path, write_parquet

__all__ = ["run"]

_A_JOURNAL_WRITE = 60_000
"""Receipts a send writes at a time at full speed: one write a second."""


def run(scale: Scale, work: Path) -> list[Figure]:
    """A send that was answered but not folded; each run folds a copy of it."""
    folder = str(work / f"people-{scale.users}")
    measured("people:prepare", folder=folder, users=scale.users, with_ledger=True)
    answered = str(work / "answered")
    measured("fold:answer", folder=folder, answered=answered)

    def step(target: str) -> Step:
        copy = str(work / "copy")
        shutil.copytree(answered, copy)
        try:
            return measured(target, folder=copy)
        finally:
            shutil.rmtree(copy)

    ours, bare = best(scale.repeats, lambda: step("fold:settle"), lambda: step("fold:merge"))
    if ours.result != bare.result:
        raise RuntimeError(f"{ours.result} objects were folded, {bare.result} rows merged")
    common = {"case": "fold", "beside": "delta-rs: MERGE of the same rows into the same table"}
    spill = f"spilled {ours.spilled:,.0f} MB, the merge {bare.spilled:,.0f} MB"
    return [
        Figure(
            **common,
            what=f"fold of {ours.result:,} accepted objects into {scale.users:,} rows",
            value=ours.seconds,
            baseline=bare.seconds,
            unit="s",
            note=f"CPU {ours.cpu:.1f} s and {bare.cpu:.1f} s",
        ),
        Figure(
            **common, what="peak memory of that", value=ours.peak, baseline=bare.peak, unit="MB", note=spill
        ),
    ]


def answer(folder: str, answered: str) -> None:
    """Begin a send in a copy of the ledger and write down that Braze accepted everything."""
    make(folder)
    shutil.copytree(f"{folder}/ledger", f"{answered}/ledger")
    plan = StoredTable.at(f"{folder}/plan.parquet")
    header = read_plan_header(plan)
    ledger = ledger_of(answered)
    send = ledger.begin(
        plan_id=header.plan_id,
        partition=PARTITION,
        as_of=header.as_of,
        plan_uri=plan.uris[0],
        expected_position=header.ledger_position,
        now=NOW,
    )
    with connect() as connection:
        for batch in _receipts(connection, plan.sql(connection), header.plan_id):
            send.record(pa.Table.from_batches([batch]))
    with connect() as connection:
        held = ledger.acknowledged().sql(connection)
        rows, names = (
            StoredTable.at(f"{folder}/rows.parquet").sql(connection),
            list(ledger.acknowledged().types()),
        )
        columns = ", ".join(f"r.{name}" for name in names)
        source = connection.sql(
            f"SELECT external_id, {columns}, h._unknown, '{header.plan_id}' AS _plan_id, "
            f"'{PARTITION}' AS _partition, h._acknowledged_at FROM {plan.sql(connection)} AS p "
            f"JOIN {rows} AS r USING (external_id) JOIN {held} AS h USING (external_id)"
        )
        write_parquet(open_path(f"{answered}/source.parquet"), source.to_arrow_reader(50_000))


def _receipts(connection: Any, plan: str, plan_id: str) -> Iterator[pa.RecordBatch]:
    rows = connection.sql(
        f"SELECT '{plan_id}' AS plan_id, n, n // 75 AS batch, external_id AS identifier, object, "
        "'accepted' AS outcome, NULL::VARCHAR AS reason, 201::INTEGER AS http_status, "
        f"TIMESTAMPTZ '{NOW.isoformat()}' AS time FROM {plan} WHERE n IS NOT NULL"
    )
    for batch in rows.to_arrow_reader(_A_JOURNAL_WRITE):
        yield batch.cast(RECEIPTS_SCHEMA)


def settle(folder: str) -> int:
    """Fold, as the next run does after one that died, and as every send does at its end."""
    with connect() as connection:
        result = Ledger(Storage(folder), SYNC, "external_id").settle(NOW + timedelta(hours=1), connection)
    return 0 if result is None else result.accepted


def merge(folder: str) -> int:
    """The rows as they shall be, merged without asking what came of them."""
    source = ds.dataset(f"{folder}/source.parquet").scanner(batch_size=50_000).to_reader()
    table = DeltaTable(f"{ledger_of(folder).uri}/acknowledged")
    done = (
        table.merge(
            source,
            predicate="held.external_id = sent.external_id",
            source_alias="sent",
            target_alias="held",
            writer_properties=WriterProperties(max_row_group_size=122_880),
        )
        .when_matched_update_all()
        .when_not_matched_insert_all()
        .execute()
    )
    return int(done["num_target_rows_updated"])

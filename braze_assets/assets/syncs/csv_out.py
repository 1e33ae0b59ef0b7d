"""The delivery of a sync as CSV: files for Braze's dashboard, or into a folder that is imported from."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from braze_assets.assets.flow import flow_asset
from braze_assets.assets.flow_facts import facts_of
from braze_assets.assets.previews import markdown_table
from braze_assets.assets.sending import allowed_mode, require_active
from braze_assets.assets.syncs.definition import CsvDelivery, SyncDefinition
from braze_assets.assets.types import PARTITIONED_TABLE
from braze_assets.csv_files.writing import WrittenCsv, write_csv_files
from braze_assets.plan import PlanHeader, read_plan_header
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import StoredTable, connect, open_path, storage_errors
from braze_assets.storage.partitions import PartitionedTable

if TYPE_CHECKING:
    from upath import UPath

    from braze_assets.plan.csv_out import CsvTable

__all__ = ["build_csv_asset"]

_ROWS = 10_000
_DESCRIPTIONS = {
    "dashboard": "The plan as CSV files for Braze's import by hand; how to import them is in the metadata. "
    "The ledger does not move: nobody here knows whether they were imported.",
    "drop": "The plan as CSV files, written into the folder {url} of a CSV drop.",
}


def build_csv_asset(sync: SyncDefinition) -> dg.AssetsDefinition:
    """The asset `<name>_csv` of a sync that has `csv`."""
    delivery = sync.csv
    assert delivery is not None
    key = sync.key("csv")

    @flow_asset(
        sync,
        "csv",
        ins={"delta": dg.AssetIn(sync.key("delta"), dagster_type=PARTITIONED_TABLE)},
        check_specs=[
            dg.AssetCheckSpec(
                "everything_carried", asset=key, description="The files carry every value of the plan."
            )
        ],
        required_resource_keys={"storage", sync.destination},
        description=_DESCRIPTIONS[delivery.form].format(url=delivery.url),
        kinds={"csv"},
        tags={"pii": "true"},
        metadata=facts_of(sync),
        pool=sync.name,
    )
    # No return annotation: with checks, Dagster takes one for the type of a single output.
    def csv(context: dg.AssetExecutionContext, delta: PartitionedTable):  # type: ignore[no-untyped-def]
        keys = sync.keys(context)
        left_out = 0
        shown: dict[str, Any] | None = None
        with dagster_failures():
            first = _first(context, sync, delivery)
            for key in keys:
                plan = delta.existing(key)
                header = read_plan_header(plan)
                facts, missed = _deliver(context, sync, delivery, plan, header, key, first)
                left_out += missed
                if len(keys) == 1:
                    shown = facts
                else:
                    context.add_asset_metadata(facts, asset_key=context.asset_key, partition_key=key)
        return dg.MaterializeResult(
            metadata=shown,
            check_results=[
                dg.AssetCheckResult(
                    check_name="everything_carried",
                    passed=not left_out,
                    severity=dg.AssetCheckSeverity.WARN,
                    description=f"{left_out:,} values are not in the files; the metadata says which and why."
                    if left_out
                    else None,
                    metadata={"left_out": left_out},
                )
            ],
        )

    return csv


def _first(context: dg.AssetExecutionContext, sync: SyncDefinition, delivery: CsvDelivery) -> int | None:
    """Only so many objects are delivered: none in a preview of a drop; all when None."""
    if delivery.form == "dashboard":
        require_active(sync, "csv")
        return None
    mode = allowed_mode(context, sync, "as configured", part="csv")
    return {"preview": 0, "test": sync.test_users}.get(mode)


def _deliver(
    context: dg.AssetExecutionContext,
    sync: SyncDefinition,
    delivery: CsvDelivery,
    plan: StoredTable,
    header: PlanHeader,
    key: str | None,
    first: int | None,
) -> tuple[dict[str, Any], int]:
    """Write the files of one plan; returns what is shown of them, and the values they do not carry."""
    # Late, as in the send: whoever loads the definitions reads no plan.
    from braze_assets.delivery.ends import refuse_blocked
    from braze_assets.plan.csv_out import csv_table

    storage: StorageResource = context.resources.storage
    folder = (
        open_path(delivery.url) if delivery.url else storage.storage().path("csv", sync.name, _plain(key))
    )
    name = _plain("-".join(filter(None, (sync.name, key, header.plan_id if delivery.url else None))))
    if not delivery.url:
        _remove_files(folder)
    if header.status in ("stale", "collapsed"):
        return {"summary": header.note or f"The plan is {header.status}: no file.", "rows": 0}, 0
    refuse_blocked(header, plan.uris[0])
    with connect() as connection:
        table = csv_table(connection, plan, header, delivery.form, drop=delivery.reads, first=first or None)
        files: Sequence[WrittenCsv] = ()
        if first != 0:
            files = write_csv_files(
                connection.sql(table.sql).to_arrow_reader(_ROWS),
                table.header,
                lambda number: folder / f"{name}-{number}.csv",
                max_bytes=delivery.file_bytes,
                delimiter=delivery.reads.delimiter if delivery.reads else ",",
            )
    summary = f"{table.rows:,} rows in {len(files)} files."
    if first == 0:
        summary = f"Preview: {table.rows:,} rows would be written into {delivery.url}."
    context.log.info(f"{key}: {summary}" if key else summary)
    return {"summary": summary, **_facts(table, files, header, delivery, name)}, table.left_out


def _remove_files(folder: "UPath") -> None:
    """Files of an earlier run of the partition: whatever comes of this one, they are outdated."""
    with storage_errors(str(folder)):
        for path in list(folder.iterdir()) if folder.exists() else []:
            if path.name.endswith(".csv"):
                path.unlink()


def _facts(
    table: "CsvTable", files: Sequence[WrittenCsv], header: PlanHeader, delivery: CsvDelivery, name: str
) -> dict[str, Any]:
    left = [
        (column.name, reason, count)
        for column in table.columns
        for reason, count in sorted(column.left_out.items())
    ]
    casts = "\n".join(f"  {name}: {cast}" for name, cast in table.casts.items())
    facts: dict[str, Any] = {
        "plan_id": header.plan_id,
        "rows": table.rows,
        "objects_without_a_value": table.empty,
        "bytes": sum(file.bytes for file in files),
        "files": markdown_table(
            ("file", "rows", "bytes"),
            ((file.uri, file.rows, file.bytes) for file in files),
            empty="No file was written.",
        ),
        "left_out": markdown_table(
            ("attribute", "why", "values"), left, empty="The files carry every value of the plan."
        ),
    }
    if casts:
        facts["casts"] = dg.MetadataValue.md(
            f"A `CsvDrop` that reads these files needs\n\n```yaml\ncasts:\n{casts}\n```"
        )
    if delivery.form == "dashboard" and files:
        facts["how_to_import"] = dg.MetadataValue.md(_checklist(table, files, name))
    return facts


def _checklist(table: "CsvTable", files: Sequence[WrittenCsv], name: str) -> str:
    """How to import the files by hand (Braze documentation "User import", September 2026)."""
    there = [column for column in table.columns if column.cells]
    alike = [column.name for column in there if column.cast == "string"]
    steps = [
        f"Take the {'file' if len(files) == 1 else f'{len(files)} files, in any order'} of `files`: "
        f"{table.rows:,} users, known by {_said(table.header[: len(table.header) - len(there)])}.",
        "In Braze's dashboard open **Audience > Import Users** and choose CSV, user attributes.",
        f"Name the import `{name}`, so that it is found again.",
        f"Default attributes of Braze: {_said(c.name for c in there if c.standard)}. "
        "Their names must stay as they are.",
        f"Custom attributes: {_said(c.name for c in there if not c.standard)}. A name that is new makes "
        "a new attribute: look for slips before you start.",
        "A blank cell changes nothing in Braze.",
    ]
    if alike:
        steps.append(f"Texts that look like numbers or true and false: {_said(alike)}. Have them be strings.")
    if table.left_out:
        steps.append(
            f"{table.left_out:,} values are not in the files: see `left_out`. Send them through the API."
        )
    return "\n".join(f"- [ ] {step}" for step in steps)


def _said(names: "Sequence[str] | Any") -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


def _plain(text: str | None) -> str:
    """As part of the name of a file."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text or "all")

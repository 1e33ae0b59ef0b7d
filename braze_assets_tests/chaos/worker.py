"""What one process does: make the wanted table, plan, send; or look at the ledger. No test doubles."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from importlib import import_module
from typing import Any

from braze_assets.braze.limits import Limits
from braze_assets.delivery.client import BrazeClient
from braze_assets.delivery.clocks import Clocks
from braze_assets.delivery.send import send_plan
from braze_assets.delivery.settings import DeliverySettings
from braze_assets.errors import BrazeAssetsError
from braze_assets.ledger import Ledger
from braze_assets.plan import GuardSettings, PlanSettings, empty_plan, make_plan
from braze_assets.plan.header import read_plan_header
from braze_assets.rows import AttributeSettings, AttributeType, RowsSpec, TableQuery, build_rows, json_form
from braze_assets.storage import Storage, StoredTable, connect, quote_identifier, write_parquet
from braze_assets_tests.chaos.model import Table
from braze_assets_tests.chaos.world import source_sql

for name in [
    "sqlglot.optimizer.scope",
    "sqlglot.dialects.duckdb",
    "upath.implementations.local",
    "deltalake",
    "pandas",
    "arro3.core",
    "pyarrow.dataset",
    "pyarrow.compute",
    "dateutil.parser",
    "s3fs",
    "upath.implementations.cloud",
    "_strptime",
]:
    import_module(name)  # before the fork, not in every process after it

SYNC = "crm"
START = datetime(2026, 11, 1, tzinfo=timezone.utc)

Job = Mapping[str, Any]
"""`storage`, `url`, `key`, `seed`, `delivery`, `limits`, and what the job's function needs."""


def partition(day: int) -> tuple[str, datetime]:
    """The key and the end of a daily partition."""
    start = START + timedelta(days=day)
    return f"{start:%Y-%m-%d}", start + timedelta(days=1)


def run(job: Job) -> dict[str, Any]:
    """Do the steps of a job, and say how they ended: never an exception."""
    said: dict[str, Any] = {"done": []}
    try:
        for step in job["steps"]:
            said.update(_STEPS[step](job) or {})
            said["done"].append(step)
    except BrazeAssetsError as error:
        said["error"] = type(error).__name__
        said["message"] = str(error)[:600]
    except Exception as error:  # whatever else comes out is a bug, and the runner says so
        import traceback

        said["bug"] = "".join(traceback.format_exception(error))[-4000:]
    if job.get("look_after"):
        said["look"] = run({**job, "steps": ("look",), "look_after": False})
    return said


def _ledger(job: Job) -> Ledger:
    return Ledger(Storage(job["storage"]), SYNC, "external_id")


def _path(job: Job, kind: str, day: int) -> Any:
    return Storage(job["storage"]).path(kind, f"date={partition(day)[0]}", f"{kind}.parquet")


def _rows(job: Job) -> None:
    table = Table(**job["table"])
    key, as_of = partition(job["day"])
    spec = RowsSpec(
        name=SYNC,
        query=TableQuery("SELECT * FROM people"),
        attributes={
            name: AttributeSettings(null_policy=policy)  # type: ignore[arg-type]
            for name, policy in table.null_policy.items()
            if name in table.types
        },
    )
    with connect() as connection:
        built = build_rows(connection, spec, {"people": source_sql(table)}, partition=key, as_of=as_of)
        write_parquet(_path(job, "rows", job["day"]), built.reader(), metadata=built.documents)


def _plan(job: Job) -> dict[str, Any]:
    table = Table(**job["table"])
    key, as_of = partition(job["day"])
    guards = GuardSettings(
        max_share_changed=None,
        max_share_removed=None,
        max_identifier_errors=1.0,
        allow_type_change=tuple(table.types) if job.get("allow_flips", True) else (),
    )
    settings = PlanSettings(
        guards=guards,
        update_existing_only=job["update_existing_only"],
        removed_rows=table.removed_rows,  # type: ignore[arg-type]
        removed_attributes=table.removed_attributes,  # type: ignore[arg-type]
        limits=Limits(**job["limits"]),
    )
    with connect() as connection:
        plan = make_plan(
            connection,
            sync=SYNC,
            rows=StoredTable.at(_path(job, "rows", job["day"])),
            ledger=_ledger(job),
            settings=settings,
            partition=key,
            as_of=as_of,
            now=datetime.now(timezone.utc),
            rewind=job.get("rewind", False),
        )
        for day in job.get("collapsed", ()):
            earlier, end = partition(day)
            covered = empty_plan(plan.header, partition=earlier, as_of=end, into=key)
            write_parquet(_path(job, "delta", day), covered.reader(), metadata=covered.documents)
        write_parquet(_path(job, "delta", job["day"]), plan.reader(), metadata=plan.documents)
    header = plan.header
    facts = {"plan_id": header.plan_id, "status": header.status, "objects": header.counts.objects}
    return {"plan": {**facts, "blocked": [verdict.guard for verdict in header.blocking]}}


def _send(job: Job) -> dict[str, Any]:
    path = _path(job, "delta", job.get("send_day", job["day"]))
    plan = StoredTable.at(path)
    settings = DeliverySettings(**job["delivery"])

    label = b',"plan":"%b"}' % read_plan_header(plan).plan_id.encode()

    class Client(BrazeClient):
        """Its requests say which plan they are of; Braze ignores that, the local one keeps it."""

        def track(self, body: bytes) -> Any:
            return super().track(body[:-1] + label)

    def client() -> BrazeClient:
        return Client(endpoint=job["url"], api_key=job["key"], settings=settings)

    report = send_plan(
        plan=plan,
        plan_uri=plan.uris[0],
        ledger=_ledger(job),
        client=client,
        limits=Limits(**job["limits"]),
        settings=settings,
        mode=job.get("mode", "live"),
        test_users=job.get("test_users", 3),
        clocks=Clocks(chance=lambda: random.Random(job["seed"])),
    )
    return {"report": {**report.figures(), "note": report.note}}


def _look(job: Job) -> dict[str, Any]:
    """The ledger as plain values: journal, receipts, acknowledged."""
    ledger = _ledger(job)
    with connect() as connection:
        source = ledger.receipts.everything(connection)
        receipts: list[Any] = []
        if source is not None:
            columns = "plan_id, n, identifier, outcome"
            receipts = connection.sql(f"SELECT {columns} FROM {source} ORDER BY time").fetchall()
        held: dict[str, Any] = {}
        acknowledged = ledger.acknowledged()
        if (table := acknowledged.sql(connection)) is not None:
            types = acknowledged.types()
            forms = "".join(
                f", {json_form(quote_identifier(name), AttributeType.from_sql(type))}"
                for name, type in types.items()
            )
            for user, unknown, *cells in connection.sql(
                f"SELECT external_id, _unknown{forms} FROM {table}"
            ).fetchall():
                values = {
                    name: None if text is None else json.loads(text)
                    for name, text in zip(types, cells, strict=True)
                }
                held[user] = {"values": values, "unknown": unknown or []}
    state = ledger.journal.read()
    entries = [asdict(entry) for entry in state.entries]
    open_plan: list[Any] = []
    if state.begun is not None:
        with connect() as connection:
            kept = StoredTable.at(f"{ledger.uri}/plans/{state.begun.plan_id}.parquet").sql(connection)
            open_plan = connection.sql(
                f"SELECT n, external_id, attributes FROM {kept} WHERE n IS NOT NULL"
            ).fetchall()
    return {
        "begun": None if state.begun is None else state.begun.plan_id,
        "open": [list(row) for row in open_plan],
        "journal": [{**entry, "as_of": str(entry["as_of"]), "time": str(entry["time"])} for entry in entries],
        "receipts": [list(receipt) for receipt in receipts],
        "held": held,
    }


_STEPS = {"rows": _rows, "plan": _plan, "send": _send, "look": _look}

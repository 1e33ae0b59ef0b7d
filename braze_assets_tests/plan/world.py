"""A small world for tests of plans and ledgers: tables, plans, and sends whose outcomes the test decides."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import duckdb
import pyarrow as pa

from braze_assets.ledger import RECEIPTS_SCHEMA, FoldResult, Ledger, Send
from braze_assets.plan import Plan, PlanHeader, PlanSettings, make_plan
from braze_assets.rows import ROWS_KEY, Attribute, AttributeType, RowsHeader
from braze_assets.storage import Storage, StoredTable, quote_identifier, write_parquet

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)

Row = Mapping[str, Any]
Outcome = Callable[[dict[str, Any]], str | None]


def day(number: int) -> tuple[str, datetime]:
    """The key and the end of a daily partition."""
    start = datetime(2026, 11, 1, tzinfo=timezone.utc) + number * DAY
    return f"{start:%Y-%m-%d}", start + DAY


class World:
    """One sync: its storage, its ledger, its clock."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        storage_url: str,
        *,
        sync: str = "crm",
        identifier: str = "external_id",
        settings: PlanSettings | None = None,
    ) -> None:
        self.connection = connection
        self.storage = Storage(storage_url)
        self.sync = sync
        self.identifier = identifier
        self.settings = settings or PlanSettings()
        self.now = NOW
        self.ledger = Ledger(self.storage, sync, identifier)  # type: ignore[arg-type]
        self.day = 0
        self._tables = 0

    def tick(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    def rows(
        self,
        rows: Iterable[Row],
        types: Mapping[str, str],
        *,
        null_policy: Mapping[str, str] | str = "omit",
        profile: Sequence[str] = (),
        patched: Sequence[str] = (),
    ) -> StoredTable:
        """Write a wanted table: dictionaries with the identifier, attributes, `_error` and `_findings`."""
        partition, as_of = day(self.day)
        attributes = tuple(
            Attribute(
                name=name,
                kind="profile" if name in profile else "custom",
                type=AttributeType.from_sql(type),
                null_policy=null_policy if isinstance(null_policy, str) else null_policy.get(name, "omit"),  # type: ignore[arg-type]
                update="patch" if name in patched else "whole",
            )
            for name, type in types.items()
        )
        header = RowsHeader(
            name=self.sync,
            identifier=self.identifier,  # type: ignore[arg-type]
            partition=partition,
            as_of=as_of,
            query_digest="test",
            attributes=attributes,
        )
        columns = {
            self.identifier: "VARCHAR",
            **types,
            "_error": "VARCHAR",
            "_findings": "STRUCT(attribute VARCHAR, problem VARCHAR, detail VARCHAR)[]",
        }
        names = list(columns)
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE wanted ("
            + ", ".join(f"{quote_identifier(name)} {type}" for name, type in columns.items())
            + ")"
        )
        data = [
            [[] if name == "_findings" and name not in row else row.get(name) for name in names]
            for row in rows
        ]
        if data:
            self.connection.executemany(f"INSERT INTO wanted VALUES ({', '.join('?' * len(names))})", data)
        self._tables += 1
        path = self.storage.path("rows", f"{self._tables}.parquet")
        write_parquet(
            path,
            self.connection.sql("FROM wanted").to_arrow_table(),
            metadata={ROWS_KEY: header.to_document()},
        )
        return StoredTable.at(path)

    def plan(
        self, rows: StoredTable, *, name: str | None = None, **options: Any
    ) -> tuple[PlanHeader, StoredTable]:
        """Make a plan and store it."""
        partition, as_of = day(self.day)
        arguments = {"settings": self.settings, "partition": partition, "as_of": as_of, **options}
        plan = make_plan(
            self.connection, sync=self.sync, rows=rows, ledger=self.ledger, now=self.tick(), **arguments
        )
        return plan.header, self.store(plan, name)

    def store(self, plan: Plan, name: str | None = None) -> StoredTable:
        path = self.storage.path("plans", f"{name or plan.header.plan_id}.parquet")
        write_parquet(path, plan.reader(), metadata=plan.documents)
        return StoredTable.at(path)

    def begin(self, header: PlanHeader, plan: StoredTable, limit: int | None = None) -> Send:
        return self.ledger.begin(
            plan_id=header.plan_id,
            partition=header.partition,
            as_of=header.as_of,
            plan_uri=plan.uris[0],
            expected_position=header.ledger_position,
            object_limit=limit,
            now=self.tick(),
        )

    def pending(self, send: Send, plan: StoredTable) -> list[dict[str, Any]]:
        rows = send.pending(self.connection, plan).read_all().to_pylist()
        return sorted(rows, key=lambda row: row["n"])

    def receipts(self, send: Send, objects: Sequence[Mapping[str, Any]], outcome: str) -> pa.Table:
        return pa.Table.from_pylist(
            [
                {
                    "plan_id": send.plan_id,
                    "n": row["n"],
                    "batch": 0,
                    "identifier": row["identifier"],
                    "object": row["object"],
                    "outcome": outcome,
                    "reason": None if outcome == "accepted" else "because",
                    "http_status": 201 if outcome == "accepted" else None,
                    "time": self.now,
                }
                for row in objects
            ],
            schema=RECEIPTS_SCHEMA,
        )

    def record(self, send: Send, objects: Sequence[Mapping[str, Any]], outcome: str = "accepted") -> None:
        if objects:
            send.record(self.receipts(send, objects, outcome))

    def send(
        self,
        header: PlanHeader,
        plan: StoredTable,
        *,
        limit: int | None = None,
        outcome: Outcome = lambda row: "accepted",
    ) -> tuple[list[dict[str, Any]], FoldResult]:
        """Send a plan to its end; `outcome` says what becomes of each object (None: no receipt)."""
        send = self.begin(header, plan, limit)
        objects = self.pending(send, plan)
        by_outcome: dict[str, list[dict[str, Any]]] = {}
        for row in objects:
            said = outcome(row)
            if said is not None:
                by_outcome.setdefault(said, []).append(row)
        for said, some in by_outcome.items():
            self.record(send, some, said)
        return objects, send.finish(self.connection, self.tick())

    def sync_rows(self, rows: StoredTable, **options: Any) -> list[dict[str, Any]]:
        """Plan and send everything; the objects that went out."""
        header, plan = self.plan(rows, **options)
        objects, _ = self.send(header, plan)
        return [json.loads(row["object"]) for row in objects]

    def held(self) -> dict[str, dict[str, Any]]:
        """The ledger: identifier to values."""
        acknowledged = self.ledger.acknowledged()
        source = acknowledged.sql(self.connection)
        if source is None:
            return {}
        rows = self.connection.sql(f"FROM {source}").to_arrow_table().to_pylist()
        return {
            row[self.identifier]: {
                name: row[name] for name in [*acknowledged.types(), "_unknown"] if row[name] is not None
            }
            for row in rows
        }


def objects(connection: duckdb.DuckDBPyConnection, plan: StoredTable) -> list[dict[str, Any]]:
    """The rows of a stored plan, in file order."""
    return connection.sql(f"FROM {plan.sql(connection)}").to_arrow_table().to_pylist()

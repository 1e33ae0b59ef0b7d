"""A sync of events over a real ledger and a local Braze; each event has its own name, which Braze counts."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import duckdb
import pyarrow as pa

from braze_assets.braze.limits import Limits
from braze_assets.delivery import BrazeClient, DeliverySettings, SendReport, send_events
from braze_assets.emulator.process import LocalBraze
from braze_assets.ledger.events import EventLedger, Settlement, settle_events
from braze_assets.plan.events import (
    EventGuardSettings,
    EventPlanHeader,
    EventPlanSettings,
    make_event_plan,
    read_event_plan_header,
)
from braze_assets.rows import TableQuery
from braze_assets.rows.events import EventsHeader, EventsSpec, build_events
from braze_assets.storage import Storage, StoredTable, write_parquet
from braze_assets_tests.delivery.harness import FAST, KEY

START = datetime(2026, 11, 1, tzinfo=timezone.utc)
QUICK = replace(FAST, journal_interval=0.02, max_attempts=4, read_timeout=20.0)
IMPATIENT = replace(QUICK, read_timeout=1.5)


def event(number: int, *, user: int | None = None, **more: Any) -> dict[str, Any]:
    return {
        "event_id": f"id-{number:05d}",
        "external_id": f"u{(number if user is None else user) % 50:03d}",
        "name": f"e{number:05d}",
        "time": START + timedelta(seconds=number),
        "number": number,
        **more,
    }


def events(first: int, last: int, **more: Any) -> list[dict[str, Any]]:
    return [event(number, **more) for number in range(first, last)]


class Events:
    """One sync."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        folder: str,
        *,
        kind: Any = "events",
        settings: EventPlanSettings | None = None,
        **spec: Any,
    ) -> None:
        self.connection = connection
        self.storage = Storage(folder)
        open_ = EventGuardSettings(max_id_errors=1, max_identifier_errors=1)
        self.settings = settings or EventPlanSettings(update_existing_only=False, guards=open_)
        self.spec = EventsSpec(name="orders", kind=kind, query=TableQuery("SELECT * FROM log"), **spec)
        self.ledger = EventLedger(self.storage, "orders")
        self.clock = START + timedelta(days=2)
        self.delivery: DeliverySettings = QUICK

    def now(self) -> datetime:
        self.clock += timedelta(seconds=1)
        return self.clock

    def rows(
        self, rows: Iterable[Mapping[str, Any]] | str, day: int = 0, schema: pa.Schema | None = None
    ) -> tuple[EventsHeader, StoredTable]:
        """Write the table of a day: of dictionaries, or of a SELECT."""
        if isinstance(rows, str):
            source = f"({rows})"
        else:
            self.connection.register("given", pa.Table.from_pylist(list(rows), schema=schema))
            source = "given"
        partition, as_of = self.partition(day)
        built = build_events(self.connection, self.spec, {"log": source}, partition=partition, as_of=as_of)
        path = self.storage.path("rows", f"{partition}.parquet")
        write_parquet(path, built.reader(), metadata=built.documents)
        return built.header, StoredTable.at(path)

    def partition(self, day: int) -> tuple[str, datetime]:
        return f"{START + timedelta(days=day):%Y-%m-%d}", START + timedelta(days=day + 1)

    def plan(
        self, rows: Iterable[Mapping[str, Any]] | str | StoredTable, day: int = 0, **more: Any
    ) -> tuple[EventPlanHeader, StoredTable]:
        table = rows if isinstance(rows, StoredTable) else self.rows(rows, day)[1]
        partition, as_of = self.partition(day)
        plan = make_event_plan(
            self.connection,
            sync="orders",
            rows=table,
            ledger=self.ledger,
            settings=self.settings,
            partition=partition,
            as_of=as_of,
            now=self.now(),
            **more,
        )
        path = self.storage.path("plans", f"{partition}.parquet")
        write_parquet(path, plan.reader(), metadata=plan.documents)
        stored = StoredTable.at(path)
        return read_event_plan_header(stored), stored

    def send(
        self, plan: StoredTable, braze: LocalBraze | None, *, mode: Any = "live", **more: Any
    ) -> SendReport:
        settings = more.pop("settings", self.delivery)
        client = None if braze is None else BrazeClient(endpoint=braze.url, api_key=KEY, settings=settings)
        options = {"limits": Limits(), "settings": settings, **more}
        return send_events(
            plan=plan, plan_uri=plan.uris[0], ledger=self.ledger, client=client, mode=mode, **options
        )

    def sync(self, rows: Any, braze: LocalBraze, day: int = 0, **more: Any) -> SendReport:
        return self.send(self.plan(rows, day)[1], braze, **more)

    def settle(self, word: Any, **more: Any) -> Settlement:
        return settle_events(self.ledger, self.connection, word, now=self.now(), **more)

    def review(self) -> list[dict[str, Any]]:
        return list(self.ledger.review.list(self.connection).read_all().to_pylist())

    def in_review(self) -> set[int]:
        return {int(row["event_id"].partition("-")[2]) for row in self.review()}


def applied(braze: LocalBraze, what: str = "events") -> Counter[int]:
    """How often Braze has each event, by its number."""
    braze.control.wait_until_applied()
    found: Counter[int] = Counter()
    for profile in braze.control.profiles():
        for name, entry in (profile.get(what) or {}).items():
            found[int(name[1:])] += entry["count"]
    return found

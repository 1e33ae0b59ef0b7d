import io
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import fastavro
import pytest

from braze_assets.currents.events import avro_schema
from braze_assets.currents.filling import FilledHour, Filling
from braze_assets.currents.ingest import IngestSettings
from braze_assets.currents.listing import CurrentsSource
from braze_assets.currents.manifest import Manifest, loaded
from braze_assets.currents.paths import CurrentsKey, build_key
from braze_assets.currents.refill import marked
from braze_assets.storage import Storage, StoredTable, write_parquet

HOUR = datetime(2026, 11, 20, 7, tzinfo=timezone.utc)
NEXT = HOUR + timedelta(hours=1)
NOW = HOUR + timedelta(hours=30)
OPEN = "users.messages.email.Open"
INTEGRATION = "dataexport.prod-01.S3.integration.69cadaaed2d51b7c75b1a3e5"


def avro(schema: dict[str, Any], records: list[dict[str, Any]], **options: Any) -> bytes:
    """An Avro file in memory."""
    buffer = io.BytesIO()
    fastavro.writer(buffer, fastavro.parse_schema(schema), records, **options)
    return buffer.getvalue()


def event(number: int, **fields: Any) -> dict[str, Any]:
    """A small valid email event."""
    return {
        "id": f"event-{number}",
        "user_id": f"user-{number}",
        "time": int(HOUR.timestamp()) + number,
        "email_address": "a@example.com",
        **fields,
    }


def record(*fields: tuple[str, Any]) -> dict[str, Any]:
    """A record schema."""
    return {
        "type": "record",
        "name": "Open",
        "fields": [{"name": name, "type": kind} for name, kind in fields],
    }


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes one file of events (or raw bytes) into a folder of the newest layout."""

    def write(
        content: bytes | list[dict[str, Any]],
        *,
        offset: int = 0,
        event_type: str = OPEN,
        hour: datetime = HOUR,
        schema: dict[str, Any] | None = None,
        **options: Any,
    ) -> Path:
        key = CurrentsKey(
            event_type=event_type,
            hour=hour,
            layout="version",
            integration=INTEGRATION,
            version=10,
            environment="us-01",
            partition=0,
            offset=offset,
        )
        path = tmp_path / "currents" / build_key(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, list):
            content = avro(schema or avro_schema(event_type), content, **options)
        path.write_bytes(content)
        return path

    return write


class Feed:
    """A folder of files, a storage, and runs of hours."""

    def __init__(self, place: Path) -> None:
        self.place = place
        (place / "currents").mkdir()
        self.source = CurrentsSource(str(place / "currents"))
        self.storage = Storage(str(place / "storage"))
        self.now = NOW

    def run(self, hour: datetime, meanwhile: Callable[[], Any] = lambda: None, **settings: Any) -> FilledHour:
        made = IngestSettings(**settings)
        filling = Filling(
            CurrentsSource(self.source.url), self.storage, OPEN, self.table, made, lambda: self.now
        )
        with filling.hour(hour) as filled:
            meanwhile()
            path = self.storage.path("tables", f"{hour:%d-%H}.parquet")
            write_parquet(path, filled.ingested.reader(), metadata=filled.documents())
        filling.expire()
        assert filled.report.differences(filled.stored_rows or 0) == []
        return filled

    def table(self, hour: datetime) -> StoredTable:
        return StoredTable.at(self.storage.uri("tables", f"{hour:%d-%H}.parquet"))

    def ids(self, hour: datetime) -> list[str]:
        return sorted(self.table(hour).dataset().to_table().column("id").to_pylist())

    def manifest(self, hour: datetime) -> Manifest:
        found = loaded(self.table(hour))
        assert found is not None
        return found

    def marks(self) -> list[datetime]:
        return marked(self.storage, [OPEN]).get(OPEN, [])


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    """A folder of files, a storage, and runs of hours."""
    return Feed(tmp_path)

"""The queries shown in docs/currents.md, run on tables as they are stored (K40)."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from braze_assets.currents.events import avro_schema
from braze_assets.currents.ingest import ingest_hour
from braze_assets.currents.listing import CurrentsSource
from braze_assets.currents.quarantine import quarantine
from braze_assets.storage import Storage, connect, write_parquet
from braze_assets_tests.currents.conftest import HOUR, OPEN, Write, event

DOCS = Path(__file__).parents[2] / "docs" / "currents.md"
QUERIES = re.findall(r"```sql\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
CUSTOM = "users.behaviors.CustomEvent"


def test_documented_queries(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A history of two schemas, JSON taken apart, and the quarantine: each by its documented query."""
    storage = Storage(str(tmp_path / "storage"))
    properties = json.dumps({"sku": "A-1", "price": 3.14, "tags": ["x", "y"], "at": "2026-07-01T10:00:00Z"})
    custom = {"platform": "ios", "name": "viewed"}
    wider = avro_schema(OPEN)
    wider["fields"].append({"name": "inbox", "type": ["null", "string"]})
    for number in range(2):
        hour = HOUR + timedelta(hours=number)
        write([event(number, inbox="spam")], hour=hour, schema=wider if number else None)
        texts = [properties, "not JSON"]
        write(
            [event(10 * number + each, properties=text, **custom) for each, text in enumerate(texts)],
            hour=hour,
            event_type=CUSTOM,
        )
        write(b"junk", hour=hour, offset=1)
        for event_type in (OPEN, CUSTOM):
            made = ingest_hour(CurrentsSource(str(tmp_path / "currents")), event_type, hour)
            folder = f"tables/currents/{event_type.replace('.', '_').lower()}/date={hour:%Y-%m-%d}"
            write_parquet(storage.path(folder, f"hour={hour:%H}", "data.parquet"), made.reader())
            quarantine(storage, event_type, hour, made.read.files, HOUR)
    monkeypatch.chdir(storage.url)
    history, bad, details, keys = QUERIES
    with connect() as con:
        rows = con.sql(history).to_arrow_table().to_pylist()
        assert {row["id"]: row["inbox"] for row in rows} == {"event-0": None, "event-1": "spam"}
        assert [row[3] for row in con.sql(bad).fetchall()] == [
            "it is not an Avro file: the first bytes are not Avro's"
        ] * 2
        taken = con.sql(details).to_arrow_table().to_pylist()
        assert [(row["sku"], str(row["price"]), row["tags"]) for row in taken] == [
            ("A-1", "3.14", ["x", "y"])
        ] * 2
        assert dict(con.sql(keys).fetchall()) == {"sku": 2, "price": 2, "tags": 2, "at": 2}

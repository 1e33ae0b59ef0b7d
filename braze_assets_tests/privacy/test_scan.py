"""The search finds: whatever is not found elsewhere is not there."""

import base64
import gzip
import json
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from braze_assets_tests.privacy.marks import KEY, MARKS
from braze_assets_tests.privacy.scan import Places, scan


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        KEY.upper(),
        quote(KEY, safe=""),
        json.dumps({"a": json.dumps({"b": KEY})}),
        *(base64.b64encode(f"{'x' * shift}{KEY}yy".encode()).decode() for shift in range(3)),
        KEY.encode().hex(),
        KEY[:16],
    ],
)
def test_a_key_is_known_in_any_dress(text: str) -> None:
    assert "api key" in " ".join(name for name, _ in MARKS.found(f"before {text} after".encode()))


@pytest.mark.parametrize("text", ["Zq7Nämé", "ZQ7NÄMÉ".lower(), json.dumps("Zq7Nämé"), quote("Zq7Nämé")])
def test_a_name_is_known_in_any_dress(text: str) -> None:
    assert [name for name, _ in MARKS.found(text.encode())] == ["name"]


def test_an_asset_that_tells_everything_is_caught(tmp_path: Path) -> None:
    """Event log, compute logs, metadata, run configuration, tags, errors."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")

    class Loud(dg.Config):
        text: str

    @dg.asset
    def leaky(context: dg.AssetExecutionContext, config: Loud) -> Any:
        context.log.info("logged zq7id-0001")
        context.add_output_metadata({"who": "zq7mail-0001@zq7host.example"})
        print(f"printed {KEY}")  # noqa: T201
        return dg.MaterializeResult()

    @dg.asset(deps=[leaky])
    def failing() -> None:
        try:
            raise ValueError("mauersegler")
        except ValueError as error:
            raise RuntimeError("no") from error

    with dg.DagsterInstance.from_config(str(home)) as instance:
        job = dg.Definitions(assets=[leaky, failing]).resolve_implicit_global_asset_job_def()
        job.execute_in_process(
            instance=instance,
            run_config={"ops": {"leaky": {"config": {"text": "+49176555010001"}}}},
            tags={"who": "zwergfalke"},
            raise_on_error=False,
        )
        finds = scan(MARKS, Places(home=home, instance=instance))
    kinds = {
        (find.mark, "compute log" if "compute_logs" in find.where else find.kind): find for find in finds
    }
    for mark in ("identifier", "e-mail", "identifier like a word", "phone", "word"):
        assert (mark, "database") in kinds
        assert (mark, "instance") in kinds
    assert ("api key", "compute log") in kinds


def test_files_are_looked_into(tmp_path: Path) -> None:
    (tmp_path / "packed.gz").write_bytes(gzip.compress(KEY.encode()))
    (tmp_path / "zwergfalke.txt").write_bytes(zlib.compress(b"nothing"))
    log = tmp_path / "_delta_log"
    log.mkdir()
    (log / "0.json").write_text('{"minValues": {"external_id": "zq7id-0000"}}')
    table = pa.table({"a": ["zq7id-1"], "b": [[{"c": "+4917655501"}]]})
    table = table.replace_schema_metadata({"note": "zq7mail-"})
    pq.write_table(table, tmp_path / "t.parquet", compression="zstd")
    pq.write_table(pa.table({"stats": ["zq7id-1"]}), log / "1.checkpoint.parquet")
    found = {(find.mark, find.kind, find.where) for find in scan(MARKS, Places(storage=str(tmp_path)))}
    assert {
        ("api key", "file", "packed.gz (unpacked)"),
        ("word", "name", "zwergfalke.txt"),
        ("identifier", "delta log", "_delta_log/0.json"),
        ("identifier", "delta log", "_delta_log/1.checkpoint.parquet#stats"),
        ("identifier", "column", "t.parquet#a"),
        ("identifier", "statistics", "t.parquet#a"),
        ("phone", "column", "t.parquet#b"),
        ("e-mail", "footer", "t.parquet#note"),
    } <= found

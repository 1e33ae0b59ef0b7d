"""D4: one URL for a folder or an S3 prefix; tables appear whole or not at all."""

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from fsspec.implementations.local import LocalFileSystem

from braze_assets.errors import ConfigurationError, StorageError
from braze_assets.storage import (
    EngineSettings,
    Storage,
    StoredTable,
    connect,
    existing,
    storage_errors,
    write_parquet,
)


def test_both_places_hold_the_same_table(storage_url: str) -> None:
    storage = Storage(storage_url)
    storage.check()
    table = pa.table({"k": ["0123", "true"], "Loyalty Points": [1, None]})
    written = write_parquet(storage.path("a", "x=1", "t.parquet"), table, metadata={"note": {"n": 1}})

    stored = StoredTable.at(storage.uri("a", "x=1", "t.parquet"))
    assert (written.rows, stored.num_rows) == (2, 2)
    assert written.bytes == storage.path("a", "x=1", "t.parquet").stat().st_size
    assert stored.document("note") == {"n": 1}
    assert stored.document("other") is None
    assert stored.dataset().to_table().to_pydict() == table.to_pydict()
    with connect() as connection:
        rows = connection.execute(f"SELECT * FROM {stored.sql(connection)} ORDER BY k").fetchall()
    assert rows == [("0123", 1), ("true", None)]
    with stored.local() as local:
        assert local.dataset().to_table().to_pydict() == table.to_pydict()


def test_columns_of_several_files_are_matched_by_name(storage_url: str) -> None:
    storage = Storage(storage_url)
    write_parquet(storage.path("1.parquet"), pa.table({"a": [1], "b": ["x"]}))
    write_parquet(storage.path("2.parquet"), pa.table({"b": ["y"], "c": [2.0]}))
    both = StoredTable.at(storage.uri("1.parquet"), storage.uri("2.parquet"))

    with connect() as connection:
        rows = connection.execute(f"SELECT a, b, c FROM {both.sql(connection)} ORDER BY b").fetchall()
    assert rows == [(1, "x", None), (None, "y", 2.0)]
    assert both.dataset().to_table().num_rows == 2


def test_those_that_are_there_are_found_together(storage_url: str) -> None:
    """D4: whatever else the names begin with, and where nothing is there at all."""
    storage = Storage(storage_url)
    hours = [StoredTable.at(storage.uri("t", f"hour=2026-07-{n:02}", "data.parquet")) for n in range(9, 13)]
    assert existing(hours) == existing([]) == []
    for name in ("hour=2026-07-10", "hour=2026-07-12", "hour=2026-07-10.old", "hour=2026-08-09"):
        write_parquet(storage.path("t", name, "data.parquet"), pa.table({"k": [1]}))
    assert existing(hours) == [hours[1], hours[3]]
    assert existing(hours[1:2]) == hours[1:2]
    assert existing(hours[:1]) == []
    both = StoredTable.at(*(hours[1].uris + hours[2].uris))
    assert existing([both, hours[1]]) == [hours[1]]


def test_a_failed_write_leaves_what_was_there(storage_url: str) -> None:
    storage = Storage(storage_url)
    path = storage.path("t.parquet")
    write_parquet(path, pa.table({"v": [1]}))

    def batches() -> Any:
        for _ in range(20):
            yield pa.record_batch({"v": pa.array(range(100_000))})
        raise RuntimeError("cut off")

    with pytest.raises(RuntimeError, match="cut off"):
        write_parquet(path, batches(), schema=pa.schema([("v", pa.int64())]))
    assert StoredTable.at(str(path)).num_rows == 1
    assert [each.name for each in path.parent.iterdir()] == ["t.parquet"]


def test_a_table_that_is_not_there_says_so(storage_url: str) -> None:
    missing = StoredTable.at(Storage(storage_url).uri("nothing.parquet"))
    assert not missing.exists()
    with pytest.raises(StorageError, match="The table is not there") as error:
        _ = missing.schema
    assert error.value.remedy is not None
    assert "nothing.parquet" in str(error.value.place)


def test_a_cut_file_is_named(storage_url: str) -> None:
    storage = Storage(storage_url)
    path = storage.path("t.parquet")
    write_parquet(path, pa.table({"v": list(range(1000))}))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StorageError, match="not a readable Parquet file"):
        _ = StoredTable.at(str(path)).num_rows


@pytest.mark.parametrize(
    ("url", "cause"), [("", "storage is not set"), ("gs://bucket/x", "unknown scheme 'gs'")]
)
def test_a_wrong_url_is_refused(url: str, cause: str) -> None:
    with pytest.raises(ConfigurationError, match=cause) as error:
        Storage(url)
    assert error.value.place == "BRAZE_ASSETS_STORAGE"


def test_wrong_places_are_explained(s3_endpoint: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="bucket does not exist"):
        Storage("s3://no-such-bucket/x").check()
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(StorageError, match="The storage cannot be used"):
        Storage(str(blocker)).check()
    (tmp_path / "ok").mkdir()
    Storage(str(tmp_path / "ok")).check()
    assert list((tmp_path / "ok").iterdir()) == []


def test_the_engine_is_utc_bounded_and_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAZE_ASSETS_MEMORY_LIMIT", "300MB")
    with connect(EngineSettings.from_environment()) as connection:
        settings = dict(
            connection.execute(
                "SELECT name, value FROM duckdb_settings() WHERE name IN ('TimeZone', 'memory_limit')"
            ).fetchall()
        )
        assert settings["TimeZone"] == "UTC"
        assert settings["memory_limit"].startswith("286")
        spill = connection.execute("SELECT current_setting('temp_directory')").fetchall()[0][0]
        assert Path(spill).exists()
    assert not Path(spill).exists()


def test_storage_that_fails_under_a_query_is_no_failure_of_the_query() -> None:
    """It is worth another try; what DuckDB makes of it is a traceback of its file system's."""

    class Breaking(LocalFileSystem):  # type: ignore[misc]
        protocol = "breaking"

        def exists(self, *_: object, **__: object) -> bool:
            raise RuntimeError("the connection ended in the middle")

        _open = glob = exists

    with connect() as connection:
        connection.register_filesystem(Breaking())
        with (
            pytest.raises(StorageError, match="could not be read to its end") as error,
            storage_errors("s3://bucket/t.parquet"),
        ):
            connection.sql("SELECT * FROM read_parquet('breaking://t.parquet')").fetchall()
        assert error.value.place == "s3://bucket/t.parquet"
        assert not error.value.permanent
        with pytest.raises(duckdb.Error), storage_errors("s3://bucket/t.parquet"):
            connection.sql("SELECT 'x'::INTEGER").fetchall()

"""Partitions are opened one by one, and what is missing is named."""

from pathlib import Path

import pyarrow as pa
import pytest

from braze_assets.errors import ConfigurationError, StorageError
from braze_assets.storage import EngineSettings, Storage, StoredTable, write_parquet
from braze_assets.storage.partitions import PartitionedTable


def table(storage: Storage, days: list[str], made: list[str]) -> PartitionedTable:
    for day in made:
        write_parquet(storage.path("t", f"date={day}", "data.parquet"), pa.table({"day": [day]}))
    stored = {day: StoredTable.at(storage.uri("t", f"date={day}", "data.parquet")) for day in days}
    return PartitionedTable("t", stored)


def test_only_what_is_stored_is_read(storage_url: str) -> None:
    days = [f"2026-07-0{number}" for number in range(1, 6)]
    found = table(Storage(storage_url), days, days[1:4])
    assert found.stored() == days[1:4]
    assert found.existing(None).dataset().to_table().to_pydict() == {"day": [days[3]]}
    assert found.complete(days[1:3]).num_rows == 2
    with pytest.raises(StorageError, match="t of partition 2026-07-05 was never materialized"):
        found.existing(days[4])
    with pytest.raises(StorageError, match="t of partition 2026-07-01 was never materialized"):
        found.complete(days[:2])


def test_other_partitions_are_named(tmp_path: Path) -> None:
    found = table(Storage(str(tmp_path)), ["2026-07-01-00:00"], [])
    with pytest.raises(StorageError, match="no partition 2026-07-01; it has some like 2026-07-01-00:00"):
        found.existing("2026-07-01")
    with pytest.raises(StorageError, match="was never materialized"):
        found.existing(None)


@pytest.mark.parametrize(
    ("variable", "value"), [("BRAZE_ASSETS_THREADS", "many"), ("BRAZE_ASSETS_MEMORY_LIMIT", "lots")]
)
def test_a_wrong_engine_setting_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as error:
        EngineSettings.from_environment()
    assert error.value.place == variable

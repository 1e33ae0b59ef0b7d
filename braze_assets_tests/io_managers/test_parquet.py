"""D4: every table asset on S3 or in a folder, by one URL."""

import os
import signal
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from braze_assets.io_managers import ParquetIOManager, TableOutput
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import Storage, StoredTable
from braze_assets.storage.partitions import PartitionedTable

DAYS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-02-01")
HOURS = dg.HourlyPartitionsDefinition("2026-01-01-00:00")


def resources(url: str) -> dict[str, Any]:
    return {"io_manager": ParquetIOManager(storage=StorageResource(url=url))}


def run(url: str, assets: list[Any], **options: Any) -> dg.ExecuteInProcessResult:
    return dg.materialize(assets, resources=resources(url), **options)


@pytest.mark.parametrize(
    "value",
    [
        pa.table({"k": ["a", "b"], "v": [1, 2]}),
        pa.table({"k": ["a", "b"], "v": [1, 2]}).to_reader(),
        pd.DataFrame({"k": ["a", "b"], "v": [1, 2]}),
        pl.DataFrame({"k": ["a", "b"], "v": [1, 2]}),
        pl.LazyFrame({"k": ["a", "b"], "v": [1, 2]}),
    ],
    ids=["arrow", "reader", "pandas", "polars", "lazy"],
)
def test_any_frame_is_stored_as_parquet(tmp_path: Any, value: Any) -> None:
    @dg.asset
    def people() -> Any:
        return dg.MaterializeResult(value=value)

    result = run(str(tmp_path), [people])

    stored = StoredTable.at(tmp_path / "tables" / "people" / "data.parquet")
    assert stored.dataset().to_table().to_pydict() == {"k": ["a", "b"], "v": [1, 2]}
    metadata = result.asset_materializations_for_node("people")[0].metadata
    assert metadata["dagster/row_count"].value == 2
    assert [column.name for column in metadata["dagster/column_schema"].value.columns] == ["k", "v"]
    assert metadata["dagster/uri"].value.endswith("/tables/people/data.parquet")
    assert metadata["size_bytes"].value == (tmp_path / "tables/people/data.parquet").stat().st_size


def test_a_reader_is_one_table_with_partitions_too(storage_url: str) -> None:
    @dg.asset(partitions_def=DAYS)
    def people() -> Any:
        return dg.MaterializeResult(value=pa.table({"v": [1, 2]}).to_reader())

    run(storage_url, [people], partition_key="2026-01-05")
    stored = Storage(storage_url).uri("tables", "people", "date=2026-01-05", "data.parquet")
    assert StoredTable.at(stored).num_rows == 2


def test_a_table_without_partitions_may_come_from_an_iterator(tmp_path: Any) -> None:
    """What made the table stays open until it is stored."""
    open_now: list[bool] = []

    @dg.asset
    def people() -> Any:
        def tables() -> Iterator[tuple[None, pa.RecordBatchReader]]:
            open_now.append(True)
            try:
                yield None, pa.RecordBatchReader.from_batches(pa.schema([("v", pa.int64())]), batches())
            finally:
                open_now.clear()

        def batches() -> Iterator[pa.RecordBatch]:
            assert open_now
            yield pa.record_batch({"v": pa.array([1, 2])})

        return dg.MaterializeResult(value=tables())

    result = run(str(tmp_path), [people])
    metadata = result.asset_materializations_for_node("people")[0].metadata
    assert metadata["dagster/row_count"].value == 2
    assert StoredTable.at(tmp_path / "tables" / "people" / "data.parquet").num_rows == 2


@pytest.mark.parametrize(
    "hint",
    [
        pa.Table,
        pa.RecordBatchReader,
        ds.Dataset,
        pd.DataFrame,
        pl.DataFrame,
        pl.LazyFrame,
        StoredTable,
        PartitionedTable,
        dict[str, pa.Table],
        pd.DataFrame | None,
    ],
)
def test_a_partition_arrives_as_the_annotated_type(storage_url: str, hint: Any) -> None:
    @dg.asset(partitions_def=DAYS)
    def people() -> Any:
        return dg.MaterializeResult(value=pa.table({"v": [1, 2, 3]}))

    seen: list[Any] = []

    def reader(people: Any) -> None:
        seen.append(type(people))
        seen.append(total(people))

    reader.__annotations__["people"] = hint
    run(storage_url, [people, dg.asset(partitions_def=DAYS)(reader)], partition_key="2026-01-05")

    assert seen[1] == 6
    path = Storage(storage_url).path("tables", "people", "date=2026-01-05", "data.parquet")
    assert path.exists()


def total(value: Any) -> int:
    if isinstance(value, dict):
        return sum(total(each) for each in value.values())
    if isinstance(value, PartitionedTable):
        value = value.all()
    if isinstance(value, StoredTable):
        value = value.dataset()
    if isinstance(value, pa.RecordBatchReader):
        value = value.read_all()
    if isinstance(value, ds.Dataset):
        value = value.to_table()
    if isinstance(value, pl.LazyFrame):
        value = value.collect()
    return int(pd.Series(value["v"].to_numpy()).sum())


def test_a_range_is_stored_and_reported_partition_by_partition(storage_url: str) -> None:
    @dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
    def people(context: dg.AssetExecutionContext) -> Any:
        def tables() -> Iterator[tuple[str, TableOutput]]:
            for number, key in enumerate(context.partition_keys):
                yield key, TableOutput(pa.table({"v": [number]}), metadata={"number": number})

        return dg.MaterializeResult(value=tables())

    @dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
    def summed(context: dg.AssetExecutionContext, people: ds.Dataset) -> None:
        assert people.to_table()["v"].to_pylist() == [0, 1, 2]

    with dg.instance_for_test() as instance:
        run(
            storage_url,
            [people, summed],
            instance=instance,
            tags={
                "dagster/asset_partition_range_start": "2026-01-01",
                "dagster/asset_partition_range_end": "2026-01-03",
            },
        )
        records = instance.fetch_materializations(dg.AssetKey("people"), limit=20).records
    numbers = {
        record.partition_key: record.asset_materialization.metadata["number"].value
        for record in records
        if record.asset_materialization
    }
    assert numbers == {"2026-01-01": 0, "2026-01-02": 1, "2026-01-03": 2}


def test_a_crash_in_a_range_keeps_what_was_made_and_replaces_nothing(storage_url: str) -> None:
    crash_at: list[int] = []

    @dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
    def people(context: dg.AssetExecutionContext) -> Any:
        def batches(number: int) -> Iterator[pa.RecordBatch]:
            for part in range(4):
                if number in crash_at and part == 3:
                    raise RuntimeError("cut off")
                yield pa.record_batch({"v": pa.array(range(100_000))})

        def tables() -> Iterator[tuple[str, pa.RecordBatchReader]]:
            for number, key in enumerate(context.partition_keys):
                yield (
                    key,
                    pa.RecordBatchReader.from_batches(pa.schema([("v", pa.int64())]), batches(number)),
                )

        return dg.MaterializeResult(value=tables())

    tags = {
        "dagster/asset_partition_range_start": "2026-01-01",
        "dagster/asset_partition_range_end": "2026-01-03",
    }
    run(storage_url, [people], tags=tags)
    storage = Storage(storage_url)
    second = storage.path("tables", "people", "date=2026-01-02", "data.parquet")
    before = second.read_bytes()
    crash_at.append(1)
    assert not run(storage_url, [people], tags=tags, raise_on_error=False).success

    assert second.read_bytes() == before
    with second.open("rb") as source:
        assert pq.read_metadata(source).num_rows == 400_000
    leftovers = [path.name for path in second.parent.iterdir() if path.name != "data.parquet"]
    assert leftovers == []


def test_hours_are_hive_folders(storage_url: str) -> None:
    @dg.asset(partitions_def=HOURS)
    def events() -> Any:
        return dg.MaterializeResult(value=pa.table({"v": [1]}))

    run(storage_url, [events], partition_key="2026-01-02-07:00")
    path = Storage(storage_url).path("tables", "events", "date=2026-01-02", "hour=07", "data.parquet")
    assert path.exists()


def test_a_missing_partition_fails_once_and_says_what_to_do(storage_url: str) -> None:
    people = dg.AssetSpec("people", partitions_def=DAYS)
    retries = dg.RetryPolicy(max_retries=3, delay=0.01)

    @dg.asset(partitions_def=DAYS, retry_policy=retries)
    def counted(people: pa.Table) -> None: ...

    result = dg.materialize(
        [people, counted],
        resources=resources(storage_url),
        partition_key="2026-01-02",
        selection=[counted],
        raise_on_error=False,
    )
    failure = result.failure_data_for_node("counted")
    assert failure is not None
    text = str(failure.error)
    assert "people of partition 2026-01-02 was never materialized" in text
    assert "What to do: Materialize people of partition 2026-01-02 first" in text
    assert not [event for event in result.all_events if event.event_type_value == "STEP_UP_FOR_RETRY"]


def test_a_missing_bucket_is_named(s3_endpoint: str) -> None:
    @dg.asset
    def people() -> Any:
        return dg.MaterializeResult(value=pa.table({"v": [1]}))

    result = run("s3://no-such-bucket/prefix", [people], raise_on_error=False)
    failure = result.failure_data_for_node("people")
    assert failure is not None
    assert "bucket does not exist" in str(failure.error)


def test_a_storage_that_cannot_be_written_is_named(tmp_path: Any) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("in the way")

    @dg.asset
    def people() -> Any:
        return dg.MaterializeResult(value=pa.table({"v": [1]}))

    result = run(str(blocker), [people], raise_on_error=False)
    failure = result.failure_data_for_node("people")
    assert failure is not None
    assert "The storage cannot be used" in str(failure.error)
    assert "What to do" in str(failure.error)


class _Dropped:
    """Is told to stop while Python finalizes it, where what is raised goes nowhere."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_termination_that_python_drops_stops_the_range_all_the_same(tmp_path: Any) -> None:
    """D7: what is done stays done, and the rest is not made."""
    made = []

    @dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
    def people(context: dg.AssetExecutionContext) -> Any:
        def tables() -> Iterator[Any]:
            for number, key in enumerate(context.partition_keys):
                made.append(key)
                if number == 2:
                    [_Dropped()].clear()
                yield key, pa.table({"v": [number]})

        return dg.MaterializeResult(value=tables())

    tags = {
        "dagster/asset_partition_range_start": "2026-01-01",
        "dagster/asset_partition_range_end": "2026-01-20",
    }
    result = run(str(tmp_path), [people], tags=tags, raise_on_error=False)
    assert not result.success
    assert len(made) == 3
    stored = sorted(each.parent.name for each in (tmp_path / "tables" / "people").glob("*/data.parquet"))
    assert stored == ["date=2026-01-01", "date=2026-01-02"]

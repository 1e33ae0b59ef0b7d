"""Where a partition of an asset is kept: Hive-style folders that any engine can read."""

from collections.abc import Sequence
from urllib.parse import quote

import dagster as dg

from braze_assets.storage import Storage, StoredTable

__all__ = ["FILE_NAME", "partition_folders", "stored_table", "table_folders"]

FILE_NAME = "data.parquet"


def table_folders(key: dg.AssetKey) -> list[str]:
    """The folders of an asset under the storage root."""
    return ["tables", *key.path]


def partition_folders(partitions: dg.PartitionsDefinition[str] | None, key: str) -> Sequence[str]:
    """The folders of one partition: `date=2026-11-22`, `date=2026-11-22/hour=14`, or `<dimension>=<key>`."""
    if isinstance(partitions, dg.MultiPartitionsDefinition):
        parts = partitions.get_partition_key_from_str(key).keys_by_dimension
        by_name = {each.name: each.partitions_def for each in partitions.partitions_defs}
        return [
            folder if folder.startswith(("date=", "hour=")) else f"{name}={quote(parts[name], safe='')}"
            for name in sorted(by_name)
            for folder in partition_folders(by_name[name], parts[name])
        ]
    if isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        start = partitions.time_window_for_partition_key(key).start
        folders = [f"date={start:%Y-%m-%d}"]
        if partitions.cron_schedule.startswith("0 * "):
            folders.append(f"hour={start:%H}")
        return folders
    return [f"partition={quote(key, safe='')}"]


def stored_table(
    storage: Storage,
    key: dg.AssetKey,
    partitions: dg.PartitionsDefinition[str] | None = None,
    partition: str | None = None,
) -> StoredTable:
    """The table of an asset, or of one partition of it, as the IO manager stores it."""
    folders = table_folders(key)
    if partition is not None:
        folders += partition_folders(partitions, partition)
    return StoredTable.at(storage.uri(*folders, FILE_NAME))

"""The table of the partition before, for what is asked of the change from one to the next."""

from braze_assets.assets.syncs.definition import SyncDefinition
from braze_assets.io_managers.paths import stored_table
from braze_assets.storage import Storage

__all__ = ["rows_before"]


def rows_before(storage: Storage, sync: SyncDefinition, partition: str | None) -> int | None:
    """Rows of the table in the partition before; None where it is not there, or nothing asks for it."""
    partitions = sync.partitions
    if partitions is None or partition is None or sync.plan.guards.thresholds.max_change is None:
        return None
    window = partitions.get_prev_partition_window(partitions.time_window_for_partition_key(partition).start)
    if window is None:
        return None
    [key] = partitions.get_partition_keys_in_time_window(window)
    table = stored_table(storage, sync.key(), partitions, key)
    return table.num_rows if table.exists() else None

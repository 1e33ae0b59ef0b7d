"""The plan of a one-off, sent as its asset sends it; by a process of its own slowly, to be killed.

`python -m braze_assets_tests.assets.launching STORAGE SYNC PARTITION URL`
"""

import sys

from braze_assets.delivery import SendReport, send_plan
from braze_assets.ledger import Ledger
from braze_assets.resources.braze import BrazeResource
from braze_assets.storage import Storage, StoredTable

__all__ = ["launch", "stored_plan"]


def stored_plan(storage: str, sync: str, partition: str) -> StoredTable:
    """The plan of a partition."""
    return StoredTable.at(f"{storage}/tables/{sync}_delta/date={partition}/data.parquet")


def launch(storage: str, sync: str, partition: str, braze: BrazeResource) -> SendReport:
    """Send it."""
    plan = stored_plan(storage, sync, partition)
    return send_plan(
        plan=plan,
        plan_uri=plan.uris[0],
        ledger=Ledger(Storage(storage), sync, "external_id"),
        client=braze.client,
        limits=braze.limits(),
        settings=braze.delivery(),
        mode="live",
        once=True,
    )


if __name__ == "__main__":
    storage, sync, partition, url = sys.argv[1:]
    # One object a request, and ten requests a second.
    slow = {"objects_per_request": 1, "requests_per_window": 10, "window_seconds": 1}
    launch(storage, sync, partition, BrazeResource(instance=url, settling_seconds=0, **slow))

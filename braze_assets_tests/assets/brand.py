"""A user's project as a live Dagster loads it: one sync in YAML, one source table, both in the folder BRAND.

`days.json` there says, for each day, how many members there are and their points: `{"2026-07-01": [40, 1]}`.
While the file `hold` is there, a run that makes a range waits after its tenth partition.
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from braze_assets.assets.partitions import daily_partitions
from braze_assets.io_managers import ParquetIOManager
from braze_assets.resources.braze import BrazeResource
from braze_assets_tests.projects import Project

_FOLDER = Path(os.environ["BRAND"])


@dg.asset(
    key=["customer_360", "members"],
    partitions_def=daily_partitions(),
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def members(context: dg.AssetExecutionContext) -> Any:
    """The members at the end of a day."""
    days = json.loads((_FOLDER / "days.json").read_text())

    def tables() -> Iterator[tuple[str, pa.Table]]:
        for key in context.partition_keys:
            count, points = days[key]
            yield (
                key,
                pa.table({"external_id": [f"{n:04}" for n in range(count)], "points": [points] * count}),
            )

    return dg.MaterializeResult(value=tables())


class HeldIOManager(ParquetIOManager):
    """A store that can be made to wait in the middle of a range, so that a run can be stopped just there."""

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Store what an asset made."""
        is_range = isinstance(obj, Iterator) and not isinstance(obj, pa.RecordBatchReader)
        super().handle_output(context, _held(obj) if is_range else obj)


def _held(tables: Iterator[Any]) -> Iterator[Any]:
    for number, each in enumerate(tables):
        while number == 10 and (_FOLDER / "hold").exists():
            time.sleep(0.05)
        yield each


@dg.definitions
def defs() -> dg.Definitions:
    """The project, with a destination slow enough to be stopped in the middle of a send."""
    project = Project(_FOLDER, str(_FOLDER / "storage"))
    definitions = project.definitions(assets=[members])
    braze = BrazeResource(
        settling_seconds=0.2,
        max_attempts=2,
        objects_per_request=5,
        requests_per_window=10,
        window_seconds=0.5,
    )
    found = definitions.resources or {}
    return dg.Definitions(
        assets=definitions.assets,
        asset_checks=definitions.asset_checks,
        jobs=definitions.jobs,
        schedules=definitions.schedules,
        sensors=definitions.sensors,
        resources={**found, "braze": braze, "io_manager": HeldIOManager(storage=found["storage"])},
        executor=dg.in_process_executor,
    )

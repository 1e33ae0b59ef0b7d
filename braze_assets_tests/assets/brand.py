"""A user's project as a live Dagster loads it: one sync in YAML, one source table, both in the folder BRAND.

`days.json` there says, for each day, how many members there are and their points: `{"2026-07-01": [40, 1]}`.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from braze_assets.assets.partitions import daily_partitions
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
    return dg.Definitions(
        assets=definitions.assets,
        asset_checks=definitions.asset_checks,
        jobs=definitions.jobs,
        schedules=definitions.schedules,
        sensors=definitions.sensors,
        resources={**(definitions.resources or {}), "braze": braze},
        executor=dg.in_process_executor,
    )

"""A day on which nothing changed: table, plan and sync of one partition in Dagster; the ledger is full."""

import os
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure
from benchmarks.measure import measured
from benchmarks.people import ATTRIBUTES, PARTITION, SYNC, ledger_of, rows_of
from benchmarks.scale import FULL, Scale
from braze_assets.emulator import DEFAULT_API_KEY, LocalBraze
from braze_assets.ledger.acknowledged import acknowledged_table
from braze_assets.storage import connect

__all__ = ["run"]

_SECONDS = 10
_YAML = """\
type: braze_assets.AttributeSync
attributes:
  name: {name}
  table: {{sql: {name}.sql}}
  sources: {{people: {{url: "{people}"}}}}
  update_existing_only: true
  audit_sample: 0
"""


def run(scale: Scale, work: Path) -> list[Figure]:
    """The ledger holds what the table says; beside it the loop that sends everything again."""
    users = scale.quiet_users
    folder = str(work / "unchanged")
    measured("unchanged:prepare", folder=folder, users=users)
    with LocalBraze(run="process", count_only=True, requests_per_window=None) as braze:
        steps = [
            measured("unchanged:day", folder=folder, url=braze.url, storage=f"{folder}/run-{number}")
            for number in range(scale.repeats)
        ]
        requests = int(braze.control.counters()["objects"])
    ours = min(steps, key=lambda step: step.seconds)
    everything = users / (1_000 * 75)
    common = {"case": "unchanged", "beside": "sending everything again at Braze's documented limit"}
    return [
        Figure(
            **common,
            what=f"a day without changes: {users:,} users x {len(ATTRIBUTES)}, Dagster included",
            value=ours.seconds,
            baseline=everything,
            unit="s",
            goal=f"{_SECONDS} s, 0 objects sent",
            met=ours.seconds <= _SECONDS and requests == 0 if users >= FULL.quiet_users else None,
            note=f"CPU {ours.cpu:.1f} s, peak memory {ours.peak:,.0f} MB, {requests} objects sent, "
            f"state {ours.result}",
        )
    ]


def prepare(folder: str, users: int) -> None:
    """The people's table, and a ledger that holds exactly it."""
    from deltalake import write_deltalake

    from benchmarks import people

    people.prepare(folder, users, with_ledger=False)
    ledger = ledger_of(folder)
    table = acknowledged_table(ledger.storage, f"{ledger.uri}/acknowledged", "external_id")
    with connect() as connection:
        source = rows_of(folder).sql(connection)
        rows = connection.sql(
            "SELECT * EXCLUDE (_error, _findings), NULL::VARCHAR[] AS _unknown, 'earlier' AS _plan_id, "
            "'2026-11-20' AS _partition, TIMESTAMPTZ '2026-11-21 03:00:00+00' AS _acknowledged_at "
            f"FROM {source}"
        )
        write_deltalake(
            table.open_or_create(), rows.to_arrow_reader(50_000), mode="append", schema_mode="merge"
        )


def day(folder: str, url: str, storage: str) -> str:
    """Load a project as a user writes it, and materialize one partition of it."""
    import shutil

    shutil.copytree(f"{folder}/ledger", f"{storage}/ledger")
    os.environ["BRAZE_API_KEY"] = DEFAULT_API_KEY
    with tempfile.TemporaryDirectory() as project:
        job = _job(Path(project), f"{folder}/rows.parquet", url, storage)
        result = job.execute_in_process(
            partition_key=PARTITION, run_config={"ops": {f"{SYNC}_sync": {"config": {"mode": "live"}}}}
        )
    event = result.asset_materializations_for_node(f"{SYNC}_sync")[-1]
    return str(getattr(event.metadata.get("state"), "value", ""))


def _job(project: Path, people: str, url: str, storage: str) -> Any:
    import sys
    from types import ModuleType

    import dagster as dg

    from braze_assets.components.loading import load_folder
    from braze_assets.io_managers import ParquetIOManager
    from braze_assets.resources.braze import BrazeResource
    from braze_assets.resources.storage import StorageResource

    folder = project / "defs" / SYNC
    folder.mkdir(parents=True)
    (folder / "defs.yaml").write_text(_YAML.format(name=SYNC, people=people))
    (folder / f"{SYNC}.sql").write_text(f"SELECT external_id, {', '.join(ATTRIBUTES)} FROM people")
    module = ModuleType("benchmark_defs")
    module.__file__ = str(project / "defs" / "__init__.py")
    module.__path__ = [str(project / "defs")]
    sys.modules["benchmark_defs"] = module
    store = StorageResource(url=storage)
    resources = {
        "storage": store,
        "braze": BrazeResource(instance=url),
        "io_manager": ParquetIOManager(storage=store),
    }
    definitions = dg.Definitions.merge(load_folder(module, project), dg.Definitions(resources=resources))
    names = (SYNC, f"{SYNC}_findings", f"{SYNC}_delta", f"{SYNC}_sync")
    keys = {dg.AssetKey(name) for name in names}
    return definitions.resolve_implicit_global_asset_job_def().get_subset(asset_selection=keys)

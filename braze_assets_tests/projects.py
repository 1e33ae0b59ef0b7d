"""A project in a temporary folder: YAML and SQL as a user would write them, loaded as Dagster would."""

import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import dagster as dg
import pyarrow as pa

from braze_assets.assets.partitions import daily_partitions
from braze_assets.components.loading import load_folder
from braze_assets.components.sources import require_sources
from braze_assets.io_managers import ParquetIOManager
from braze_assets.resources.braze import BrazeResource
from braze_assets.resources.currents import CurrentsResource
from braze_assets.resources.sample import SampleResource
from braze_assets.resources.storage import StorageResource

__all__ = ["DAYS", "Project", "daily_source", "failure", "metadata"]

DAYS = daily_partitions()


class Project:
    """Files under `defs/`, and the resources they run with."""

    def __init__(self, folder: Path, storage: str, braze_url: str = "") -> None:
        self.folder = folder / "defs"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.storage = storage
        self.braze_url = braze_url
        self.braze: dict[str, Any] = {}
        """More settings of the destination."""

    def write(self, path: str, text: str) -> Path:
        """Write a file of the project."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(text))
        return target

    def load(self) -> dg.Definitions:
        """The definitions of the folder."""
        name = "a_users_defs"
        module = ModuleType(name)
        module.__file__ = str(self.folder / "__init__.py")
        module.__path__ = [str(self.folder)]
        sys.modules[name] = module
        try:
            return load_folder(module, self.folder.parent)
        finally:
            del sys.modules[name]

    def definitions(self, *, assets: list[Any] | None = None) -> dg.Definitions:
        """The same with resources, and with source assets beside them."""
        storage = StorageResource(url=self.storage)
        resources = {
            "storage": storage,
            "braze": BrazeResource(instance=self.braze_url, settling_seconds=0, max_attempts=2, **self.braze),
            "sample": SampleResource(customers=100),
            "currents": CurrentsResource(url=f"{self.storage}/in"),
            "io_manager": ParquetIOManager(storage=storage),
        }
        return require_sources(
            dg.Definitions.merge(self.load(), dg.Definitions(assets=assets or [], resources=resources))
        )

    def run(
        self,
        names: list[str],
        *,
        config: Mapping[str, Mapping[str, Any]] | None = None,
        instance: dg.DagsterInstance | None = None,
        assets: list[Any] | None = None,
        first: str | None = None,
        last: str | None = None,
    ) -> dg.ExecuteInProcessResult:
        """Materialize assets by name: unpartitioned, one partition, or a range in one run."""
        options: dict[str, Any] = {}
        if last is not None:
            options["tags"] = {
                "dagster/asset_partition_range_start": first,
                "dagster/asset_partition_range_end": last,
            }
        elif first is not None:
            options["partition_key"] = first
        job = self.definitions(assets=assets).resolve_implicit_global_asset_job_def()
        keys = {dg.AssetKey.from_user_string(name) for name in names}
        return job.get_subset(asset_selection=keys).execute_in_process(
            run_config={"ops": {name: {"config": dict(each)} for name, each in (config or {}).items()}},
            instance=instance,
            raise_on_error=False,
            **options,
        )


def daily_source(name: str, days: Mapping[str, Any], schema: pa.Schema) -> Any:
    """A source asset `customer_360/<name>`, whose rows of a day are those in `days` when it is run."""

    @dg.asset(
        key=["customer_360", name],
        partitions_def=DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def source(context: dg.AssetExecutionContext) -> Any:
        def tables() -> Iterator[tuple[str, pa.Table]]:
            for key in context.partition_keys:
                yield key, pa.Table.from_pylist(days[key], schema=schema)

        return dg.MaterializeResult(value=tables())

    return source


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    """The metadata of the last materialization of an asset, as plain values."""
    event = result.asset_materializations_for_node(asset)[-1]
    return {name: getattr(value, "value", value) for name, value in event.metadata.items()}


def failure(result: dg.ExecuteInProcessResult, asset: str) -> str:
    """The message of the step that failed."""
    data = result.failure_data_for_node(asset)
    assert data is not None, f"{asset} did not fail"
    described = data.user_failure_data.description if data.user_failure_data else None
    return str(described or data.error)

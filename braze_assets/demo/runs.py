"""Real Dagster runs in this process, one after another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

__all__ = ["Run", "Runner"]

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Run:
    """A finished run."""

    result: dg.ExecuteInProcessResult

    @property
    def succeeded(self) -> bool:
        """Whether every step did."""
        return self.result.success

    def metadata(self, asset: str) -> dict[str, Any]:
        """The metadata of an asset's last materialization in this run, as plain values."""
        last = self._made(asset)[-1]
        return {name: getattr(each, "value", each) for name, each in last.metadata.items()}

    def total(self, asset: str, figure: str) -> int:
        """A figure summed over the partitions an asset made in this run."""
        by_partition = {
            event.partition: getattr(event.metadata[figure], "value", 0) for event in self._made(asset)
        }
        return sum(int(each or 0) for each in by_partition.values())

    def _made(self, asset: str) -> list[dg.AssetMaterialization]:
        key = dg.AssetKey.from_user_string(asset)
        events = self.result.get_asset_materialization_events()
        return [each.materialization for each in events if each.asset_key == key]

    def failure(self) -> str:
        """The message of the first step that failed."""
        for event in self.result.all_events:
            if event.is_step_failure:
                data = event.step_failure_data
                described = data.user_failure_data.description if data.user_failure_data else None
                return str(described or data.error or "")
        return ""


class Runner:
    """Executes assets of some definitions on an instance.

    A range of partitions is run as Dagster runs a backfill of assets with a single-run policy: one run that
    carries the range in its tags.
    """

    def __init__(self, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self._job = definitions.resolve_implicit_global_asset_job_def()
        self.instance = instance

    def run(
        self,
        assets: Sequence[str],
        first: str,
        last: str | None = None,
        *,
        config: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Run:
        """Materialize assets for a partition, or for the range from `first` to `last`.

        Args:
            assets: Asset keys, their parts joined by slashes.
            first: A partition key.
            last: The end of the range, included.
            config: Run configuration by asset.
        """
        keys = {dg.AssetKey.from_user_string(asset) for asset in assets}
        ops = {asset.replace("/", "__"): {"config": dict(each)} for asset, each in (config or {}).items()}
        options: dict[str, Any] = {"partition_key": first}
        if last is not None:
            tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
            options = {"tags": tags}
        return Run(
            self._job.get_subset(asset_selection=keys).execute_in_process(
                instance=self.instance,
                run_config={**_QUIET, "ops": ops},
                raise_on_error=False,
                **options,
            )
        )

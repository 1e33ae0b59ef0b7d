"""A drop as its user has it: YAML, a folder, a sensor that is looked at, real runs, a local Braze."""

from typing import Any

import dagster as dg
import pyarrow.parquet as pq
import pytest

from braze_assets.csv_files.progress import Progress
from braze_assets.emulator.process import LocalBraze
from braze_assets.storage import Storage, open_path
from braze_assets_tests.projects import Project

__all__ = ["ANYWHERE", "SEED", "Drop"]

SEED = "external_id,Loyalty Points,Last Brand Purchased\nabc123,1982,Solomon\n"
ANYWHERE = pytest.mark.parametrize("place", ["folder", "s3"], indirect=True)

YAML = """\
type: braze_assets.CsvDrop
attributes:
  name: loyalty
  url: {url}
  mode: {mode}
{more}
"""


class Drop:
    """A project with one drop."""

    def __init__(self, project: Project, braze: LocalBraze, url: str) -> None:
        self.project, self.braze, self.url = project, braze, url
        self.instance = dg.DagsterInstance.ephemeral()
        self.cursor: str | None = None
        self._definitions: dg.Definitions | None = None
        self.settings()

    def settings(self, more: str = "", mode: str = "live") -> None:
        """Write the YAML; further lines are indented as attributes."""
        lines = "\n".join(f"  {line}" for line in more.splitlines())
        self._definitions = None
        text = YAML.format(url=self.url, mode=mode, more=lines)
        (self.project.folder / "loyalty").mkdir(exist_ok=True)
        (self.project.folder / "loyalty" / "defs.yaml").write_text(text)

    def put(self, name: str, content: str | bytes) -> None:
        """Drop a file."""
        path = open_path(f"{self.url}/{name}")
        if not self.url.startswith("s3://"):
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def names(self, *folders: str) -> list[str]:
        """Files in the folder, or in one below it."""
        folder = open_path("/".join((self.url, *folders)))
        found = [each for each in folder.iterdir() if not each.is_dir()] if folder.exists() else []
        return sorted(each.name for each in found)

    @property
    def definitions(self) -> dg.Definitions:
        """The project, loaded."""
        self._definitions = self._definitions or self.project.definitions()
        return self._definitions

    def look(self) -> dg.SensorResult:
        """One tick of the sensor."""
        definitions = self.definitions
        sensor = definitions.resolve_sensor_def("loyalty_sensor")
        context = dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            definitions=definitions,
            resources={"storage": definitions.resources["storage"]},
        )
        result = sensor(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        for request in result.dynamic_partitions_requests or ():
            if isinstance(request, dg.AddDynamicPartitionsRequest):
                self.instance.add_dynamic_partitions("loyalty_files", list(request.partition_keys))
            else:
                for key in request.partition_keys:
                    self.instance.delete_dynamic_partition("loyalty_files", key)
        return result

    def asked(self) -> dg.RunRequest:
        """What the sensor asks for, at once or at the second look."""
        for _ in range(2):
            if requests := self.look().run_requests:
                [request] = requests
                return request
        raise AssertionError("nothing was asked for")

    def run(self, request: dg.RunRequest, **config: Any) -> dg.ExecuteInProcessResult:
        """What the sensor asked for."""
        assert request.asset_selection is not None
        job = self.definitions.resolve_implicit_global_asset_job_def()
        return job.get_subset(asset_selection=set(request.asset_selection)).execute_in_process(
            run_config={"ops": {name: {"config": dict(each)} for name, each in config.items()}},
            instance=self.instance,
            partition_key=request.partition_key,
            tags=dict(request.tags),
            raise_on_error=False,
        )

    def imports(self, **config: Any) -> list[dg.ExecuteInProcessResult]:
        """Look and run until nothing is asked for; a folder's files are taken at the second look."""
        results = []
        for _ in range(12):
            found = self.look()
            for request in found.run_requests or ():
                results.append(self.run(request, **config))
            if not found.run_requests and "came since" not in str(found.skip_reason):
                break
        self.braze.control.wait_until_applied()
        return results

    def held(self, external_id: str) -> dict[str, Any] | None:
        return self.braze.control.attributes(external_id)

    @property
    def objects(self) -> int:
        return int(self.braze.control.counters()["objects"])

    def results(self, result: dg.ExecuteInProcessResult) -> list[dict[str, Any]]:
        """The table of results of a run."""
        [event] = result.asset_materializations_for_node("loyalty_results")
        uri = str(event.metadata["dagster/uri"].value)
        with open_path(uri).open("rb") as source:
            rows: list[dict[str, Any]] = pq.read_table(source).to_pylist()
        return rows

    def known(self) -> dict[str, str]:
        """How far each version is, by partition, as the drop knows it."""
        return {key: each.state for key, each in Progress(self.storage, "loyalty").known().items()}

    @property
    def storage(self) -> Storage:
        return Storage(self.project.storage)

"""What a person does and sees in Dagster's UI, by the same GraphQL calls."""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import requests

__all__ = ["Ui"]

_LOCATION = {"repositoryLocationName": "brand", "repositoryName": "__repository__"}
_METADATA = """metadataEntries { label ... on TextMetadataEntry { text } ... on IntMetadataEntry { intRepr }
  ... on MarkdownMetadataEntry { mdStr } ... on FloatMetadataEntry { floatRepr } }"""


class Ui:
    """Speaks with the webserver at `url`."""

    url = ""

    def __init__(self) -> None:
        self._sensors: dict[str, str] = {}

    def wait(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait until it holds; returns what it returned."""
        raise NotImplementedError

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """A GraphQL call."""
        reply = requests.post(
            f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=30
        ).json()
        assert "errors" not in reply, reply["errors"]
        data: dict[str, Any] = reply["data"]
        return data

    def backfill(self, assets: Sequence[str], days: Sequence[str], **config: Any) -> str:
        """Launch a backfill as the UI does; returns its id."""
        params: dict[str, Any] = {
            "assetSelection": [{"path": asset.split("/")} for asset in assets],
            "partitionNames": list(days),
        }
        if config:
            ops = {name: {"config": each} for name, each in config.items()}
            params["runConfigData"] = json.dumps({"ops": ops})
        launched = self.ask(
            "mutation($p: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $p) { __typename "
            "... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }",
            p=params,
        )["launchPartitionBackfill"]
        assert "backfillId" in launched, launched
        return str(launched["backfillId"])

    def reexecute_backfill(self, backfill_id: str) -> str:
        """Re-execute what failed, as the backfill's page offers; returns the id of the new backfill."""
        launched = self.ask(
            "mutation($p: ReexecutionParams!) { reexecutePartitionBackfill(reexecutionParams: $p) { "
            "__typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }",
            p={"parentRunId": backfill_id, "strategy": "FROM_FAILURE"},
        )["reexecutePartitionBackfill"]
        assert "backfillId" in launched, launched
        return str(launched["backfillId"])

    def runs(self, backfill_id: str) -> dict[str, Any]:
        """A backfill with its runs."""
        found: dict[str, Any] = self.ask(
            "query($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { "
            "status runs(limit: 100) { runId status startTime endTime } } } }",
            id=backfill_id,
        )["partitionBackfillOrError"]
        return found

    def finished(self, backfill_id: str) -> dict[str, Any]:
        """Wait for a backfill."""

        def over() -> dict[str, Any] | None:
            found = self.runs(backfill_id)
            return found if found["status"] not in ("REQUESTED", "CANCELING") else None

        done: dict[str, Any] = self.wait(over, f"backfill {backfill_id}")
        return done

    def terminate(self, run_id: str) -> None:
        """What the button "Terminate" of a run does."""
        done = self.ask(
            "mutation($id: String!) { terminateRun(runId: $id, terminatePolicy: SAFE_TERMINATE) "
            "{ __typename } }",
            id=run_id,
        )
        assert done["terminateRun"]["__typename"] == "TerminateRunSuccess", done

    def run_status(self, run_id: str) -> str:
        """The status of a run."""
        found = self.ask("query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }", id=run_id)
        return str(found["runOrError"]["status"])

    def sensor(self, name: str, *, on: bool) -> None:
        """Turn a sensor on or off."""
        done: dict[str, Any]
        if on:
            done = self.ask(
                "mutation($s: SensorSelector!) { startSensor(sensorSelector: $s) { __typename "
                "... on Sensor { id } ... on PythonError { message } } }",
                s={**_LOCATION, "sensorName": name},
            )["startSensor"]
            assert done["__typename"] == "Sensor", done
            self._sensors[name] = done["id"]
            return
        done = self.ask(
            "mutation($i: String!) { stopSensor(id: $i) { __typename } }", i=self._sensors.pop(name)
        )["stopSensor"]
        assert done["__typename"] == "StopSensorMutationResult", done

    def sensor_runs(self, name: str) -> list[dict[str, Any]]:
        """The runs a sensor has asked for, the oldest first: status, and tags by name."""
        found = self.ask(
            "query($f: RunsFilter) { runsOrError(filter: $f) { ... on Runs { results { runId status "
            "tags { key value } assetSelection { path } } } } }",
            f={"tags": [{"key": "dagster/sensor_name", "value": name}]},
        )["runsOrError"]["results"]
        return [{**each, "tags": {t["key"]: t["value"] for t in each["tags"]}} for each in reversed(found)]

    def said(self, run_id: str) -> list[str]:
        """The lines that a run's own code wrote to its log."""
        lines: list[str] = []
        after: str | None = None
        while True:
            found = self.ask(
                "query($r: ID!, $c: String) { logsForRun(runId: $r, afterCursor: $c, limit: 1000) { "
                "... on EventConnection { cursor hasMore events { __typename "
                "... on LogMessageEvent { message } } } } }",
                r=run_id,
                c=after,
            )["logsForRun"]
            lines += [each["message"] for each in found["events"] if each["__typename"] == "LogMessageEvent"]
            after = found["cursor"]
            if not found["hasMore"]:
                return lines

    def tick(self, schedule: str) -> dict[str, str]:
        """The tags of the run that the last tick of a daily schedule asks for."""
        selector = {**_LOCATION, "scheduleName": schedule}
        tick = self.ask(
            "mutation($s: ScheduleSelector!, $t: Float!) { scheduleDryRun(selectorData: $s, timestamp: $t) { "
            "... on DryRunInstigationTick { evaluationResult { runRequests { tags { key value } } } } } }",
            s=selector,
            t=time.time() - 86_400,  # the tick that comes next after this moment
        )["scheduleDryRun"]
        [request] = tick["evaluationResult"]["runRequests"]
        return {each["key"]: each["value"] for each in request["tags"]}

    def launch(self, job: str, tags: dict[str, str]) -> str:
        """Launch a run of a job as a tick does; the id of the run."""
        launched = self.ask(
            "mutation($p: ExecutionParams!) { launchRun(executionParams: $p) { __typename "
            "... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }",
            p={
                "selector": {**_LOCATION, "jobName": job},
                "executionMetadata": {"tags": [{"key": key, "value": tags[key]} for key in tags]},
                "runConfigData": "{}",
            },
        )["launchRun"]
        assert "run" in launched, launched
        return str(launched["run"]["runId"])

    def page(self, asset: str, day: str) -> dict[str, Any]:
        """What the page of a partition shows: the metadata of its last materialization."""
        node = self._asset(asset, f'assetMaterializations(partitions: ["{day}"], limit: 1) {{ {_METADATA} }}')
        events = node["assetMaterializations"]
        if not events:
            return {}
        values = {
            each["label"]: next((v for k, v in each.items() if k != "label"), None)
            for each in events[0]["metadataEntries"]
        }
        return {name: int(v) if str(v).isdigit() and name != "plan_id" else v for name, v in values.items()}

    def statuses(self, asset: str) -> dict[str, str]:
        """The status of every partition that has one, as the asset's bar of partitions shows them."""
        node = self._asset(
            asset,
            "assetPartitionStatuses { ... on TimePartitionStatuses { ranges { startKey endKey status } } }",
        )
        return {
            f"{each['startKey']}...{each['endKey']}": each["status"]
            for each in node["assetPartitionStatuses"]["ranges"]
        }

    def freshness(self, asset: str, day: str) -> str:
        """FRESH, or STALE where the partition's page says "Unsynced"."""
        return str(self._asset(asset, f'staleStatus(partition: "{day}")')["staleStatus"])

    def checks(self, asset: str) -> dict[str, tuple[str, str, str]]:
        """The asset's checks: status, severity and text of the last evaluation."""
        evaluation = "executionForLatestMaterialization { status evaluation { severity description } }"
        checks = "assetChecksOrError { ... on AssetChecks { checks { name " + evaluation + " } } }"
        node = self._asset(asset, checks)
        return {
            each["name"]: (
                last["status"],
                last["evaluation"]["severity"],
                last["evaluation"]["description"] or "",
            )
            for each in node["assetChecksOrError"]["checks"]
            if (last := each["executionForLatestMaterialization"]) and last["evaluation"]
        }

    def _asset(self, asset: str, fields: str) -> dict[str, Any]:
        of_asset = "assetNodeOrError(assetKey: $k) { ... on AssetNode { " + fields + " } }"
        node: dict[str, Any] = self.ask(
            "query($k: AssetKeyInput!) { " + of_asset + " }", k={"path": asset.split("/")}
        )["assetNodeOrError"]
        return node

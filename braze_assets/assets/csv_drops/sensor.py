"""The sensor of a drop: sees files come, and asks for one import at a time."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import dagster as dg

from braze_assets.assets.csv_drops.definition import CsvDropDefinition
from braze_assets.csv_files.looks import Look, Looks, look
from braze_assets.csv_files.place import FileVersion
from braze_assets.csv_files.progress import Progress, forgettable
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource

__all__ = ["build_sensor"]

_FORGOTTEN = 200
"""Versions forgotten in one look, at most: Dagster stops a look that takes a minute."""
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def build_sensor(drop: CsvDropDefinition, job: Any) -> dg.SensorDefinition:
    """The sensor, stopped until it is started."""

    @dg.sensor(
        name=f"{drop.name}_sensor",
        job=job,
        minimum_interval_seconds=drop.look_seconds,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=f"Imports each new CSV file under {drop.url}, one at a time, in the order they came.",
    )
    def drop_sensor(
        context: dg.SensorEvaluationContext, storage: StorageResource
    ) -> dg.SensorResult | dg.SkipReason:
        with dagster_failures():
            place = drop.place()
            files = place.files()
            progress, now = drop.progress(storage.storage()), datetime.now(timezone.utc)
            known = progress.known()
            found = look(
                files,
                {partition: each.state for partition, each in known.items()},
                Looks.loads(context.cursor) if context.cursor else Looks.new(),
                atomic=place.atomic,
                busy=_busy(context, drop),
                mode=drop.mode,
                now=now,
            )
            here = {file.partition for file in files}
            old = forgettable(known, here, now - timedelta(days=drop.forget_after_days))
            changes = _forgotten(context, drop, progress, old[:_FORGOTTEN])
        observed = [_observation(drop, file) for file in found.new]
        cursor = found.looks.dumps()
        if found.next is None:
            reason = _reason(found, len(files))
            return dg.SensorResult(
                skip_reason=reason,
                cursor=cursor,
                asset_events=observed,
                dynamic_partitions_requests=changes,
            )
        partition = found.next.partition
        request = dg.RunRequest(
            run_key=found.run_key,
            partition_key=partition,
            asset_selection=[drop.part(each) for each in _assets(found)],
            tags=dict(drop.tags),
        )
        return dg.SensorResult(
            run_requests=[request],
            cursor=cursor,
            asset_events=observed,
            dynamic_partitions_requests=[*changes, drop.versions.build_add_request([partition])],
        )

    return drop_sensor


def _forgotten(
    context: dg.SensorEvaluationContext, drop: CsvDropDefinition, progress: Progress, old: Sequence[str]
) -> list[dg.DeleteDynamicPartitionsRequest]:
    """Versions lose their partition; what is known of them goes at a later look, when that has happened."""
    if not old:
        return []
    held = set(drop.versions.get_partition_keys(dynamic_partitions_store=context.instance))
    progress.forget(partition for partition in old if partition not in held)
    listed = [partition for partition in old if partition in held]
    return [drop.versions.build_delete_request(listed)] if listed else []


def _assets(found: Look) -> list[str]:
    """A file whose send goes on is not read again."""
    return ["sync", "results"] if found.state == "continue" else ["delta", "sync", "results"]


def _busy(context: dg.SensorEvaluationContext, drop: CsvDropDefinition) -> bool:
    unfinished = dg.RunsFilter(tags=dict(drop.tags), statuses=_UNFINISHED)
    return bool(context.instance.get_run_records(unfinished, limit=1))


def _observation(drop: CsvDropDefinition, file: FileVersion) -> dg.AssetObservation:
    return dg.AssetObservation(
        drop.part("files"),
        metadata={
            "file": file.uri,
            "bytes": file.size,
            "last_modified": file.last_modified.isoformat(),
            "partition": file.partition,
        },
    )


def _reason(found: Look, files: int) -> str:
    if found.writing:
        return f"{found.writing:,} of {files:,} files came since the last look, or may still be written."
    if found.waiting:
        return (
            f"{found.waiting:,} of {files:,} files wait: an import is going on, or is tried again in a while."
        )
    return f"Nothing new among {files:,} files."

"""What happened to the flows since the last look, read from Dagster's event log with few queries."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import dagster as dg
from dagster import DagsterEventType

from braze_assets.alerts import Counted, Failed, Observation, Sent
from braze_assets.assets.alerts.definition import Watched
from braze_assets.assets.alerts.failures import failed_sends

__all__ = ["Seen", "look"]

_MOST = 200
"""Events of an asset, and failed runs, that one look reads: the newest. A flow's status never depends on
older ones, so thousands of partitions in one minute cost no more than these."""
_FAILURES = "failed runs"
_PARTITION, _RANGE_END = "dagster/partition", "dagster/asset_partition_range_end"
_SEND_ROWS = ("sent", "rejected", "unknown", "not_sent", "unchanged", "skipped")


@dataclass(frozen=True)
class Seen:
    """What one look found."""

    observations: Mapping[str, Sequence[Observation]]
    """By flow."""
    read: Mapping[str, int]
    """Up to where the event log was read; given to the next look."""


def look(
    instance: dg.DagsterInstance, flows: Sequence[Watched], read: Mapping[str, int], known: Sequence[str]
) -> Seen:
    """Look at all flows.

    One query tells which assets have anything new, and one which runs failed; only these are read further.

    Args:
        instance: Where the runs are.
        flows: Whom to look at.
        read: Up to where the last look came.
        known: The flows it looked at; of others, the newest event of each asset is taken, and the last run.
    """
    found: dict[str, list[Observation]] = defaultdict(list)
    now_read = dict(read)
    keys = dict.fromkeys(key for each in flows for key in (each.send, each.table) if key)
    newest = {each.asset_entry.asset_key: each.asset_entry for each in instance.get_asset_records([*keys])}
    for key in keys:
        name = key.to_user_string()
        record = newest[key].last_materialization_record if key in newest else None
        last, before = record.storage_id if record else 0, read.get(name)
        now_read[name] = max(last, before or 0)
        fresh = _since(instance, key, before) if before is not None and last > before else []
        for flow in flows:
            if key in (flow.send, flow.table):
                events = fresh if flow.name in known and before is not None else [record] if record else []
                found[flow.name] += [one for each in events for one in _observed(each, key, flow)]
    runs = _failed_runs(instance, read.get(_FAILURES))
    now_read[_FAILURES] = max([read.get(_FAILURES, 0), *runs.values()])
    failures: list[tuple[str, Failed]] = []
    if _FAILURES in read:
        asked = {each.send: each for each in flows if each.name in known}
        for run, order in runs.items():
            failures += _failures(instance, run, order, asked)
    for each in flows:
        entry = newest.get(each.send)
        if each.name not in known and entry and entry.last_run_id:
            # It was planned after whatever was made of it, or made it itself.
            order = now_read[each.send.to_user_string()] + 1
            failures += _failures(instance, entry.last_run_id, order, {each.send: each})
    for name, failure in failures:
        found[name].append(failure)
    return Seen(found, now_read)


def _since(instance: dg.DagsterInstance, key: dg.AssetKey, after: int) -> list[dg.EventLogRecord]:
    of = dg.AssetRecordsFilter(key, after_storage_id=after)
    return [*reversed(instance.fetch_materializations(of, limit=_MOST).records)]


def _observed(record: dg.EventLogRecord, key: dg.AssetKey, flow: Watched) -> list[Observation]:
    """What a materialization says. One without our figures, as somebody reported it by hand, says nothing."""
    event = record.asset_materialization
    if event is None:
        return []
    facts = {name: getattr(each, "value", each) for name, each in event.metadata.items()}
    about: dict[str, Any] = {
        "order": record.storage_id,
        "time": _moment(record.timestamp),
        "run": record.run_id,
        "partition": event.partition,
    }
    if key == flow.send:
        if "state" in facts:
            tried = facts["state"] in ("sent", "nothing")
            return [
                Sent(
                    **about, objects=_int(facts, "objects"), rejected=_int(facts, "rejected"), attempted=tried
                )
            ]
        if "sent" not in facts:
            return []
        # The results of a file: its rows, those among them that could not be sent too.
        rows = sum(_int(facts, name) for name in _SEND_ROWS)
        return [Sent(**about, objects=rows, rejected=_int(facts, "rejected"), rows=rows)]
    for name in ("dagster/partition_row_count", "dagster/row_count"):
        if name in facts:
            return [Counted(**about, rows=_int(facts, name))]
    return []


def _failed_runs(instance: dg.DagsterInstance, after: int | None) -> dict[str, int]:
    """The runs that failed, by id, each with the id of that event; at the very first look the newest."""
    of = dg.RunStatusChangeRecordsFilter(DagsterEventType.RUN_FAILURE, after_storage_id=after)
    found = instance.fetch_run_status_changes(of, limit=1 if after is None else _MOST)
    return {each.run_id: each.storage_id for each in found.records}


def _failures(
    instance: dg.DagsterInstance, run_id: str, order: int, flows: Mapping[dg.AssetKey, Watched]
) -> list[tuple[str, Failed]]:
    """The flows that a run should have sent and did not; none where it did not fail."""
    record = instance.get_run_record_by_id(run_id)
    if record is None or record.dagster_run.status != dg.DagsterRunStatus.FAILURE:
        return []
    tags = record.dagster_run.tags
    partition = tags.get(_RANGE_END) or tags.get(_PARTITION)
    ended = _moment(record.end_time or record.update_timestamp.timestamp())
    missed = failed_sends(instance, run_id, flows)
    return [
        (
            flows[key].name,
            Failed(order=order, time=ended, run=run_id, partition=partition, because=because),
        )
        for key, because in missed.items()
    ]


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, timezone.utc)


def _int(facts: Mapping[str, Any], name: str) -> int:
    value = facts.get(name)
    return int(value) if isinstance(value, (int, float)) else 0

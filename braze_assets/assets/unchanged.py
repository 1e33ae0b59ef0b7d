"""Whether anything that a flow reads changed since its last send."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Any

import dagster as dg

from braze_assets.assets.flow import Flow, Timed
from braze_assets.resources.braze import BrazeResource

__all__ = ["unchanged"]

_DONE = ("sent", "nothing", "preview")
"""How a send ends that did all it was to do."""
_OWN_VERSION = "dagster/data_version_is_user_provided"
_VERSION = "dagster/data_version"
_CODE = "dagster/code_version"


def unchanged(
    context: dg.ScheduleEvaluationContext, flow: Timed, sends: Sequence[Flow], partition: str | None
) -> str:
    """Why a tick has nothing to do; empty where a run is due.

    What was read last is known from the events that Dagster keeps: before the send was its plan, before the
    plan its table, and the table's event names the newest event of each table it read. A table that tells a
    data version of its own counts as changed when that changes, any other when it was made again. Whatever is
    not known for sure is due.

    Args:
        context: Of the tick; its definitions are asked for the code version of the query.
        flow: What is run.
        sends: It, once for each destination that is sent to.
        partition: What the tick would fill.
    """
    newest: dict[dg.AssetKey, dg.EventLogRecord] = {}
    for key in dict.fromkeys(each.asset for each in flow.sources.values() if each.asset):
        found = _newest(context, key, flow, partition)
        if found is None:
            if not _made_here(context, key):
                return ""
            of = f" for {partition}" if partition else ""
            return f"{key.to_user_string()} has not been made{of} yet: there is nothing new to send."
        newest[key] = found
    times = []
    for send in sends:
        sent = _last_send(context, send)
        table = sent and _table_of(context.instance, flow, send, sent)
        if not sent or not table or any(_changes(context, flow, table, newest, partition)):
            return ""
        times.append(sent.timestamp)
    since = f"{datetime.fromtimestamp(min(times), timezone.utc):%Y-%m-%d %H:%M} UTC"
    names = ", ".join(key.to_user_string() for key in newest)
    return (
        f"Nothing changed since the last send of {flow.name} ({since}): {names} and the query are the same."
    )


def _changes(
    context: dg.ScheduleEvaluationContext,
    flow: Timed,
    table: dg.EventLogRecord,
    newest: dict[dg.AssetKey, dg.EventLogRecord],
    partition: str | None,
) -> Iterator[bool]:
    """The query, and each of the tables it reads."""
    tags = _tags(table)
    yield tags.get(_CODE) != _graph(context).get(flow.leads[0]).code_version
    for key, event in newest.items():
        name = key.to_user_string()
        pointer = tags.get(f"dagster/input_event_pointer/{name}", "")
        seen = pointer.isdigit() and event.storage_id <= int(pointer)
        theirs = _tags(event)
        same = theirs.get(_OWN_VERSION) == "true" and theirs.get(_VERSION) == tags.get(
            f"dagster/input_data_version/{name}"
        )
        if event.partition_key is None:
            yield not (seen or same)
        else:
            yield partition != table.partition_key or not seen


def _last_send(context: dg.ScheduleEvaluationContext, send: Flow) -> dg.EventLogRecord | None:
    """The last send, if it went as far as one would go now and left nothing to send again."""
    instance = context.instance
    sent = _first(instance, dg.AssetRecordsFilter(send.key("sync")))
    if sent is None or sent.asset_materialization is None:
        return None
    facts = {name: value.value for name, value in sent.asset_materialization.metadata.items()}
    braze: BrazeResource = getattr(context.resources, send.destination)
    whole = facts.get("state") in _DONE and not facts.get("rejected") and not facts.get("unknown")
    if not whole or facts.get("mode") != braze.allowed_mode(send.mode):
        return None
    # A later run that was to send may have failed before it could say anything.
    for each in instance.get_asset_records([send.key("sync")]):
        planned = each.asset_entry.last_planned_materialization_run_id or each.asset_entry.last_run_id
        if planned and planned != sent.run_id:
            run = instance.get_run_by_id(planned)
            if run is None or run.status is not dg.DagsterRunStatus.SUCCESS:
                return None
    return sent


def _table_of(
    instance: dg.DagsterInstance, flow: Timed, send: Flow, sent: dg.EventLogRecord
) -> dg.EventLogRecord | None:
    """The table whose plan a send delivered."""
    event: dg.EventLogRecord | None = sent
    for key in (send.key("delta"), flow.leads[0]):
        if event is None:
            return None
        partitions = [event.partition_key] if event.partition_key else None
        event = _first(
            instance,
            dg.AssetRecordsFilter(key, asset_partitions=partitions, before_storage_id=event.storage_id),
        )
    return event


def _newest(
    context: dg.ScheduleEvaluationContext, key: dg.AssetKey, flow: Timed, partition: str | None
) -> dg.EventLogRecord | None:
    """The newest event of a table: of what the partition reads of it, if both have partitions."""
    graph = _graph(context)
    theirs = graph.get(key).partitions_def if graph.has(key) else None
    wanted = None
    if flow.partitions and partition and isinstance(theirs, dg.TimeWindowPartitionsDefinition):
        window = flow.partitions.time_window_for_partition_key(partition)
        wanted = theirs.get_partition_keys_in_time_window(window)
        wanted = wanted or [theirs.get_partition_key_for_timestamp(window.start.timestamp())]
    return _first(context.instance, dg.AssetRecordsFilter(key, asset_partitions=wanted))


def _made_here(context: dg.ScheduleEvaluationContext, key: dg.AssetKey) -> bool:
    """Whether Dagster makes a table: of others, that there is no event says nothing."""
    graph = _graph(context)
    return bool(graph.has(key) and graph.get(key).is_materializable)


def _graph(context: dg.ScheduleEvaluationContext) -> Any:
    assert context.repository_def is not None  # Dagster evaluates ticks with it.
    return context.repository_def.asset_graph


def _first(instance: dg.DagsterInstance, wanted: dg.AssetRecordsFilter) -> dg.EventLogRecord | None:
    return next(iter(instance.fetch_materializations(wanted, limit=1).records), None)


def _tags(event: dg.EventLogRecord) -> dict[str, str]:
    made = event.asset_materialization
    return dict(made.tags or {}) if made else {}

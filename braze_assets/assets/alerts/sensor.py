"""The sensor of alerts: it looks at the flows, and tells what changed since the last look."""

from datetime import datetime, timezone

import dagster as dg

from braze_assets.alerts import Change, Memory, begin, tell, watch
from braze_assets.assets.alerts.definition import AlertsDefinition
from braze_assets.assets.alerts.looking import look
from braze_assets.errors import StorageError
from braze_assets.resources.storage import StorageResource

__all__ = ["build_alerts"]


def build_alerts(alerts: AlertsDefinition) -> dg.Definitions:
    """The sensor, stopped until it is started. Its cursor holds the statuses, and what waits to be told."""

    @dg.sensor(
        name=f"{alerts.name}_sensor",
        minimum_interval_seconds=alerts.look_seconds,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=alerts.description
        or f"Tells {', '.join(alerts.channels)} when the status of a flow changes, once for each change.",
    )
    def alerts_sensor(context: dg.SensorEvaluationContext, storage: StorageResource) -> dg.SensorResult:
        memory, changes = _watched(alerts, context.instance, Memory.loads(context.cursor))
        for each in changes:
            context.log.info("%s is %s; it was %s.", each.flow, each.status, each.previous)
        said, outbox = [], memory.outbox
        try:
            told = tell(
                outbox,
                alerts.channels,
                storage=storage.storage(),
                name=alerts.name,
                now=datetime.now(timezone.utc),
                base_url=alerts.base_url,
            )
            outbox, problems = told.outbox, told.problems
            said = [f"{channel} was told of {count:,}" for channel, count in told.messages.items()]
        except StorageError as error:
            # What was told could not be kept: it waits until it can.
            problems = [f"Nothing is told: {error.cause}"]
        for problem in problems:
            context.log.warning("%s", problem)
        waiting = len(outbox.changes)
        parts = [_statuses(memory), *said, *problems, *([f"{waiting:,} changes wait"] if waiting else [])]
        cursor = Memory(states=memory.states, read=memory.read, outbox=outbox).dumps()
        return dg.SensorResult(skip_reason="; ".join(parts), cursor=cursor)

    return dg.Definitions(sensors=[alerts_sensor])


def _watched(
    alerts: AlertsDefinition, instance: dg.DagsterInstance, memory: Memory
) -> tuple[Memory, list[Change]]:
    """One look: the statuses as they are now, and with them in the outbox what changed."""
    seen = look(instance, alerts.flows, memory.read, [*memory.states])
    now = datetime.now(timezone.utc)
    states, changes = {}, []
    for flow in alerts.flows:
        observations = seen.observations.get(flow.name, ())
        before = memory.states.get(flow.name)
        if before is None:
            state, found = begin(flow.name, observations, ordered=flow.ordered, rules=alerts.rules, now=now)
        else:
            state, found = watch(
                flow.name, before, observations, ordered=flow.ordered, rules=alerts.rules, now=now
            )
        states[flow.name] = state
        changes += found
    outbox = memory.outbox.put(alerts.channels, changes, now)
    return Memory(states=states, read=seen.read, outbox=outbox), changes


def _statuses(memory: Memory) -> str:
    wrong = [f"{name}: {each.status}" for name, each in memory.states.items() if each.status != "ok"]
    return "; ".join([*wrong, f"{len(memory.states) - len(wrong):,} of {len(memory.states):,} flows ok"])

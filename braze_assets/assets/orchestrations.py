"""All flows of the project, and its segments: what they are, when they ran, and when they run next."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import dagster as dg
from dagster_shared.check import CheckError

from braze_assets.assets.flow_facts import SEGMENTS, described, timing_said
from braze_assets.assets.previews import markdown_table
from braze_assets.assets.timing import Timing, ticks

__all__ = ["COLUMNS", "KEY", "Orchestration", "build_orchestrations", "orchestrations"]

KEY = dg.AssetKey("orchestrations")

COLUMNS = (
    "name",
    "kind",
    "destination",
    "mode",
    "query",
    "last run",
    "status",
    "last success",
    "last outcome",
    "schedule",
    "state",
    "next tick",
    "next tick (UTC)",
)

_TIME = "%Y-%m-%d %H:%M"
_FAILED = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


def _now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True, kw_only=True)
class Orchestration:
    """One flow to one destination, or the segments of one file. Times are in UTC."""

    name: str
    kind: str
    destination: str
    mode: str
    query: str
    """active, draft or disabled."""
    last_run: datetime | None
    run_status: str
    """Of the last run that was to send; empty where there is none."""
    last_success: datetime | None
    """When a send last ended by itself."""
    outcome: str
    """What that send said of itself, in counts."""
    schedule: str
    running: bool | None
    """Whether its schedule or sensor was started; None where it has none."""
    next_tick: datetime | None
    """In the schedule's zone, whether it was started or not."""

    @property
    def failed(self) -> bool:
        """Whether the last run did not end well."""
        return self.run_status in {each.value for each in _FAILED}

    def cells(self) -> tuple[str, ...]:
        """A row of the table, as `COLUMNS` has them."""
        tick = self.next_tick
        return (
            self.name,
            self.kind,
            self.destination,
            self.mode,
            self.query,
            f"{self.last_run:{_TIME}}" if self.last_run else "never",
            self.run_status.lower() or "-",
            f"{self.last_success:{_TIME}}" if self.last_success else "never",
            self.outcome or "-",
            self.schedule,
            {None: "-", True: "running", False: "stopped"}[self.running],
            f"{tick:{_TIME} %Z}" if tick else "-",
            f"{tick.astimezone(timezone.utc):{_TIME}}" if tick else "-",
        )


def orchestrations(
    repository: dg.RepositoryDefinition,
    instance: dg.DagsterInstance,
    now: datetime,
    *,
    selector: str | None = None,
) -> list[Orchestration]:
    """Every flow of the project and every file of segments, by name.

    Three questions to Dagster, however many partitions there are.

    Args:
        repository: The definitions.
        instance: Where runs and ticks are kept.
        now: From when on the next tick is looked for.
        selector: The repository as the instance knows it, where it has several.
    """
    nodes = repository.asset_graph.asset_nodes
    flows = {node.key: facts for node in nodes if (facts := described(node.metadata))}
    entries = {each.asset_entry.asset_key: each.asset_entry for each in instance.get_asset_records([*flows])}
    runs = {key: _run_id(entry) for key, entry in entries.items()}
    wanted = sorted({run for run in runs.values() if run})
    records = instance.get_run_records(dg.RunsFilter(run_ids=wanted)) if wanted else []
    known = {each.dagster_run.run_id: each for each in records}
    # An instance in memory keeps none.
    kept = instance.all_instigator_state(repository_selector_id=selector) if instance.schedule_storage else []
    states = {each.instigator_name: each for each in kept}
    starters: dict[str, Any] = {each.name: each for each in repository.schedule_defs}
    starters |= {each.name: each for each in repository.sensor_defs}
    found: dict[tuple[str, str], Orchestration] = {}
    for key, facts in flows.items():
        entry = entries.get(key)
        last = entry.last_materialization_record if entry else None
        record = known.get(runs.get(key) or "")
        starter = starters.get(facts["started_by"])
        each = Orchestration(
            **{name: str(facts[name]) for name in ("name", "kind", "destination", "mode")},
            query=str(facts["status"]),
            last_run=_at(record.start_time or record.create_timestamp.timestamp()) if record else None,
            run_status=record.dagster_run.status.value if record else "",
            last_success=_at(last.timestamp) if last else None,
            outcome=_outcome(last),
            schedule=_said(facts, starter),
            running=_running(starter, states) if starter else None,
            next_tick=_next_tick(starter, now),
        )
        # Of the segments of a file, what was last made tells.
        other = found.setdefault((each.kind, each.name), each)
        if each.last_run and (other.last_run is None or other.last_run < each.last_run):
            found[each.kind, each.name] = each
    return sorted(found.values(), key=lambda each: each.name)


def build_orchestrations(
    *, group: str = "braze", owners: Iterable[str] = (), clock: Callable[[], datetime] = _now
) -> dg.AssetsDefinition:
    """The asset of the list.

    Args:
        group: Its asset group.
        owners: Dagster owners.
        clock: What time it is.
    """

    @dg.asset(
        key=KEY,
        group_name=group,
        owners=list(owners),
        kinds={"dagster"},
        description="All flows into Braze, their last run and next tick. Materialize it to look at them.",
    )
    def listed(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        origin = context.run.remote_job_origin
        found = orchestrations(
            _project(context),
            context.instance,
            clock(),
            selector=origin.repository_origin.get_selector_id() if origin else None,
        )
        return dg.MaterializeResult(
            metadata={
                "orchestrations": markdown_table(
                    COLUMNS, (each.cells() for each in found), empty="The project sends nothing yet."
                ),
                "flows": len(found),
                "running": sum(each.running is True for each in found),
                "failed": sum(each.failed for each in found),
                "never_sent": sum(each.last_success is None for each in found if each.kind != SEGMENTS),
            }
        )

    return listed


def _project(context: dg.AssetExecutionContext) -> dg.RepositoryDefinition:
    try:
        return context.repository_def
    except CheckError:
        raise dg.Failure(
            "This run does not know the project: it was started in Python, of some assets alone.\n"
            "  What to do: Materialize orchestrations in the UI, or with `dagster asset materialize`.",
            allow_retries=False,
        ) from None


def _run_id(entry: Any) -> str | None:
    """The last run that was to send, whether it came to that or not."""
    found: str | None = entry.last_planned_materialization_run_id or entry.last_run_id
    return found


def _at(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, timezone.utc)


def _outcome(last: dg.EventLogRecord | None) -> str:
    made = last.asset_materialization if last else None
    summary = made.metadata.get("summary") if made else None
    return str(summary.value) if summary else ""


def _said(facts: Mapping[str, Any], starter: Any) -> str:
    if isinstance(starter, dg.SensorDefinition) and facts["kind"] == "csv drop":
        return "after each file"
    # As code: stars are emphasis in Markdown.
    return f"`{timing_said(facts)}`"


def _running(starter: Any, states: Mapping[str, Any]) -> bool:
    state = states.get(starter.name)
    if state is None or state.status.value == "DECLARED_IN_CODE":
        return str(starter.default_status.value) == "RUNNING"
    return str(state.status.value) == "RUNNING"


def _next_tick(starter: Any, now: datetime) -> datetime | None:
    cron = getattr(starter, "cron_schedule", None)
    if not isinstance(cron, str):
        return None
    return next(ticks(Timing(cron, starter.execution_timezone or "UTC"), now))
